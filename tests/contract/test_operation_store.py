"""One contract, three stores: the memory twin of the proofs, DynamoDB on moto and the emulator."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.adapters.aws import operation_items
from core.domain.errors import CancelRequestedError, LostClaimError, NotFoundError
from core.domain.operation import AttemptFailure, Fact, Failure
from core.ports.operation_store import ClaimRequest
from events.vocabulary import DetailType, OperationStatus, Phase, StepStatus
from tests.contract.stored_operations import (
    LEASE,
    NOW,
    TABLE,
    claim,
    moved,
    operation,
    record,
    store_on,
)

CORRELATION = operation().correlation_id


@pytest.fixture
def store(backend):
    return store_on(backend)


class TestAccept:
    def test_stores_the_operation_and_its_request(self, store):
        answer = store.accept(operation(), '{"a":1}')
        assert answer.created
        assert store.get(operation().operation_id) == operation()
        assert store.history(operation().operation_id).request_body == '{"a":1}'

    def test_a_second_accept_returns_what_is_there(self, store):
        store.accept(operation(), "{}")
        other = replace(operation(), request_hash="1" * 32)
        answer = store.accept(other, "{}")
        assert not answer.created
        assert answer.operation == operation()

    def test_a_repeated_call_with_the_same_content_counts_as_created(self, store):
        store.accept(operation(), "{}")
        assert store.accept(operation(), "{}").created

    def test_nothing_is_known_of_an_operation_that_was_never_accepted(self, store):
        assert store.get(operation(9).operation_id) is None
        with pytest.raises(NotFoundError):
            store.history(operation(9).operation_id)


class TestClaim:
    def test_grants_the_lease_raises_the_fence_and_starts_the_step(self, store):
        store.accept(operation(), "{}")
        claimed = claim(store, operation())
        assert claimed is not None
        assert (claimed.fence, claimed.lease_owner) == (1, "w1")
        assert (claimed.lease_until, claimed.step_since) == (NOW + LEASE, NOW)
        assert store.get(claimed.operation_id) == claimed

    def test_another_owner_is_refused_until_the_lease_has_passed(self, store):
        store.accept(operation(), "{}")
        claim(store, operation())
        assert claim(store, operation(), owner="w2", now=NOW + timedelta(seconds=89)) is None
        later = claim(store, operation(), owner="w2", now=NOW + LEASE)
        assert later is not None
        assert (later.fence, later.step_since) == (2, NOW)

    def test_the_same_owner_finds_its_own_lease(self, store):
        store.accept(operation(), "{}")
        claim(store, operation())
        again = claim(store, operation(), now=NOW + timedelta(seconds=1))
        assert again is not None
        assert again.fence == 2

    def test_an_older_event_is_refused_and_the_refusal_shows_the_operation(self, store):
        store.accept(operation(), "{}")
        first = claim(store, operation())
        store.commit(moved(first))
        answer = store.claim(
            ClaimRequest(
                operation_id=first.operation_id,
                event_id=operation().event_id,
                wait_number=0,
                owner="w2",
                now=NOW,
                lease_until=NOW + LEASE,
            )
        )
        assert not answer.granted
        assert answer.operation == store.get(first.operation_id)

    def test_an_unknown_operation_is_refused_without_one(self, store):
        assert claim(store, operation(8)) is None
        answer = store.claim(
            ClaimRequest(
                operation_id=operation(8).operation_id,
                event_id="x",
                wait_number=0,
                owner="w",
                now=NOW,
                lease_until=NOW,
            )
        )
        assert answer.operation is None

    def test_a_poll_needs_the_current_number(self, store):
        store.accept(operation(), "{}")
        waiting = replace(
            claim(store, operation()), lease_owner=None, lease_until=None, wait_number=1
        )
        store.commit(waiting)
        assert claim(store, operation(), wait_number=0) is None
        assert claim(store, operation(), wait_number=2) is None
        assert claim(store, operation(), wait_number=1) is not None

    def test_a_wake_up_takes_only_a_step_that_waits(self, store):
        store.accept(operation(), "{}")
        assert claim(store, operation(), event_id=None) is None
        waiting = replace(
            claim(store, operation()), lease_owner=None, lease_until=None, wait_number=3
        )
        store.commit(waiting)
        assert claim(store, operation(), event_id=None, step="switch") is None
        assert claim(store, operation(), event_id=None, step="plan") is not None

    def test_a_wake_up_without_a_step_takes_whichever_waits(self, store):
        store.accept(operation(), "{}")
        waiting = replace(
            claim(store, operation()), lease_owner=None, lease_until=None, wait_number=3
        )
        store.commit(waiting)
        assert claim(store, operation(), event_id=None) is not None

    @pytest.mark.parametrize(
        "status",
        [s for s in OperationStatus if s.is_terminal] + [OperationStatus.ROLLBACK_FAILED],
    )
    def test_an_operation_that_has_ended_is_not_claimed(self, store, status):
        store.accept(operation(), "{}")
        ended = moved(claim(store, operation()), status=status, due_at=None)
        store.commit(ended)
        assert claim(store, ended) is None

    def test_a_person_may_take_up_a_failed_rollback_and_the_deadline_starts_anew(self, store):
        store.accept(operation(), "{}")
        stuck = moved(
            claim(store, operation()),
            status=OperationStatus.ROLLBACK_FAILED,
            stalled_since=NOW,
            step_since=NOW,
        )
        store.commit(stuck)
        later = NOW + timedelta(hours=1)
        taken = claim(store, stuck, by_person=True, now=later)
        assert taken is not None
        assert (taken.step_since, taken.stalled_since) == (later, None)
        assert taken.due_at == taken.lease_until
        assert store.due(taken.lease_until, 10) == [taken]


class TestRecord:
    def test_a_prepared_step_is_read_back_whole(self, store):
        store.accept(operation(), "{}")
        store.prepare(record(operation()))
        failure = Failure(code="SYS_001", message="why", step="switch", details={"a": 1})
        failed = record(
            operation(), step="switch", status=StepStatus.FAILED, failure=failure, facts={}
        )
        store.prepare(failed)
        steps = store.history(operation().operation_id).steps
        assert sorted(steps, key=lambda s: s.step) == [record(operation()), failed]

    def test_a_commit_moves_the_operation(self, store):
        store.accept(operation(), "{}")
        after = moved(
            claim(store, operation()),
            summary={"siteUrl": "https://a.example"},
            failure=Failure(code="SYS_001", message="why", step="plan"),
            cut_over=True,
            head_seconds=1.5,
            waiting_for="x",
        )
        store.commit(after)
        assert store.get(after.operation_id) == after

    def test_a_repeated_commit_is_a_success(self, store):
        store.accept(operation(), "{}")
        after = moved(claim(store, operation()))
        store.commit(after)
        store.commit(after)
        assert store.get(after.operation_id) == after

    def test_a_commit_behind_somebody_elses_claim_is_refused(self, store):
        store.accept(operation(), "{}")
        mine = claim(store, operation())
        claim(store, operation(), owner="w2", now=NOW + LEASE)
        with pytest.raises(LostClaimError):
            store.commit(moved(mine))
        assert store.get(mine.operation_id).cursor == 0

    def test_one_claim_allows_one_commit(self, store):
        store.accept(operation(), "{}")
        mine = claim(store, operation())
        store.commit(moved(mine))
        with pytest.raises(LostClaimError):
            store.commit(replace(mine, attempt=1, lease_owner=None, lease_until=None))
        assert store.get(mine.operation_id).cursor == 1

    def test_a_commit_that_does_not_know_of_a_cancel_is_refused(self, store):
        store.accept(operation(), "{}")
        mine = claim(store, operation())
        store.request_cancel(mine.operation_id, "changed my mind", NOW)
        with pytest.raises(CancelRequestedError, match="changed my mind"):
            store.commit(moved(mine))
        store.commit(moved(mine, cancel_requested=True))
        stored = store.get(mine.operation_id)
        assert (stored.cursor, stored.cancel_reason) == (1, "changed my mind")

    def test_a_cancel_of_an_ended_operation_changes_nothing(self, store):
        store.accept(operation(), "{}")
        ended = moved(claim(store, operation()), status=OperationStatus.COMPLETED, due_at=None)
        store.commit(ended)
        assert store.request_cancel(ended.operation_id, "late", NOW) == ended
        assert store.request_cancel(operation(7).operation_id, "none", NOW) is None

    def test_failures_of_attempts_are_kept_beside_the_history(self, store):
        store.accept(operation(), "{}")
        store.record_failure(
            AttemptFailure(
                message_id="m1",
                operation_id=operation().operation_id,
                step="plan",
                attempt=0,
                exception_type="TransientError",
                message="#",
                occurred_at=NOW,
            )
        )
        assert store.history(operation().operation_id).steps == ()


class TestSweep:
    def test_due_operations_come_oldest_first_and_ended_ones_never(self, store):
        first = operation(1)
        second = replace(operation(2), due_at=NOW + timedelta(minutes=1))
        for op in (first, second, operation(3)):
            store.accept(op, "{}")
        store.commit(
            moved(claim(store, operation(3)), status=OperationStatus.COMPLETED, due_at=None)
        )
        assert store.due(NOW, 10) == []
        assert store.due(NOW + timedelta(minutes=5), 10) == [second, first]
        assert store.due(NOW + timedelta(minutes=5), 1) == [second]

    def test_re_arming_needs_the_state_that_was_read(self, store):
        store.accept(operation(), "{}")
        later = NOW + timedelta(minutes=20)
        assert store.re_arm(operation(), later)
        assert not store.re_arm(operation(), later + LEASE)
        assert store.re_arm(store.get(operation().operation_id), None)
        assert store.due(later + LEASE, 10) == []

    def test_what_is_left_to_people_is_found_until_somebody_moves_it(self, store):
        """At any age: neither the sweeper nor a day's index has it any more."""
        for number in (1, 2, 3):
            store.accept(operation(number), "{}")
        later = NOW + LEASE
        stalled = moved(claim(store, operation(1)), stalled_since=NOW, due_at=later)
        store.commit(stalled)
        assert store.standing() == []
        assert store.re_arm(store.get(stalled.operation_id), None)
        gave_up = moved(
            claim(store, operation(2)),
            status=OperationStatus.ROLLBACK_FAILED,
            due_at=None,
            updated_at=NOW + timedelta(seconds=1),
        )
        store.commit(gave_up)
        standing = store.standing()
        assert [o.operation_id for o in standing] == [stalled.operation_id, gave_up.operation_id]
        assert [o.due_at for o in standing] == [None, None]
        soon = NOW + timedelta(minutes=30)
        assert store.due(soon, 10) == [store.get(operation(3).operation_id)]

        taken = claim(store, store.get(gave_up.operation_id), by_person=True, now=later)
        assert [o.operation_id for o in store.standing()] == [stalled.operation_id]
        store.commit(moved(taken, status=OperationStatus.FAILED, due_at=None, completed_at=later))
        again = claim(store, store.get(stalled.operation_id), by_person=True, now=later)
        store.commit(moved(again, due_at=later))
        assert store.standing() == []


class TestLookups:
    def test_by_day_and_by_site_newest_first(self, store):
        ops = [
            replace(operation(1), created_at=NOW - timedelta(hours=1)),
            operation(2),
            replace(operation(3, site="site-2"), created_at=NOW - timedelta(days=1)),
        ]
        for op in ops:
            store.accept(op, "{}")
        assert store.recent(day="2026-11-21", limit=10) == [ops[1], ops[0]]
        assert store.recent(day="2026-11-21", limit=1) == [ops[1]]
        assert store.of_site("tenant-1", "site-2", limit=10) == [ops[2]]


def test_no_commit_touches_an_index_but_the_one_of_what_is_due():
    """An index that a commit moves makes every step dearer; the others are written once."""
    moving = set(operation_items.moving_attributes(operation()))
    keys = {
        key["AttributeName"]
        for index in TABLE["GlobalSecondaryIndexes"]
        for key in index["KeySchema"]
    }
    assert keys & moving == {"dueShard", "dueAt"}


def test_a_promotions_operation_item_stays_below_one_kilobyte():
    """DynamoDB bills a write per kilobyte: the cost of a step rests on this."""
    steps = "plan lock_site export_source import_database place_content replicate_image "
    steps += "start_release test_before switch update_dns test_after complete"
    op = replace(
        operation(site="site-550e8400-e29b-41d4-a716-446655440000"),
        plan=tuple(steps.split()),
        correlation_id="6f2a9c1e-8b7d-4c3f-9e21-5a4d3c2b1a09",
        head=Fact(
            detail_type=DetailType.STEP_COMPLETED,
            phase=Phase.FORWARD,
            step="import_database",
            attempt=0,
        ),
        cause_event_id="00000000-0000-5000-8000-000000000001",
        lease_owner="00000000-0000-5000-8000-000000000001",
        lease_until=NOW,
        step_since=NOW,
        summary={"siteUrl": "https://banana.wpsit.kimmyai.io", "release": 12},
        waiting_for="the job import_database to finish",
        requested_by="jane.doe@example.org",
    )
    item = operation_items.created_item(op)
    size = sum(len(k) + len(str(next(iter(v.values())))) for k, v in item.items())
    assert size < 1024, f"{size} bytes"
