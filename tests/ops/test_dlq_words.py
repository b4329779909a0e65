"""What is read from an exported line, and what is said of a letter that could not be sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from core.domain.letters import Origin
from core.domain.replays import EntryState, Fate, Replay, ReplayEntry, ReplayStatus
from ops.dlq.files import BadLine, read_lines
from ops.dlq.following import ORDER, WORDS, end_lines, exit_code_of, state_line
from ops.errors import ExitCode

NOW = datetime(2026, 11, 29, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent_at", "good"),
    [
        ("2026-11-29T10:00:00Z", True),
        ("2026-11-29T10:00:00+02:00", True),
        ("2026-11-29T10:00:00", False),
    ],
)
def test_a_time_without_a_zone_is_no_time(sent_at, good):
    """It compares with no other: one such letter would keep all of them from being listed."""
    line = {"messageId": "m", "box": "operations", "body": "x", "attributes": {}, "sentAt": sent_at}
    [found] = read_lines(json.dumps(line))
    if good:
        assert not isinstance(found, BadLine)
        return
    assert isinstance(found, BadLine)
    assert found.why.startswith("sentAt:")


def test_every_state_has_its_place_and_its_words():
    assert set(ORDER) == set(WORDS) == set(EntryState)


def test_a_letter_that_could_not_be_sent_is_told_with_the_reason():
    entry = ReplayEntry(
        number=0,
        message_id="m-1",
        group_id="0a1b2c3d",
        origin=Origin.UPDATE,
        box="operations",
        forecast=Fate.RUNS,
        state=EntryState.UNSENDABLE,
        outcome="SQS SendMessage was refused: InvalidMessageContents.",
    )
    replay = Replay(
        replay_id="r-1",
        requested_by="thandi",
        reason="why",
        status=ReplayStatus.FINISHED,
        total=1,
        created_at=NOW,
    )
    told = "\n".join(end_lines(replay, [entry]))
    assert "could not be sent: their queue does not take them" in told
    assert "InvalidMessageContents" in told
    assert state_line({EntryState.UNSENDABLE: 1}) == "1 could not be sent"
    assert exit_code_of(replay, [entry]) is ExitCode.NOT_SUCCEEDED
