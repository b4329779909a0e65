"""The replayer function: its time, its own message's visibility, and what it leaves undone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

import handlers.sqs
from handlers import dlq_replayer
from handlers.sqs import BrokenBatchError

ARN = "arn:aws:sqs:af-south-1:536580886816:bbws-wp-site-replayer-dev"
NOW = datetime(2026, 11, 29, tzinfo=UTC)
EVENT = {
    "Records": [
        {
            "messageId": "m-1",
            "receiptHandle": "r-1",
            "body": "{}",
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": ARN,
            "awsRegion": "af-south-1",
        }
    ]
}


@dataclass
class Remote:
    """Notes its turns, and breaks if it is told to."""

    error: Exception | None = None
    turns: list = field(default_factory=list)

    def handle(self, message_id, body, *, owner, until):
        self.turns.append((message_id, body, owner, until))
        if self.error is not None:
            raise self.error


@pytest.fixture
def fleet(monkeypatch):
    shown = []
    fleet = SimpleNamespace(
        letters=SimpleNamespace(remote=Remote()),
        receipts=SimpleNamespace(show_again=lambda *a: shown.append(a), shown=shown),
        engine=SimpleNamespace(now=lambda: NOW),
    )
    monkeypatch.setattr(dlq_replayer, "the_fleet", lambda: fleet)
    return fleet


def context(seconds: float) -> SimpleNamespace:
    return SimpleNamespace(
        aws_request_id="request-1",
        function_name="f",
        get_remaining_time_in_millis=lambda: seconds * 1000,
    )


@pytest.mark.parametrize(("left", "works"), [(900, 840), (60, 40)])
def test_a_turn_ends_before_the_function_s_time(fleet, left, works):
    assert dlq_replayer.handler(EVENT, context(left)) == {"batchItemFailures": []}
    until = NOW + timedelta(seconds=works)
    assert fleet.letters.remote.turns == [("m-1", "{}", "request-1", until)]


def test_the_message_of_a_turn_that_is_killed_comes_back_soon_after(fleet):
    dlq_replayer.handler(EVENT, context(900))
    assert fleet.receipts.shown == [(ARN, "r-1", 930)]


def test_a_turn_that_breaks_leaves_its_message(fleet, monkeypatch):
    # Its own log: other tests of the process have told structlog what to leave out.
    logged = []
    log = SimpleNamespace(exception=lambda event, **told: logged.append((event, told)))
    monkeypatch.setattr(handlers.sqs, "log", log)
    fleet.letters.remote.error = RuntimeError("defect")
    with pytest.raises(BrokenBatchError):
        dlq_replayer.handler(EVENT, context(900))
    assert logged == [("failing_message", {"messageId": "m-1"})]


def test_a_function_without_letter_settings_is_not_deployed_right(fleet):
    fleet.letters = None
    with pytest.raises(BrokenBatchError):
        dlq_replayer.handler(EVENT, context(900))
    assert fleet.receipts.shown == []
