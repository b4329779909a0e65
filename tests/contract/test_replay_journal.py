"""ReplayJournal: one replay open at a time, nothing of it lost, and one worker at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.adapters.aws.failures import DynamoFailures
from core.adapters.aws.operations import DynamoOperations
from core.adapters.aws.replay_journal import DynamoReplayJournal
from core.adapters.aws.replay_outcomes import DynamoReplayOutcomes
from core.adapters.memory.replay_journal import MemoryReplayJournal
from core.adapters.memory.replay_outcomes import MemoryReplayOutcomes
from core.domain.errors import LostClaimError, TransientError
from core.domain.letters import Box, Origin
from core.domain.operation import AttemptFailure
from core.domain.replays import (
    EntryState,
    Fate,
    Pace,
    Replay,
    ReplayEntry,
    ReplayFilter,
    ReplayStatus,
    Told,
)
from core.ports.dead_letters import ReplayJournal, ReplayOutcomes
from tests.contract.backends import Aws, Backend, Memory

NOW = datetime(2026, 11, 29, 5, 30, tzinfo=UTC)
LEASE = timedelta(minutes=2)
REPLAY = Replay(
    replay_id="11111111-0000-4000-8000-000000000001",
    requested_by="arn:aws:sts::536580886816:assumed-role/Operator/thandi",
    reason="The database is back; see INC-4711: ünïcode.",
    filters=ReplayFilter(
        origin=Origin.UPDATE,
        group_id="0a1b2c3d",
        tenant_id="tenant-1",
        site_id="site-1",
        operation_id="550e8400-e29b-41d4-a716-446655440000",
        older_than_seconds=1800,
        message_ids=("m-1", "m-2"),
        limit=50,
    ),
    pace=Pace(per_second=2.5, first_step=5, largest_step=40, stop_share=0.1, outcome_seconds=30),
    total=3,
    counts={"planned": 3},
    created_at=NOW,
)
SMALL = replace(
    REPLAY,
    replay_id="22222222-0000-4000-8000-000000000002",
    filters=ReplayFilter(),
    pace=Pace(),
    counts={},
    created_at=NOW + timedelta(hours=1),
)


def entry(number: int, **changes: object) -> ReplayEntry:
    plain = ReplayEntry(
        number=number,
        message_id=f"m-{number}",
        group_id="0a1b2c3d",
        origin=Origin.UPDATE,
        box=Box.OPERATIONS,
        forecast=Fate.NOTHING,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


ENTRIES = [
    entry(
        0,
        operation_id="550e8400-e29b-41d4-a716-446655440000",
        forecast=Fate.RUNS,
        sentence="It runs again from step verify.",
        state=EntryState.DONE,
        new_message_id="n-0",
        sent_at=NOW,
        fate=Fate.ANSWERED,
        outcome="The operation completed.",
    ),
    entry(1, origin=Origin.WAKE_UP, box=Box.UNDELIVERABLE),
    entry(2),
]


@pytest.fixture
def journal(backend: Backend) -> ReplayJournal:
    if isinstance(backend, Memory):
        return MemoryReplayJournal()
    return of(backend)


def of(aws: Aws) -> DynamoReplayJournal:
    return DynamoReplayJournal(client=aws.clients.dynamodb, table_name=aws.make_table("operations"))


def claimed(journal: ReplayJournal, replay: Replay, owner: str = "one") -> Replay:
    found = journal.claim(replay.replay_id, owner=owner, now=NOW, lease_until=NOW + LEASE)
    assert found is not None
    return found


def test_nothing_is_there_at_first(journal: ReplayJournal):
    assert journal.get(REPLAY.replay_id) is None
    assert journal.open_replay() is None
    assert list(journal.entries(REPLAY.replay_id)) == []
    assert list(journal.recent(5)) == []
    lost = journal.claim(REPLAY.replay_id, owner="one", now=NOW, lease_until=NOW + LEASE)
    assert lost is None


def test_a_replay_comes_back_whole_with_its_entries_in_order(journal: ReplayJournal):
    assert journal.begin(REPLAY, list(reversed(ENTRIES))) == REPLAY
    assert journal.get(REPLAY.replay_id) == REPLAY
    assert journal.open_replay() == REPLAY
    assert list(journal.entries(REPLAY.replay_id)) == ENTRIES


def test_as_many_entries_as_there_are_letters(journal: ReplayJournal):
    """More than a batch, and in the order of numbers, not of texts."""
    many = [entry(number, sentence="x" * 200) for number in range(131)]
    journal.begin(REPLAY, many)
    assert list(journal.entries(REPLAY.replay_id)) == many


def test_a_second_replay_gets_the_open_one_and_leaves_nothing(journal: ReplayJournal):
    journal.begin(REPLAY, ENTRIES)
    assert journal.begin(SMALL, [entry(0)]) == REPLAY
    assert journal.get(SMALL.replay_id) is None
    assert list(journal.entries(SMALL.replay_id)) == []
    assert list(journal.recent(5)) == [REPLAY]


def test_the_same_replay_begun_again_is_itself(journal: ReplayJournal):
    """The answer of the first time was lost."""
    journal.begin(REPLAY, ENTRIES)
    assert journal.begin(REPLAY, ENTRIES) == REPLAY
    assert list(journal.entries(REPLAY.replay_id)) == ENTRIES


def test_one_worker_at_a_time_holds_it(journal: ReplayJournal):
    journal.begin(REPLAY, ENTRIES)
    mine = claimed(journal, REPLAY)
    assert (mine.fence, mine.lease_owner, mine.lease_until) == (1, "one", NOW + LEASE)
    soon = NOW + timedelta(seconds=90)
    other = {"owner": "two", "lease_until": soon + LEASE}
    assert journal.claim(REPLAY.replay_id, now=soon, **other) is None
    again = journal.claim(REPLAY.replay_id, owner="one", now=soon, lease_until=soon + LEASE)
    assert again is not None
    assert again.fence == 2
    late = soon + LEASE
    taken = journal.claim(REPLAY.replay_id, owner="two", now=late, lease_until=late + LEASE)
    assert taken is not None
    assert (taken.fence, taken.lease_owner) == (3, "two")
    assert journal.get(REPLAY.replay_id) == taken


def test_who_lost_the_replay_writes_nothing_over_it(journal: ReplayJournal):
    journal.begin(REPLAY, ENTRIES)
    mine = claimed(journal, REPLAY)
    late = NOW + LEASE
    journal.claim(REPLAY.replay_id, owner="two", now=late, lease_until=late + LEASE)
    for status in (ReplayStatus.OPEN, ReplayStatus.FINISHED):
        with pytest.raises(LostClaimError, match="has taken replay"):
            journal.save(replace(mine, status=status, sending=2))
    stored = journal.get(REPLAY.replay_id)
    assert stored is not None
    assert (stored.sending, stored.fence, stored.status) == (None, 2, ReplayStatus.OPEN)
    assert journal.open_replay() == stored


def test_what_is_saved_is_there(journal: ReplayJournal):
    journal.begin(REPLAY, ENTRIES)
    mine = claimed(journal, REPLAY)
    for sending, unconfirmed in ((1, {0: "n-0", 2: ""}), (None, {})):
        state = replace(
            mine,
            sending=sending,
            unconfirmed=unconfirmed,
            counts={"sent": 1},
            stopped_groups=("0a1b2c3d",),
        )
        journal.save(state)
        assert journal.get(REPLAY.replay_id) == state


@pytest.mark.parametrize("status", [ReplayStatus.FINISHED, ReplayStatus.ABANDONED])
def test_the_end_of_one_lets_the_next_begin(journal: ReplayJournal, status: ReplayStatus):
    journal.begin(REPLAY, ENTRIES)
    ended = replace(
        claimed(journal, REPLAY), status=status, finished_at=NOW, lease_owner=None, lease_until=None
    )
    journal.save(ended)
    assert journal.open_replay() is None
    assert journal.get(REPLAY.replay_id) == ended
    assert journal.begin(SMALL, [entry(0)]) == SMALL
    assert list(journal.recent(1)) == [SMALL]
    assert list(journal.recent(5)) == [SMALL, ended]


def test_the_end_written_twice_ends_nothing_else(journal: ReplayJournal):
    """The answer of the first time was lost, and another has begun since."""
    journal.begin(REPLAY, ENTRIES)
    ended = replace(claimed(journal, REPLAY), status=ReplayStatus.FINISHED, finished_at=NOW)
    journal.save(ended)
    journal.save(ended)
    journal.begin(SMALL, [])
    journal.save(ended)
    assert journal.open_replay() == SMALL
    assert journal.get(REPLAY.replay_id) == ended


def test_what_became_of_entries_is_written_over_them(journal: ReplayJournal):
    journal.begin(REPLAY, ENTRIES)
    sent = replace(ENTRIES[1], state=EntryState.SENT, new_message_id="n-1", sent_at=NOW)
    gone = replace(ENTRIES[2], state=EntryState.GONE)
    journal.record(REPLAY, [sent, gone])
    journal.record(REPLAY, [])
    assert list(journal.entries(REPLAY.replay_id)) == [ENTRIES[0], sent, gone]


# --- what workers tell ------------------------------------------------------------------------


def test_the_first_word_about_a_message_counts(backend: Backend):
    outcomes: ReplayOutcomes = MemoryReplayOutcomes()
    if not isinstance(backend, Memory):
        outcomes = DynamoReplayOutcomes(
            client=backend.clients.dynamodb, table_name=backend.make_table("operations")
        )
    first = Told(
        replay_id=REPLAY.replay_id,
        message_id="m-1",
        fate=Fate.RUNS,
        sentence="Step verify has run.",
        at=NOW,
    )
    outcomes.tell(first)
    outcomes.tell(replace(first, fate=Fate.NOTHING, at=NOW + LEASE))
    outcomes.tell(replace(first, message_id="m-2"))
    outcomes.tell(replace(first, replay_id=SMALL.replay_id))
    assert {told.message_id: told for told in outcomes.told(REPLAY.replay_id)} == {
        "m-1": first,
        "m-2": replace(first, message_id="m-2"),
    }


def test_what_was_told_is_no_entry(aws: Aws):
    journal = of(aws)
    outcomes = DynamoReplayOutcomes(client=aws.clients.dynamodb, table_name="operations")
    journal.begin(REPLAY, ENTRIES)
    outcomes.tell(
        Told(replay_id=REPLAY.replay_id, message_id="m-1", fate=Fate.RUNS, sentence="Done.", at=NOW)
    )
    assert list(journal.entries(REPLAY.replay_id)) == ENTRIES


# --- failed attempts --------------------------------------------------------------------------


def test_failed_attempts_come_back_oldest_first(aws: Aws):
    table = aws.make_table("operations")
    store = DynamoOperations(client=aws.clients.dynamodb, table_name=table)
    failures = DynamoFailures(client=aws.clients.dynamodb, table_name=table)
    operation_id = "550e8400-e29b-41d4-a716-446655440000"
    later, first = (
        AttemptFailure(
            message_id=f"m#{minutes}",
            operation_id=operation_id,
            step="verify" if minutes else None,
            attempt=minutes,
            exception_type="TransientError",
            message="SQS did not answer.",
            stack_digest="0a1b2c3d4e5f",
            occurred_at=NOW + timedelta(minutes=minutes),
        )
        for minutes in (1, 0)
    )
    store.record_failure(later)
    store.record_failure(first)
    assert list(failures.of_operation(operation_id)) == [first, later]
    other = "550e8400-e29b-41d4-a716-446655440001"
    assert list(failures.of_operation(other)) == []
    assert failures.of_operations([operation_id, other]) == {
        operation_id: [first, later],
        other: [],
    }


# --- only DynamoDB ----------------------------------------------------------------------------


class Reluctant:
    """A client that puts some writes of each batch off, so many times."""

    def __init__(self, client, times: int) -> None:
        self._client, self.times, self.sizes = client, times, []

    def __getattr__(self, name: str):
        return getattr(self._client, name)

    def batch_write_item(self, RequestItems: dict) -> dict:  # noqa: N803
        [(table, requests)] = RequestItems.items()
        self.sizes.append(len(requests))
        if self.times == 0:
            return self._client.batch_write_item(RequestItems=RequestItems)
        self.times -= 1
        now, later = requests[:-2], requests[-2:]
        if now:
            self._client.batch_write_item(RequestItems={table: now})
        return {"UnprocessedItems": {table: later}}


def test_writes_that_were_put_off_are_written(moto: Aws):
    client = Reluctant(moto.clients.dynamodb, times=2)
    journal = DynamoReplayJournal(client=client, table_name=moto.make_table("operations"))  # type: ignore[arg-type]
    many = [entry(number) for number in range(30)]
    journal.begin(REPLAY, many)
    assert client.sizes == [25, 2, 2, 5]
    assert list(journal.entries(REPLAY.replay_id)) == many


def test_writes_that_are_always_put_off_open_nothing(moto: Aws):
    table = moto.make_table("operations")
    journal = DynamoReplayJournal(
        client=Reluctant(moto.clients.dynamodb, times=99),  # type: ignore[arg-type]
        table_name=table,
    )
    with pytest.raises(TransientError, match="put off 2 items"):
        journal.begin(REPLAY, ENTRIES)
    assert journal.open_replay() is None


def test_a_replay_that_opens_meanwhile_wins_and_the_other_leaves_no_entries(aws: Aws):
    """Both have looked, and nothing was open."""
    journal = of(aws)
    late = DynamoReplayJournal(client=aws.clients.dynamodb, table_name="operations")
    looked = late.open_replay

    def begin_meanwhile() -> Replay | None:
        late.open_replay = looked  # type: ignore[method-assign]
        journal.begin(REPLAY, ENTRIES)
        return None

    late.open_replay = begin_meanwhile  # type: ignore[method-assign]
    assert late.begin(SMALL, [entry(number) for number in range(30)]) == REPLAY
    assert list(late.entries(SMALL.replay_id)) == []
    assert late.get(SMALL.replay_id) is None
    assert list(late.recent(5)) == [REPLAY]
