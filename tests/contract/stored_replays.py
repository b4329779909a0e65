"""Replays and entries as contract tests store them, and the journal that keeps them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.adapters.aws.replay_journal import DynamoReplayJournal
from core.domain.letters import Box, Origin
from core.domain.replays import EntryState, Fate, Pace, Replay, ReplayEntry, ReplayFilter
from tests.contract.backends import Aws

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


def of(aws: Aws) -> DynamoReplayJournal:
    return DynamoReplayJournal(client=aws.clients.dynamodb, table_name=aws.make_table("operations"))
