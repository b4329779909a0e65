"""A batch from SQS: each record by itself, failures backed off one by one, nothing at import."""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import structlog

import handlers.sqs
from core.adapters.memory.clock import ManualClock
from core.adapters.memory.replay_outcomes import MemoryReplayOutcomes
from core.domain.replays import Fate
from core.engine.message import Acknowledged, TryAgain
from core.ports.messaging import QueueName
from handlers import creation, notifier, promotion, sweeper, wakeup
from handlers.logs import configure_logs
from handlers.sqs import BrokenBatchError

ARN = "arn:aws:sqs:af-south-1:536580886816:bbws-wp-site-creation-dev"


@dataclass
class Receipts:
    shown: list = field(default_factory=list)

    def show_again(self, arn: str, receipt: str, seconds: int) -> None:
        self.shown.append((arn, receipt, seconds))


DONE = Acknowledged(fate=Fate.RUNS, why="It ran.")


@dataclass
class Scripted:
    """A consumer that answers each body as the test says."""

    answers: dict
    seen: list = field(default_factory=list)

    def handle(self, message):
        self.seen.append(message)
        answer = self.answers.get(message.body, DONE)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def fleet(monkeypatch):
    fleet = SimpleNamespace(
        receipts=Receipts(),
        consumer=Scripted({"again": TryAgain(after_seconds=8), "broken": RuntimeError("defect")}),
        notifier=Scripted({}),
        sweeper=SimpleNamespace(swept=0, sweep=lambda: None, measure=lambda: None),
        engine=SimpleNamespace(
            outcomes=MemoryReplayOutcomes(), ports=SimpleNamespace(clock=ManualClock())
        ),
    )
    monkeypatch.setattr(handlers.sqs, "the_fleet", lambda: fleet)
    return fleet


def event(*bodies: str) -> dict:
    return {
        "Records": [
            {
                "messageId": f"m-{number}",
                "receiptHandle": f"r-{number}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "3"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": ARN,
                "awsRegion": "af-south-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


CONTEXT = SimpleNamespace(aws_request_id="request", function_name="f")


def test_a_message_that_is_not_done_harms_no_neighbour(fleet):
    answer = creation.handler(event("fine", "again", "broken", "fine too"), CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}, {"itemIdentifier": "m-2"}]}
    assert [m.body for m in fleet.consumer.seen] == ["fine", "again", "broken", "fine too"]


def test_one_that_is_tried_again_is_backed_off_by_its_own_visibility(fleet):
    creation.handler(event("again"), CONTEXT)
    assert fleet.receipts.shown == [(ARN, "r-0", 8)]


@pytest.mark.parametrize("bodies", [("broken",), ("broken", "broken")])
def test_a_batch_in_which_everything_broke_is_an_error_of_the_function(fleet, bodies):
    """Lambda counts a partial answer as a success; the alarms count what raises."""
    with pytest.raises(BrokenBatchError, match=f"None of {len(bodies)} messages .* m-0") as error:
        creation.handler(event(*bodies), CONTEXT)
    told = traceback.format_exception(error.value)
    assert not any("defect" in line for line in told)


@pytest.mark.parametrize("bodies", [("again",), ("again", "broken"), ("broken", "fine")])
def test_what_is_only_tried_again_is_none(fleet, bodies):
    assert creation.handler(event(*bodies), CONTEXT)["batchItemFailures"]


def test_the_consumer_learns_queue_id_and_receives(fleet):
    promotion.handler(event("x"), CONTEXT)
    wakeup.handler(event("y"), CONTEXT)
    first, second = fleet.consumer.seen
    assert (first.queue, first.message_id, first.receive_count) == (QueueName.PROMOTION, "m-0", 3)
    assert second.queue is None


def test_notifier_and_sweeper_have_their_own_work(fleet):
    ticks = []
    fleet.sweeper.sweep = lambda: ticks.append(1)
    assert sweeper.handler(event("tick"), CONTEXT) == {"batchItemFailures": []}
    notifier.handler(event("fact"), CONTEXT)
    assert ticks == [1]
    assert [m.body for m in fleet.notifier.seen] == ["fact"]
    assert fleet.consumer.seen == []


def test_the_context_of_one_record_does_not_leak_into_the_next(fleet):
    seen = []

    def handle(message):
        seen.append(dict(structlog.contextvars.get_contextvars()))
        structlog.contextvars.bind_contextvars(tenantId=message.body)
        return DONE

    fleet.consumer.handle = handle
    creation.handler(event("tenant-1", "tenant-2"), CONTEXT)
    assert seen == [{}, {}]


def test_a_replayed_message_tells_what_became_of_it(fleet):
    told = event("fine", "again")
    for record in told["Records"]:
        record["messageAttributes"] = {
            name: {"stringValue": value, "dataType": "String"}
            for name, value in {"replayId": "replay-1", "replayOf": record["messageId"]}.items()
        }
    creation.handler(told, CONTEXT)
    outcomes = fleet.engine.outcomes.told("replay-1")
    assert [(o.message_id, o.fate, o.sentence) for o in outcomes] == [("m-0", Fate.RUNS, "It ran.")]
    assert fleet.consumer.seen[0].replay_of == "m-0"
    assert fleet.receipts.shown == [(ARN, "r-1", 8)], "what is tried again tells nothing yet"


@pytest.fixture
def lambda_logs():
    before = structlog.get_config()
    configure_logs()
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("lambda_logs")
def test_logs_are_one_json_object_per_line(capsys):
    structlog.get_logger().info("running_step", step="plan", tenantId="tenant-1")
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["step"], line["level"]) == ("running_step", "plan", "info")
    assert line["timestamp"].endswith("Z")


def test_nothing_happens_at_import():
    """No environment is read and no client is made before the first message."""
    code = "import handlers.promotion, sys; print('boto3' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={"PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
