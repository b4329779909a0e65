"""At most so many operations of a tenant run at a time: one contract, three stores."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.domain.operation import Operation, Turn
from core.ports.operation_store import Committed
from events.vocabulary import OperationStatus
from tests.contract.stored_operations import (
    NOW,
    claim,
    moved,
    operation,
    store_on,
)

TENANT = "tenant-1"
DUE = NOW + timedelta(minutes=5)


@pytest.fixture
def store(backend):
    return store_on(backend)


def request(number: int, tenant_id: str = TENANT) -> Operation:
    arrived = NOW + timedelta(seconds=number)
    return replace(operation(number, f"site-{number}"), tenant_id=tenant_id, created_at=arrived)


def accept(store, number: int, *, most: int | None = 2, tenant_id: str = TENANT) -> Operation:
    return store.accept(request(number, tenant_id), "{}", most_running=most).operation


def start(store, most: int | None = 2) -> Operation | None:
    return store.start_waiting(TENANT, most_running=most, due_at=DUE)


def end(store, number: int, **changes) -> Committed:
    mine = claim(store, store.get(operation(number).operation_id))
    return store.commit(moved(mine, **{"status": OperationStatus.COMPLETED, **changes}))


class TestAccept:
    def test_so_many_run_and_the_others_wait_in_order_of_arrival(self, store):
        assert [accept(store, n).turn for n in (1, 2, 4, 3)] == [
            Turn.TAKEN,
            Turn.TAKEN,
            Turn.WAITING,
            Turn.WAITING,
        ]
        line = store.line_of(TENANT)
        assert line.running == 2
        assert [w.operation_id for w in line.waiting] == [operation(n).operation_id for n in (3, 4)]
        assert line.waiting[0].since == request(3).created_at
        assert store.tenants_in_line(10) == [TENANT]

    def test_what_waits_is_neither_claimed_nor_due(self, store):
        accept(store, 1, most=1)
        waiting = accept(store, 2, most=1)
        assert claim(store, waiting) is None
        assert claim(store, waiting, by_person=True) is None
        due = [o.operation_id for o in store.due(NOW + timedelta(days=1), 10)]
        assert due == [operation(1).operation_id]

    def test_another_tenant_has_turns_of_its_own(self, store):
        accept(store, 1, most=1)
        assert accept(store, 2, most=1, tenant_id="tenant-2").turn is Turn.TAKEN

    def test_without_a_cap_nothing_is_counted(self, store):
        assert accept(store, 1, most=None).turn is None
        assert end(store, 1) == Committed()
        assert store.line_of(TENANT).running == 0

    @pytest.mark.parametrize("most", [1, 2])
    def test_a_repeated_accept_takes_no_second_turn(self, store, most):
        accept(store, 9, most=most)
        first = store.accept(request(1), "{}", most_running=most)
        again = store.accept(request(1), "{}", most_running=most)
        assert again.created
        assert again.operation == first.operation
        line = store.line_of(TENANT)
        assert (line.running, len(line.waiting)) == (most, 2 - most)

    def test_nobody_overtakes_the_line(self, store):
        """A turn is free and its next holder not started yet: who comes now goes behind it."""
        accept(store, 1, most=1)
        accept(store, 2, most=1)
        assert end(store, 1).line_waits
        assert accept(store, 3, most=1).turn is Turn.WAITING
        assert start(store, 1).operation_id == operation(2).operation_id


class TestTurn:
    def test_the_end_frees_it_and_says_whether_somebody_waits(self, store):
        accept(store, 1, most=1)
        assert end(store, 1) == Committed()
        accept(store, 2, most=1)
        accept(store, 3, most=1)
        assert end(store, 2) == Committed(line_waits=True)
        assert store.line_of(TENANT).running == 0

    def test_a_repeated_end_frees_it_once(self, store):
        accept(store, 1)
        accept(store, 2)
        mine = claim(store, store.get(operation(1).operation_id))
        ended = moved(mine, status=OperationStatus.COMPLETED, due_at=None)
        store.commit(ended)
        store.commit(ended)
        assert store.line_of(TENANT).running == 1
        assert store.get(operation(1).operation_id).turn is None

    @pytest.mark.parametrize(
        "change",
        [
            {"status": OperationStatus.AWAITING_APPROVAL},
            {"status": OperationStatus.ROLLBACK_FAILED, "due_at": None},
            {"status": OperationStatus.IN_PROGRESS, "stalled_since": NOW},
        ],
        ids=["asks for approval", "rollback failed", "stalled"],
    )
    def test_who_waits_for_people_gives_it_back_and_needs_none_to_go_on(self, store, change):
        accept(store, 1, most=1)
        assert end(store, 1, **change) == Committed()
        assert store.line_of(TENANT).running == 0
        assert accept(store, 2, most=1).turn is Turn.TAKEN
        again = claim(store, store.get(operation(1).operation_id), by_person=True)
        store.commit(moved(again, status=OperationStatus.COMPLETED, due_at=None))
        assert store.line_of(TENANT).running == 1

    def test_with_a_lock_that_is_handed_over_in_the_same_write(self, store):
        first, second = accept(store, 1), replace(request(2), site_id="site-1")
        store.accept(second, "{}", most_running=2)
        accept(store, 3)
        mine, other = claim(store, first), claim(store, second)
        store.acquire_lock(mine, NOW)
        store.enqueue_waiter(other, behind=mine.operation_id, since=NOW)
        store.commit(replace(other, lease_owner=None, lease_until=None, wait_number=1))
        ended = moved(mine, status=OperationStatus.COMPLETED, due_at=None, lock_held=True)
        assert store.commit(ended) == Committed(next_holder=second.operation_id, line_waits=True)
        assert store.line_of(TENANT).running == 1


class TestLine:
    def test_the_first_begins_when_a_turn_is_free(self, store):
        for number in (1, 2, 3, 4):
            accept(store, number)
        assert start(store) is None
        end(store, 2)
        started = start(store)
        assert started.operation_id == operation(3).operation_id
        assert started == store.get(started.operation_id)
        assert (started.turn, started.due_at) == (Turn.TAKEN, DUE)
        assert claim(store, started) is not None
        assert start(store) is None
        assert [w.operation_id for w in store.line_of(TENANT).waiting] == [
            operation(4).operation_id
        ]

    def test_the_line_ends_and_the_next_comes_in_at_once(self, store):
        accept(store, 1, most=1)
        accept(store, 2, most=1)
        end(store, 1)
        start(store, 1)
        end(store, 2)
        assert start(store, 1) is None
        assert store.tenants_in_line(10) == []
        assert accept(store, 3, most=1).turn is Turn.TAKEN

    def test_a_cap_that_is_raised_or_taken_away_lets_more_begin(self, store):
        for number in (1, 2, 3):
            accept(store, number, most=1)
        assert start(store, 1) is None
        assert start(store, 2).operation_id == operation(2).operation_id
        assert start(store, None).operation_id == operation(3).operation_id

    def test_who_is_cancelled_leaves_and_can_be_ended_without_a_turn(self, store):
        accept(store, 1, most=1)
        second, third = accept(store, 2, most=1), accept(store, 3, most=1)
        store.request_cancel(second.operation_id, "changed my mind", NOW)
        store.leave_line(second, DUE)
        store.leave_line(second, DUE)
        left = store.get(second.operation_id)
        assert (left.turn, left.due_at) == (None, DUE)
        store.commit(moved(claim(store, left), status=OperationStatus.CANCELLED, due_at=None))
        assert store.line_of(TENANT).running == 1
        end(store, 1)
        assert start(store, 1).operation_id == third.operation_id

    def test_who_has_a_turn_keeps_it_when_told_to_leave(self, store):
        first = accept(store, 1)
        store.leave_line(first, DUE)
        assert store.get(first.operation_id).turn is Turn.TAKEN

    def test_a_tenant_that_is_unknown_has_no_line(self, store):
        assert start(store) is None
        assert store.line_of(TENANT).running == 0
        assert store.tenants_in_line(10) == []
