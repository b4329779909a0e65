"""ReplayOutcomes and Failures: what workers tell about messages, kept and read again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.adapters.aws.failures import DynamoFailures
from core.adapters.aws.operations import DynamoOperations
from core.adapters.aws.replay_outcomes import DynamoReplayOutcomes
from core.adapters.memory.replay_outcomes import MemoryReplayOutcomes
from core.domain.operation import AttemptFailure
from core.domain.replays import Fate, Told
from core.ports.dead_letters import ReplayOutcomes
from tests.contract.backends import Aws, Backend, Memory
from tests.contract.stored_replays import ENTRIES, LEASE, NOW, REPLAY, SMALL, of

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
