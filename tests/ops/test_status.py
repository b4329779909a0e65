"""`sitefleet status`: one screen, and what cannot be read is unknown."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import timedelta

import boto3
import pytest
from rich.console import Console

from core.adapters.system import SystemClock
from core.domain.notices import Notice
from events.vocabulary import OperationStatus
from ops.letters import SeenLetter
from ops.reading import Unknown, read_parts
from ops.status.command import show_live
from ops.status.dead_letters import groups_of
from ops.status.evidence import QUEUES, QueueDepth, Status
from ops.status.screen import status_document, status_lines
from tests.ops.conftest import REGION
from tests.ops.records import ID, STALLED, WAITING, operation

NOW = SystemClock().now().replace(microsecond=0)


@pytest.fixture(autouse=True)
def _sit(monkeypatch):
    monkeypatch.setenv("SITEFLEET_ENV", "sit")


@pytest.fixture
def fleet(cloud):
    """Every queue, one operation of each kind, announcements."""
    for name in QUEUES:
        cloud.sqs.create_queue(QueueName=f"bbws-wp-site-{name}-sit")
    times = {"created_at": NOW - timedelta(hours=1), "updated_at": NOW - timedelta(minutes=5)}
    standing = {
        1: operation(status=OperationStatus.COMPLETED, **times),
        2: replace(STALLED, **times, stalled_since=NOW - timedelta(minutes=3)),
        3: replace(WAITING, **times, due_at=NOW),
        4: operation(
            status=OperationStatus.ROLLBACK_FAILED, **{**times, "created_at": NOW - timedelta(3)}
        ),
        5: replace(WAITING, created_at=NOW - timedelta(days=40), due_at=NOW),
        6: replace(STALLED, **{**times, "created_at": NOW - timedelta(days=50)}, due_at=None),
    }
    for number, one in standing.items():
        cloud.store(replace(one, operation_id=ID[:-1] + str(number)))
    told = Notice(
        mark="e1",
        event_id="e1",
        event_type="SITE_UPDATE_COMPLETE",
        outcome="succeeded",
        severity="info",
        correlation_id="c",
        tenant_id="tenant-1",
        site_id="site-1",
        operation_id=ID,
        announced_at=NOW - timedelta(seconds=9),
    )
    cloud.operations.announced(told)
    cloud.operations.announced(
        replace(
            told,
            mark="m1",
            outcome=None,
            severity=None,
            audience="customer",
            reached=False,
            announced_at=NOW,
        )
    )
    return cloud


def sections(answer):
    found = {}
    for line in answer.out.splitlines()[1:]:
        if line and not line.startswith(" "):
            found[line] = rows = []
        elif line:
            rows.append(line[2:])
    return found


def test_the_whole_screen(fleet, sitefleet):
    fleet.sqs.send_message(QueueUrl=fleet.queue_url("site-update"), MessageBody="{}")
    for number in range(3):
        fleet.sqs.send_message(
            QueueUrl=fleet.queue_url("site-operations-dlq"),
            MessageBody=json.dumps({"number": number}),
            MessageAttributes={
                "errorCode": {"DataType": "String", "StringValue": "SITE_003"},
                "reason": {"DataType": "String", "StringValue": "It is taken."},
            },
        )
    answer = sitefleet("status")
    assert (answer.code, answer.err) == (0, "")
    told = sections(answer)
    assert list(told) == ["Queues", "Operations", "Dead letters", "Last notifications"]
    titles, *queues = told["Queues"]
    assert titles.split() == ["QUEUE", "VISIBLE", "IN", "FLIGHT", "DELAYED", "OLDEST"]
    cells = {line.split()[0]: line.split()[1:] for line in queues}
    assert list(cells) == list(QUEUES)
    assert cells["creation"] == ["0", "0", "0", "-"]
    assert cells["update"] == ["1", "0", "0", "unknown"]
    assert cells["operations-dlq"][0] == "3"
    assert told["Dead letters"][0] == "3 in bbws-wp-site-operations-dlq-sit: SITE_003 It is taken."
    first, second = told["Last notifications"][1:]
    assert second.split()[2:6] == ["no", "address", "for", "customer"] or first.split()[2:6]
    assert any("SITE_UPDATE_COMPLETE  succeeded" in line for line in (first, second))


def test_operations_by_status_and_what_stands_still_with_its_next_command(fleet, sitefleet):
    told = sections(sitefleet("status"))["Operations"]
    assert told[0] == (
        "accepted in the last 7 days, or not ended yet: "
        "4 IN_PROGRESS, 1 COMPLETED, 1 ROLLBACK_FAILED"
    )
    stalled = next(n for n, line in enumerate(told) if line.startswith("stalled for "))
    assert told[stalled + 1 : stalled + 3] == [
        "  The export task runs: 3 of 10 tables.",
        f'  sitefleet operations retry {ID[:-1]}2 --env sit --reason "..."',
    ]
    assert any(line.startswith("way back failed for ") for line in told)
    assert any(ID[:-1] + "6" in line for line in told)  # stalled for weeks: no day's index has it
    at_work = [line for line in told if line.startswith("IN_PROGRESS: ")]
    assert [ID[:-1] + "3" in line for line in at_work] == [True, False]
    assert ID[:-1] + "5" in at_work[1]  # older than the days, and still moving


def test_json(fleet, sitefleet):
    [document] = sitefleet("status", "--json").json["environments"]
    assert document["environment"] == "sit"
    assert document["queues"]["creation"] == {
        "visible": 0,
        "inFlight": 0,
        "delayed": 0,
        "oldestSeconds": None,
    }
    assert document["operations"]["byStatus"]["IN_PROGRESS"] == 4
    assert {one["operationId"][-1] for one in document["operations"]["stalled"]} == {"2", "4", "6"}
    assert document["notifications"][-1]["eventId"] == "e1"


def test_the_age_of_the_oldest_message_comes_from_cloudwatch(fleet, sitefleet):
    fleet.sqs.send_message(QueueUrl=fleet.queue_url("site-update"), MessageBody="{}")
    boto3.client("cloudwatch", region_name=REGION).put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateAgeOfOldestMessage",
                "Dimensions": [{"Name": "QueueName", "Value": "bbws-wp-site-update-sit"}],
                "Timestamp": SystemClock().now() - timedelta(minutes=2),
                "Value": 125.0,
            }
        ],
    )
    told = sections(sitefleet("status"))["Queues"]
    [line] = [line for line in told if line.startswith("update")]
    assert line.endswith("2 min 5 s")


def test_a_queue_of_another_kind_is_shown_too(fleet, sitefleet):
    fleet.sqs.create_queue(QueueName="bbws-wp-site-parked-sit")
    fleet.sqs.create_queue(QueueName="bbws-wp-site-creation-prod")
    queues = sitefleet("status", "--json").json["environments"][0]["queues"]
    assert list(queues) == [*QUEUES, "parked"]


def test_a_queue_that_is_not_there_is_unknown_and_the_rest_is_told(cloud, sitefleet):
    answer = sitefleet("status")
    assert answer.code == 0
    told = sections(answer)
    [line] = [line for line in told["Queues"] if line.startswith("wakeup")]
    assert line.split()[1] == "unknown"
    assert "bbws-wp-site-wakeup-sit" in line
    assert told["Last notifications"] == ["none today or yesterday"]


def test_a_table_that_cannot_be_read_leaves_the_queues(fleet, sitefleet):
    boto3.client("dynamodb", region_name=REGION).delete_table(TableName="bbws-wp-operations-sit")
    told = sections(sitefleet("status"))
    assert told["Operations"][0].startswith("unknown: ")
    assert told["Last notifications"][0].startswith("unknown: ")
    assert len(told["Queues"]) == len(QUEUES) + 1
    [document] = sitefleet("status", "--json").json["environments"]
    assert list(document["operations"]) == ["unknown"]


def test_every_part_that_breaks_is_unknown_by_itself():
    def broken():
        raise KeyError("Attributes")

    parts = read_parts({"good": lambda: 1, "broken": broken})
    assert parts["good"] == 1
    assert isinstance(parts["broken"], Unknown)
    assert read_parts({}) == {}


def test_letters_are_grouped_largest_first():
    def letter(number, reason):
        return SeenLetter(queue="q", message_id=str(number), sent_at=NOW, reason=reason)

    groups = groups_of([letter(1, "a"), letter(2, "b"), letter(3, "b")])
    assert [(group.reason, group.seen) for group in groups] == [("b", 2), ("a", 1)]


class Looks:
    """A screen that is looked at three times, then somebody presses Ctrl-C."""

    def __init__(self, status, *, as_json=False):
        self.status, self.as_json, self.slept = status, as_json, []

    def look(self):
        depth = QueueDepth(visible=len(self.slept), in_flight=0, delayed=0)
        return [replace(self.status, queues={"creation": depth})]

    def sleep(self, seconds):
        self.slept.append(seconds)
        if len(self.slept) == 3:
            raise KeyboardInterrupt

    def show_lines(self, lines):
        for line in lines:
            print(line.text)  # noqa: T201 - the desk's own job

    def run(self, console):
        with pytest.raises(KeyboardInterrupt):
            show_live(self.look, console, self, interval_seconds=5.0, sleep=self.sleep)
        return self


@pytest.fixture
def status():
    return Status(
        environment="sit",
        at=NOW,
        queues={},
        operations=Unknown(why="not asked"),
        letters=(),
        notices=(),
        ages={},
    )


def test_watching_in_a_pipe_prints_one_screen_after_the_other(status, capsys):
    looks = Looks(status).run(Console(file=io.StringIO()))
    out = capsys.readouterr().out
    assert out.count("Queues") == 3
    assert "creation  2" in out
    assert looks.slept == [5.0] * 3


def test_watching_as_json_prints_one_line_for_each_look(status, capsys):
    Looks(status, as_json=True).run(Console(file=io.StringIO()))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line[0]["queues"]["creation"]["visible"] for line in lines] == [0, 1, 2]


def test_watching_on_a_terminal_draws_in_place(status):
    drawn = io.StringIO()
    Looks(status).run(Console(file=drawn, force_terminal=True, width=100, height=40))
    assert "creation  2" in drawn.getvalue()
    assert "\x1b[?1049h" in drawn.getvalue()  # a screen of its own, gone afterwards


def test_unknown_parts_are_said_in_both_forms(status):
    unknown = Unknown(why="no permission for GetMetricData")
    told = replace(status, ages=unknown, letters=unknown, notices=unknown)
    lines = [line.text for line in status_lines(told)]
    assert "  ages are unknown: no permission for GetMetricData" in lines
    assert lines.count("  unknown: no permission for GetMetricData") == 2
    assert status_document(told)["deadLetters"] == {"unknown": "no permission for GetMetricData"}
