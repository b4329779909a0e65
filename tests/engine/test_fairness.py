"""Fairness between tenants: one that drops many operations does not hold another one up."""

from __future__ import annotations

import pytest

from benchmarks.fairness import measure
from core.domain.operation import Turn
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events.formats import Environment
from events.vocabulary import OperationStatus
from simulation.fleet import SimulatedFleet, policy_of
from simulation.requests import TENANT
from simulation.stand_ins import STAND_INS, update
from tests.engine.deciding import message_to, settle, until

DEV, UPDATE = Environment.DEV, QueueName.UPDATE
COMPLETED, CANCELLED = OperationStatus.COMPLETED, OperationStatus.CANCELLED
CAP, MANY = 3, 40


@pytest.mark.parametrize("fair", [True, False], ids=["fair queue", "any queue"])
def test_a_flood_delays_another_tenant_by_less_than_a_few_of_its_own_steps(fair):
    """benchmarks/fairness.py says the same of 1,000, beside the cap switched off."""
    found = measure(MANY, cap=CAP, fair=fair)
    assert found.most_running == CAP
    assert found.delay_in_steps < 3


@pytest.fixture
def crowded():
    """Three of a tenant's operations are at work, on three sites; two more wait for their turn."""
    cap = {"max_running_operations_per_tenant": CAP}
    fleet = SimulatedFleet(
        environment=DEV,
        workflows=STAND_INS,
        other_policy=policy_of(DEV).model_copy(update=cap),
    )
    fleet.world.tenants[TENANT] = Tenant(tenant_id=TENANT, status="REGISTERED")
    for number in range(5):
        fleet.send(UPDATE, update(f"op-{number}", site_id=f"site-{number}"))
        settle(fleet)
        fleet.clock.advance(1)
    return fleet


def of_site(fleet: SimulatedFleet, number: int):
    found = fleet.store.operations.values()
    return next(o for o in found if o.site_id == f"site-{number}")


def turns(fleet: SimulatedFleet) -> list[Turn | None]:
    return [of_site(fleet, number).turn for number in range(5)]


def test_what_is_over_the_cap_waits_and_begins_in_order_when_one_ends(crowded):
    assert turns(crowded) == [Turn.TAKEN] * 3 + [Turn.WAITING] * 2
    assert of_site(crowded, 3).status is OperationStatus.PENDING
    until(crowded, lambda: of_site(crowded, 0).is_terminal)
    settle(crowded)
    assert turns(crowded) == [None, Turn.TAKEN, Turn.TAKEN, Turn.TAKEN, Turn.WAITING]
    crowded.run()
    assert {o.status for o in crowded.store.operations.values()} == {COMPLETED}
    assert crowded.store.running == {TENANT: 0}
    assert not any(crowded.store.lines.values())


def test_who_is_cancelled_in_line_ends_at_once_and_frees_no_turn_of_others(crowded):
    waiting = of_site(crowded, 3)
    crowded.send(UPDATE, message_to("OPERATION_CANCEL_REQUEST", waiting.operation_id))
    settle(crowded)
    assert of_site(crowded, 3).status is CANCELLED
    assert crowded.store.line_of(TENANT).running == CAP
    crowded.run()
    assert of_site(crowded, 4).status is COMPLETED
    assert crowded.store.running == {TENANT: 0}


def test_a_retry_of_what_waits_for_its_turn_is_refused(crowded):
    waiting = of_site(crowded, 3)
    crowded.send(UPDATE, message_to("OPERATION_RETRY_REQUEST", waiting.operation_id))
    settle(crowded)
    assert crowded.world.notifications[-1].event_type == "OPERATION_REJECTED"
    assert of_site(crowded, 3) == waiting


def test_a_stalled_operation_gives_its_turn_to_the_next(crowded):
    """It waits for a person, perhaps for days; when it goes on, it needs none."""
    first = of_site(crowded, 0).operation_id
    work = crowded.store.history

    def breaking(operation_id):
        if operation_id == first:
            raise RuntimeError("a defect")
        return work(operation_id)

    crowded.store.history = breaking
    crowded._wire()
    until(crowded, lambda: of_site(crowded, 0).stalled_since is not None)
    settle(crowded)
    assert (of_site(crowded, 0).turn, of_site(crowded, 3).turn) == (None, Turn.TAKEN)
    crowded.store.history = work
    crowded._wire()
    crowded.send(UPDATE, message_to("OPERATION_RETRY_REQUEST", first))
    crowded.run()
    assert {o.status for o in crowded.store.operations.values()} == {COMPLETED}
    assert crowded.store.running == {TENANT: 0}


def test_the_sweeper_starts_what_nobody_was_told_to_start(crowded):
    """The worker died between the end of one operation and the start of the next."""
    start = crowded.store.start_waiting
    crowded.store.start_waiting = lambda *_args, **_named: None
    crowded._wire()
    until(crowded, lambda: of_site(crowded, 0).is_terminal)
    settle(crowded)
    assert of_site(crowded, 3).turn is Turn.WAITING
    crowded.store.start_waiting = start
    crowded._wire()
    crowded.sweeper.sweep()
    settle(crowded)
    assert of_site(crowded, 3).turn is Turn.TAKEN
    assert of_site(crowded, 3).cursor > 0


def test_a_repeated_request_of_what_waits_is_answered_and_starts_nothing(crowded):
    crowded.send(UPDATE, update("op-3", site_id="site-3"))
    settle(crowded)
    assert of_site(crowded, 3).turn is Turn.WAITING
    assert of_site(crowded, 3).fence == 0
