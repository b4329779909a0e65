"""One operation at a time per site, and who comes after it: one contract, three stores."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.domain.errors import LostClaimError
from core.domain.operation import Operation
from core.ports.operation_store import Committed
from events.vocabulary import OperationStatus, OperationType, Phase
from tests.contract.stored_operations import (
    LEASE,
    NOW,
    claim,
    moved,
    operation,
    store_on,
)

SITE = ("tenant-1", "site-1")
SOON = timedelta(seconds=1)


@pytest.fixture
def store(backend):
    return store_on(backend)


def claimed(store, number: int) -> Operation:
    store.accept(operation(number), "{}")
    return claim(store, operation(number))


def waiting(store, number: int, *, behind: Operation, since=NOW) -> Operation:
    """An operation that waits for its site, as the engine leaves it."""
    mine = claimed(store, number)
    assert store.enqueue_waiter(mine, behind=behind.operation_id, since=since)
    waits = replace(mine, lease_owner=None, lease_until=None, wait_number=1)
    store.commit(waits)
    return waits


def end(store, op: Operation, **changes) -> str | None:
    now = store.get(op.operation_id)
    if now.lease_owner is None:
        now = claim(store, now, event_id=None)
    ended = moved(now, status=OperationStatus.COMPLETED, due_at=None, **changes)
    return store.commit(ended).next_holder


def holder(store) -> str | None:
    return store.lock_holder(*SITE)


class TestHolder:
    def test_one_operation_holds_it_and_may_ask_twice(self, store):
        first, second = claimed(store, 1), claimed(store, 2)
        assert store.acquire_lock(first, NOW) == first.operation_id
        assert store.acquire_lock(first, NOW) == first.operation_id
        assert store.acquire_lock(second, NOW) == first.operation_id
        assert holder(store) == first.operation_id
        assert store.get(first.operation_id).lock_held

    def test_a_worker_that_has_lost_its_claim_gets_no_lock(self, store):
        mine = claimed(store, 1)
        claim(store, operation(1), owner="w2", now=NOW + LEASE)
        with pytest.raises(LostClaimError):
            store.acquire_lock(mine, NOW)
        assert holder(store) is None

    def test_the_last_write_gives_it_back(self, store):
        first = claimed(store, 1)
        store.acquire_lock(first, NOW)
        assert end(store, first) is None
        assert holder(store) is None

    def test_an_operation_that_ends_with_the_step_that_locks_gives_it_back_too(self, store):
        """Its claim had not seen the lock: a cancel came while the step ran."""
        first = claimed(store, 1)
        store.acquire_lock(first, NOW)
        assert not first.lock_held
        store.commit(moved(first, status=OperationStatus.CANCELLED, due_at=None))
        assert holder(store) is None

    def test_a_repeated_last_write_is_a_success(self, store):
        first = claimed(store, 1)
        store.acquire_lock(first, NOW)
        ended = moved(first, status=OperationStatus.COMPLETED, due_at=None, lock_held=True)
        store.commit(ended)
        assert store.commit(ended) == Committed()
        assert holder(store) is None


class TestWaiters:
    def test_the_lock_goes_to_them_in_order_of_arrival(self, store):
        first = claimed(store, 1)
        store.acquire_lock(first, NOW)
        third = waiting(store, 3, behind=first)
        second = waiting(store, 2, behind=first, since=NOW + SOON)
        assert end(store, first) == third.operation_id
        assert holder(store) == third.operation_id
        assert end(store, third) == second.operation_id
        assert end(store, second) is None
        assert holder(store) is None

    def test_who_waits_twice_waits_once(self, store):
        first = claimed(store, 1)
        store.acquire_lock(first, NOW)
        second = waiting(store, 2, behind=first)
        assert store.enqueue_waiter(second, behind=first.operation_id, since=NOW)
        assert len(store.queue_of(*SITE).waiters) == 1

    def test_the_new_holder_is_free_and_due_at_once(self, store):
        """Whoever had stalled, too: the sweeper is the backstop of the message that wakes it."""
        first = claimed(store, 1)
        store.acquire_lock(first, NOW)
        second = waiting(store, 2, behind=first)
        claimed_again = claim(store, second)
        store.commit(replace(claimed_again, lease_owner=None, lease_until=None, stalled_since=NOW))
        end(store, first)
        now = store.get(second.operation_id)
        assert (now.lock_held, now.stalled_since, now.lease_owner) == (True, None, None)
        assert [o.operation_id for o in store.due(NOW, 10)] == [second.operation_id]

    def test_a_look_that_is_under_way_when_the_lock_comes_is_repeated(self, store):
        first = claimed(store, 1)
        store.acquire_lock(first, NOW)
        second = waiting(store, 2, behind=first)
        looking = claim(store, second)
        assert store.acquire_lock(looking, NOW) == first.operation_id
        end(store, first)
        with pytest.raises(LostClaimError):
            store.commit(replace(looking, lease_owner=None, lease_until=None, wait_number=2))
        again = claim(store, second)
        assert store.acquire_lock(again, NOW) == second.operation_id

    def test_nobody_waits_behind_an_operation_that_has_just_ended(self, store):
        first, second = claimed(store, 1), claimed(store, 2)
        store.acquire_lock(first, NOW)
        end(store, first)
        assert not store.enqueue_waiter(second, behind=first.operation_id, since=NOW)
        assert store.acquire_lock(second, NOW) == second.operation_id
        assert store.queue_of(*SITE).waiters == ()

    @pytest.mark.parametrize(
        "change",
        [
            {"status": OperationStatus.FAILED, "due_at": None},
            {"phase": Phase.UNDO},
        ],
        ids=["ended", "turned back"],
    )
    def test_who_needs_it_no_more_is_passed_over(self, store, change):
        first = claimed(store, 1)
        store.acquire_lock(first, NOW)
        second = waiting(store, 2, behind=first)
        third = waiting(store, 3, behind=first, since=NOW + SOON)
        store.commit(moved(claim(store, second), **change))
        assert end(store, first) == third.operation_id

    def test_who_is_cancelled_is_passed_over_before_it_has_noticed(self, store):
        first = claimed(store, 1)
        store.acquire_lock(first, NOW)
        second = waiting(store, 2, behind=first)
        store.request_cancel(second.operation_id, "changed my mind", NOW)
        assert end(store, first) is None
        assert holder(store) is None
        assert store.queue_of(*SITE).waiters == ()

    def test_who_leaves_is_in_line_no_more(self, store):
        first = claimed(store, 1)
        store.acquire_lock(first, NOW)
        second = waiting(store, 2, behind=first)
        store.leave_queue(second)
        store.leave_queue(second)
        assert end(store, first) is None
        assert holder(store) is None

    def test_the_queue_says_who_of_what_kind_since_when(self, store):
        assert store.queue_of(*SITE).holder is None
        first = claimed(store, 1)
        store.acquire_lock(first, NOW)
        waiting(store, 2, behind=first, since=NOW + SOON)
        queue = store.queue_of(*SITE)
        kind = OperationType.SITE_PROMOTION
        assert (queue.holder.operation_id, queue.holder.operation_type, queue.holder.since) == (
            first.operation_id,
            kind,
            NOW,
        )
        (waiter,) = queue.waiters
        assert (waiter.operation_id, waiter.operation_type) == (operation(2).operation_id, kind)
        assert waiter.since == NOW + SOON

    def test_the_queues_of_many_sites_are_those_of_each(self, store):
        first = claimed(store, 1)
        store.acquire_lock(first, NOW)
        waiting(store, 2, behind=first)
        sites = [SITE, ("tenant-1", "site-free")]
        queues = store.queues_of(sites)
        assert queues == {site: store.queue_of(*site) for site in sites}
        assert len(queues[SITE].waiters) == 1

    def test_who_got_the_lock_has_had_it_since_then(self, store):
        first = claimed(store, 1)
        store.acquire_lock(first, NOW)
        second = waiting(store, 2, behind=first)
        end(store, first, updated_at=NOW + SOON)
        store.acquire_lock(claim(store, store.get(second.operation_id)), NOW + 2 * SOON)
        assert store.queue_of(*SITE).holder.since == NOW + SOON
