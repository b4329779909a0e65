"""An end that a person's message brought is told, also when its worker dies before it tells.

Such a message carries no event: nobody else would find the end without one.
"""

from __future__ import annotations

import pytest

from core.adapters.memory.boundary import Crashed
from core.domain.operation import Turn
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events.formats import Environment
from events.vocabulary import DetailType, OperationStatus, Phase
from simulation.fleet import SimulatedFleet, policy_of
from simulation.requests import FIRST, SECOND, TENANT
from simulation.stand_ins import STAND_INS, update
from tests.engine.deciding import message_to, settle, until
from tests.engine.standing import THIRD, as_it_was, cancel, desk_with, replace_step, retry

DEV = Environment.DEV


def dies_before_it_tells(fleet: SimulatedFleet, kind: DetailType) -> None:
    """Kill, once, the worker that is about to publish an end."""
    publish = fleet.engine.bus.publish

    def dying(events):
        if any(event.detail_type is kind for event in events):
            del fleet.engine.bus.publish
            raise Crashed("before the end was told")
        publish(events)

    fleet.engine.bus.publish = dying


def ends(fleet: SimulatedFleet, operation_id: str) -> list[str]:
    found = fleet.world.notifications
    return [n.event_id for n in found if n.payload.operation_id == operation_id and n.event_type]


def test_who_is_cancelled_in_line_is_told_of():
    """Its request's event was consumed while it waited: no message of it is on its way."""
    fleet = SimulatedFleet(
        environment=DEV,
        workflows=STAND_INS,
        other_policy=policy_of(DEV).model_copy(update={"max_running_operations_per_tenant": 1}),
    )
    fleet.world.tenants[TENANT] = Tenant(tenant_id=TENANT, status="REGISTERED")
    for number in range(2):
        fleet.send(QueueName.UPDATE, update(f"op-{number}", site_id=f"site-{number}"))
        settle(fleet)
    waiting = next(o for o in fleet.store.operations.values() if o.turn is Turn.WAITING)
    dies_before_it_tells(fleet, DetailType.OPERATION_CANCELLED)
    fleet.send(QueueName.UPDATE, message_to("OPERATION_CANCEL_REQUEST", waiting.operation_id))
    fleet.run()
    ended = fleet.store.operations[waiting.operation_id]
    assert ended.status is OperationStatus.CANCELLED
    events = [e for e in fleet.world.events if e.metadata.operation_id == ended.operation_id]
    told = [event.detail_type for event in events]
    assert told.count(DetailType.OPERATION_CANCELLED) == 1
    assert fleet.world.dead_letters == []
    assert len(ends(fleet, ended.operation_id)) == 1


def test_who_is_retried_to_its_end_is_told_of():
    """The last undo had failed; the retry does it, and dies with the news."""
    desk = desk_with(THIRD, FIRST, SECOND)

    def broken(_context):
        raise RuntimeError("a defect")

    replace_step(desk, "open_record", Phase.UNDO, broken)
    until(desk.fleet, lambda: desk.operation.step == "plan")
    cancel(desk)
    until(
        desk.fleet,
        lambda: desk.operation.status is OperationStatus.ROLLBACK_FAILED,
        most_steps=20_000,
    )
    settle(desk.fleet)
    as_it_was(desk)
    dies_before_it_tells(desk.fleet, DetailType.OPERATION_CANCELLED)
    retry(desk)
    desk.fleet.run()
    assert desk.operation.status is OperationStatus.CANCELLED
    told = [e.detail_type for e in desk.fleet.world.events]
    assert told.count(DetailType.OPERATION_CANCELLED) == 1
    refused = [m for m in desk.fleet.world.dead_letters if m.attributes["errorCode"] == "SITE_005"]
    assert refused == []


@pytest.mark.parametrize("kind", ["OPERATION_CANCEL_REQUEST", "OPERATION_RETRY_REQUEST"])
def test_a_message_that_comes_too_late_is_still_refused(kind):
    desk = desk_with(THIRD, FIRST, SECOND)
    desk.fleet.run()
    assert desk.operation.status is OperationStatus.COMPLETED
    desk.send(message_to(kind, desk.operation.operation_id))
    desk.fleet.run()
    (letter,) = desk.fleet.world.dead_letters
    assert letter.attributes["errorCode"] == "SITE_005"
