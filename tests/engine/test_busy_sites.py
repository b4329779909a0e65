"""A busy site: who waits for it, in which order, and what becomes of who waits."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from core.domain.policy import WhenBusy
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events import identity
from events.formats import Environment
from events.vocabulary import OperationStatus, OperationType, Phase
from simulation.fleet import SimulatedFleet, policy_of
from simulation.requests import TENANT, creation
from simulation.stand_ins import HELD_SECONDS, SITE_OF_ALL, STAND_INS, deletion, update
from tests.engine.deciding import message_to, settle, until

DEV = Environment.DEV
UPDATE, DELETION = QueueName.UPDATE, QueueName.DELETION
COMPLETED, CANCELLED = OperationStatus.COMPLETED, OperationStatus.CANCELLED
SITE = (TENANT, SITE_OF_ALL)


def fleet_of(**policy: object) -> SimulatedFleet:
    fleet = SimulatedFleet(
        environment=DEV,
        workflows=STAND_INS,
        other_policy=policy_of(DEV).model_copy(update=policy),
    )
    fleet.world.tenants[TENANT] = Tenant(tenant_id=TENANT, status="REGISTERED")
    return fleet


def id_of(body: str, kind: str = "UPDATE") -> str:
    correlation = body.split('"correlationId": "')[1].split('"', maxsplit=1)[0]
    message_type = f"SITE_{kind}_REQUEST"
    key = f"{message_type}#{SITE_OF_ALL}#{correlation}"
    return identity.operation_id(DEV, TENANT, message_type, key)


FIRST, SECOND, THIRD = update("first"), update("second"), deletion("third")
ONE, TWO, THREE = id_of(FIRST), id_of(SECOND), id_of(THIRD, "DELETION")


@pytest.fixture
def fleet():
    return fleet_of()


@pytest.fixture
def in_line(fleet):
    """The first is at work, the second and a deletion wait for the site, in this order."""
    fleet.send(UPDATE, FIRST)
    until(fleet, lambda: fleet.store.lock_holder(*SITE) == ONE)
    fleet.send(UPDATE, SECOND)
    until(fleet, lambda: waits(fleet, TWO))
    fleet.send(DELETION, THIRD)
    until(fleet, lambda: waits(fleet, THREE))
    return fleet


def waits(fleet: SimulatedFleet, operation_id: str) -> bool:
    operation = fleet.store.operations.get(operation_id)
    return operation is not None and operation.wait_number > 0


def statuses(fleet: SimulatedFleet) -> dict[str, OperationStatus]:
    return {o.operation_id: o.status for o in fleet.store.operations.values()}


def at_rest(fleet: SimulatedFleet) -> None:
    assert fleet.store.locks == {}
    assert not any(fleet.store.waiters.values())
    assert not any(fleet.store.running.values())
    assert all(not queue for queue in fleet.world.queues.values())


class TestWaiting:
    def test_it_says_for_whom_of_what_kind_since_when(self, in_line):
        since = in_line.store.locked_since[SITE].strftime("%Y-%m-%dT%H:%M")
        second, third = (in_line.store.operations[name] for name in (TWO, THREE))
        assert second.waiting_for.startswith(
            f"SITE_UPDATE {ONE} to end, at work on this site since {since}"
        )
        assert third.waiting_for.endswith("; 1 more in line before it")

    def test_each_comes_as_soon_as_the_one_before_has_ended(self, in_line):
        in_line.run()
        assert statuses(in_line) == dict.fromkeys((ONE, TWO, THREE), COMPLETED)
        ends = [in_line.store.operations[name].completed_at for name in (ONE, TWO, THREE)]
        gaps = [(b - a).total_seconds() for a, b in pairwise(ends)]
        assert gaps == [HELD_SECONDS, HELD_SECONDS]
        at_rest(in_line)

    def test_it_looks_no_oftener_than_the_policy_says_and_burns_no_receive(self, in_line):
        """No busy loop: a look when it comes, the far poll, and one when it is woken."""
        store, looks = in_line.operation_store, []
        acquire = store.acquire_lock

        def counted(operation, now):
            looks.append(operation.operation_id)
            return acquire(operation, now)

        store.acquire_lock = counted
        in_line._wire()
        in_line.run()
        waited = 2 * HELD_SECONDS
        assert looks.count(TWO) == 1
        assert looks.count(THREE) <= 1 + waited / in_line.policy.step("lock_site").poll_seconds
        assert in_line.world.dead_letters == []
        assert in_line.store.failures == []

    def test_the_sweeper_wakes_whom_no_message_wakes(self, in_line):
        """The wake-up is lost with the worker that hands the lock over; the next poll is far."""
        send = in_line.queues.send

        def losing(queue, body, **how):
            if "the site is free" not in body:
                send(queue, body, **how)

        in_line.queues.send = losing
        in_line._wire()
        until(in_line, lambda: in_line.store.operations[ONE].is_terminal)
        settle(in_line)
        assert in_line.store.operations[TWO].cursor == 0
        in_line.clock.advance(60)
        in_line.sweeper.sweep()
        settle(in_line)
        assert in_line.store.operations[TWO].cursor > 0

    def test_who_is_cancelled_leaves_the_line(self, in_line):
        in_line.send(UPDATE, message_to("OPERATION_CANCEL_REQUEST", TWO))
        until(in_line, lambda: in_line.store.operations[TWO].is_terminal)
        assert in_line.store.operations[TWO].status is CANCELLED
        queue = in_line.store.queue_of(*SITE)
        assert [w.operation_id for w in queue.waiters] == [THREE]
        in_line.run()
        assert statuses(in_line) == {ONE: COMPLETED, TWO: CANCELLED, THREE: COMPLETED}
        at_rest(in_line)

    def test_who_is_cancelled_at_the_moment_of_the_hand_over_passes_the_lock_on(self, in_line):
        until(in_line, lambda: in_line.store.lock_holder(*SITE) == TWO)
        in_line.send(UPDATE, message_to("OPERATION_CANCEL_REQUEST", TWO))
        in_line.run()
        assert statuses(in_line) == {ONE: COMPLETED, TWO: CANCELLED, THREE: COMPLETED}
        at_rest(in_line)

    def test_past_its_deadline_it_is_reported_and_keeps_its_place(self, fleet):
        patient = fleet.policy.step("lock_site").model_copy(
            update={"deadline_seconds": 200, "poll_seconds": 150}
        )
        fleet = fleet_of(steps={**fleet.policy.steps, "lock_site": patient})
        fleet.send(UPDATE, FIRST)
        until(fleet, lambda: fleet.store.lock_holder(*SITE) == ONE)
        fleet.send(UPDATE, SECOND)
        until(fleet, lambda: waits(fleet, TWO))
        until(fleet, lambda: fleet.store.operations[TWO].stalled_since is not None)
        until(fleet, lambda: bool(fleet.world.notifications))
        told = fleet.world.notifications[-1]
        assert told.event_type == "OPERATION_STALLED"
        assert f"It waits for: SITE_UPDATE {ONE} to end" in told.payload.error.message
        fleet.run()
        assert statuses(fleet) == {ONE: COMPLETED, TWO: COMPLETED}
        at_rest(fleet)


class TestRejecting:
    def test_by_policy_it_fails_at_once_with_the_name_of_who_is_at_work(self):
        fleet = fleet_of(when_busy={OperationType.SITE_UPDATE: WhenBusy.REJECT})
        fleet.send(UPDATE, FIRST)
        until(fleet, lambda: fleet.store.lock_holder(*SITE) == ONE)
        fleet.send(UPDATE, SECOND)
        until(fleet, lambda: TWO in fleet.store.operations)
        until(fleet, lambda: fleet.store.operations[TWO].is_terminal)
        second = fleet.store.operations[TWO]
        assert (second.status, second.failure.code) == (OperationStatus.FAILED, "PROM_001")
        assert ONE in second.failure.message
        fleet.run()
        at_rest(fleet)

    def test_a_creation_is_told_at_once_and_a_deletion_waits_for_it(self, fleet):
        """As each environment's own policy says."""
        fleet.send(QueueName.CREATION, creation(SITE_OF_ALL))
        until(fleet, lambda: fleet.store.lock_holder(*SITE) is not None)
        holder = fleet.store.lock_holder(*SITE)
        fleet.send(DELETION, THIRD)
        until(fleet, lambda: waits(fleet, THREE))
        assert fleet.store.operations[THREE].waiting_for.startswith(f"SITE_CREATION {holder}")


MOST_OPERATIONS = 12


def whole_life(fleet: SimulatedFleet, operation_id: str):
    records = [
        r
        for (name, phase, _), r in fleet.store.step_records.items()
        if name == operation_id and phase is Phase.FORWARD
    ]
    acting = [r for r in records if r.step != "lock_site"]
    return min(r.started_at for r in acting), max(r.completed_at for r in acting)


@pytest.mark.parametrize("seed", range(8))
def test_operations_of_one_site_never_interleave(seed):
    """Many, of several kinds, at random moments, some twice, some cancelled: one after the other.

    From the recorded times of their steps, and from the traces that they leave on the site.
    """
    chance, fleet = Random(seed), fleet_of()
    kinds = ((UPDATE, update, "UPDATE"), (DELETION, deletion, "DELETION"))
    ids = []
    for number in range(MOST_OPERATIONS):
        queue, body_of, kind = chance.choice(kinds)
        body = body_of(f"op-{number}")
        ids.append(id_of(body, kind))
        for _ in range(chance.choice((1, 1, 2))):
            fleet.send(queue, body, after_seconds=chance.randrange(900))
        if chance.random() < 0.2:
            cancel = message_to("OPERATION_CANCEL_REQUEST", ids[-1])
            fleet.send(queue, cancel, after_seconds=chance.randrange(900))
    fleet.run(most_steps=20_000)
    ends = statuses(fleet)
    assert set(ends) == set(ids)
    assert set(ends.values()) <= {COMPLETED, CANCELLED}
    done = [name for name in ids if ends[name] is COMPLETED]
    lives = sorted(whole_life(fleet, name) for name in done)
    assert all(a[1] <= b[0] for a, b in pairwise(lives))
    traces = sorted(fleet.world.releases.values(), key=lambda r: r.number)
    assert [r.number for r in traces] == list(range(1, len(traces) + 1))
    at_rest(fleet)
