"""Alarms and dashboard: the settled thresholds, metrics that somebody writes, pages that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from core.domain.metrics import DIMENSION, METRICS, NAMESPACE
from tests.template.stack import CHECKOUT, Stack, overrides

AT_LEAST, OVER, UNDER = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
)
QUIET, AS_IT_WAS, SILENCE_IS_THE_ALARM = "notBreaching", "ignore", "breaching"
SETTLED = {
    # alarm: comparison, threshold, seconds per period, periods that must breach of those looked
    # at, and what missing data means. The numbers are those of the settled policy ("alarms").
    "site-creation-failed": (AT_LEAST, 5, 900, (1, 1), QUIET),
    "site-creation-success": (UNDER, 95, 3600, (1, 1), QUIET),
    "site-creation-slow": (AT_LEAST, 600, 900, (1, 1), QUIET),
    "promotion-failed": (OVER, 0, 900, (1, 1), QUIET),
    "wordpress-slow": (AT_LEAST, 5000, 900, (1, 1), QUIET),
    "wordpress-timeouts": (OVER, 5, 900, (1, 1), QUIET),
    "operations-stalled": (OVER, 0, 300, (1, 12), QUIET),
    "rollback-failed": (OVER, 0, 300, (1, 12), QUIET),
    "dead-letters": (OVER, 0, 60, (1, 1), AS_IT_WAS),
    "dead-letters-many": (OVER, 10, 60, (1, 1), AS_IT_WAS),
    "undeliverable": (OVER, 0, 60, (1, 1), AS_IT_WAS),
    "undeliverable-many": (OVER, 10, 60, (1, 1), AS_IT_WAS),
    "queue-age-creation": (OVER, 1800, 300, (1, 1), QUIET),
    "queue-age-update": (OVER, 1800, 300, (1, 1), QUIET),
    "queue-age-deletion": (OVER, 1800, 300, (1, 1), QUIET),
    "queue-age-promotion": (OVER, 1800, 300, (1, 1), QUIET),
    "queue-age-wakeup": (OVER, 1800, 300, (1, 1), QUIET),
    "queue-age-notifier": (OVER, 1800, 300, (1, 1), QUIET),
    "queue-age-mailer": (OVER, 1800, 300, (1, 1), QUIET),
    "function-errors": (AT_LEAST, 10, 300, (1, 2), QUIET),
    "function-errors-many": (OVER, 50, 300, (1, 2), QUIET),
    "function-throttles": (AT_LEAST, 5, 300, (1, 2), QUIET),
    "sweeper-heartbeat": (UNDER, 1, 60, (5, 5), SILENCE_IS_THE_ALARM),
}
FOREIGN = {
    "AWS/SQS": {
        "ApproximateNumberOfMessagesVisible",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateAgeOfOldestMessage",
    },
    "AWS/Lambda": {"Errors", "Throttles", "Duration"},
}
"""Metrics that AWS writes, and the dimension each namespace has here."""
LONGEST_POLL_SECONDS = 900
MOST_METRICS_OF_AN_ALARM = 10
_DESCRIPTION = re.compile(
    r"Severity (critical|high|medium|low)\. Runbook: (docs/runbooks/[a-z-]+\.md)\. [A-Z].+\."
)


@dataclass(frozen=True)
class Read:
    """One metric that an alarm or a graph reads."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str


@pytest.fixture
def alarms(stack) -> dict[str, dict[str, Any]]:
    """Every alarm by the part of its name that is its own."""
    environment = stack.parameters["Environment"]
    named = stack.by_name("AWS::CloudWatch::Alarm").items()
    return {
        name.removeprefix("bbws-wp-").removesuffix(f"-{environment}"): alarm
        for name, alarm in named
    }


def test_alarms_carry_the_names_of_the_contract(stack):
    environment = stack.parameters["Environment"]
    assert set(stack.by_name("AWS::CloudWatch::Alarm")) == {
        f"bbws-wp-{name}-{environment}" for name in SETTLED
    }


def test_thresholds_are_those_of_the_settled_policy(alarms):
    assert {name: as_settled(alarm) for name, alarm in alarms.items()} == SETTLED


def as_settled(alarm: dict[str, Any]) -> tuple[object, ...]:
    periods = alarm["EvaluationPeriods"]
    return (
        alarm["ComparisonOperator"],
        int(alarm["Threshold"]),
        period_of(alarm),
        (alarm.get("DatapointsToAlarm", periods), periods),
        alarm["TreatMissingData"],
    )


def period_of(alarm: dict[str, Any]) -> int:
    if "Period" in alarm:
        return int(alarm["Period"])
    [period] = {m["MetricStat"]["Period"] for m in alarm["Metrics"] if "MetricStat" in m}
    return int(period)


def test_an_alarm_reads_only_what_somebody_writes(stack, alarms):
    for name, alarm in alarms.items():
        found = list(read_by(alarm))
        assert found, name
        for read in found:
            assert is_written(read, stack), (name, read)


def test_the_statistics_fit_the_metrics(alarms):
    """A depth is no sum, and a percentile of counts says nothing."""
    for name, alarm in alarms.items():
        for read in read_by(alarm):
            expected = {"Count": "Sum"}.get(unit(read), "p95")
            if read.name == "DLQMessages" or read.namespace == "AWS/SQS":
                expected = "Maximum"
            assert read.statistic == expected, name


def unit(read: Read) -> str:
    if read.namespace == NAMESPACE:
        return METRICS[read.name].unit
    return "Count"


def read_by(alarm: dict[str, Any]) -> Iterator[Read]:
    if "MetricName" in alarm:
        yield read_of(alarm, alarm.get("Statistic") or alarm["ExtendedStatistic"])
    for query in alarm.get("Metrics", []):
        if "MetricStat" in query:
            yield read_of(query["MetricStat"]["Metric"], query["MetricStat"]["Stat"])


def read_of(metric: dict[str, Any], statistic: str) -> Read:
    dimensions = tuple((d["Name"], d["Value"]) for d in metric.get("Dimensions", ()))
    return Read(metric["Namespace"], metric["MetricName"], dimensions, statistic)


def is_written(read: Read, stack: Stack) -> bool:
    """Whether the fleet's code or AWS writes exactly this series."""
    environment = stack.parameters["Environment"]
    queues = set(stack.by_name("AWS::SQS::Queue"))
    functions = set(stack.by_name("AWS::Lambda::Function"))
    if read.namespace == NAMESPACE:
        return read.name in METRICS and read.dimensions == ((DIMENSION, environment),)
    [(dimension, value)] = read.dimensions
    known = {"AWS/SQS": ("QueueName", queues), "AWS/Lambda": ("FunctionName", functions)}
    name, values = known[read.namespace]
    return read.name in FOREIGN[read.namespace] and dimension == name and value in values


def test_every_metric_of_the_fleet_is_on_the_dashboard(stack):
    seen = {read.name for read in on_dashboard(stack) if read.namespace == NAMESPACE}
    assert seen == set(METRICS)


def test_the_dashboard_shows_only_what_somebody_writes(stack):
    shown = list(on_dashboard(stack))
    assert len(shown) > len(METRICS)
    for read in shown:
        assert is_written(read, stack), read


def test_the_dashboard_shows_every_alarm_and_every_function_and_queue(stack, alarms):
    [body] = dashboards(stack)
    [widget] = [w for w in body["widgets"] if w["type"] == "alarm"]
    environment = stack.parameters["Environment"]
    assert set(widget["properties"]["alarms"]) == {
        stack.arn(f"cloudwatch:alarm:bbws-wp-{name}-{environment}") for name in alarms
    }
    shown = {value for read in on_dashboard(stack) for _, value in read.dimensions}
    assert set(stack.by_name("AWS::Lambda::Function")) <= shown
    for kind in ("creation", "update", "deletion", "promotion", "undeliverable"):
        assert f"bbws-wp-site-{kind}-{environment}" in shown


def test_the_dashboard_is_named_by_the_contract_and_its_graphs_do_not_overlap(stack):
    environment = stack.parameters["Environment"]
    name = f"bbws-wp-site-management-{environment}"
    assert set(stack.by_name("AWS::CloudWatch::Dashboard")) == {name}
    [body] = dashboards(stack)
    cells = [
        (column, row)
        for w in body["widgets"]
        for column in range(w["x"], w["x"] + w["width"])
        for row in range(w["y"], w["y"] + w["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24


def test_the_lines_in_the_graphs_are_the_alarms_thresholds(stack, alarms):
    [body] = dashboards(stack)
    drawn = {
        line["value"]
        for w in body["widgets"]
        for line in w["properties"].get("annotations", {}).get("horizontal", ())
    }
    assert drawn == {600, 5000, 10, 1800, 50, 5}
    assert drawn <= {int(alarm["Threshold"]) for alarm in alarms.values()}


def dashboards(stack: Stack) -> list[dict[str, Any]]:
    found = stack.of_type("AWS::CloudWatch::Dashboard").values()
    return [json.loads(dashboard["DashboardBody"]) for dashboard in found]


def on_dashboard(stack: Stack) -> Iterator[Read]:
    [body] = dashboards(stack)
    for widget in body["widgets"]:
        properties = widget["properties"]
        for line in properties.get("metrics", ()):
            options = line[-1] if isinstance(line[-1], dict) else {}
            words = line[:-1] if options else line
            pairs = words[2:]
            yield Read(
                words[0],
                words[1],
                tuple(zip(pairs[::2], pairs[1::2], strict=True)),
                options.get("stat", properties["stat"]),
            )


def test_an_alarm_says_how_bad_it_is_and_which_page_helps(alarms):
    for name, alarm in alarms.items():
        found = described(alarm)
        page = CHECKOUT / found[2]
        assert page.is_file(), (name, found[2])
        text = page.read_text()
        assert f"`bbws-wp-{name}-{{env}}`" in text, (name, found[2])
        assert f"**{found[1]}**" in text, (name, "the page tells another severity")


def described(alarm: dict[str, Any]) -> re.Match[str]:
    found = _DESCRIPTION.fullmatch(" ".join(alarm["AlarmDescription"].split()))
    assert found, alarm["AlarmDescription"]
    return found


def test_every_page_of_the_runbooks_belongs_to_an_alarm_and_the_index_has_each(alarms):
    folder = CHECKOUT / "docs/runbooks"
    pages = {path.name for path in folder.glob("*.md")} - {"README.md"}
    assert {described(alarm)[2].rpartition("/")[2] for alarm in alarms.values()} == pages
    index = (folder / "README.md").read_text()
    for name, alarm in alarms.items():
        [row] = [line for line in index.splitlines() if f"`bbws-wp-{name}-{{env}}`" in line]
        assert f"| {described(alarm)[1]} |" in row


def test_alarms_and_their_end_go_to_the_operators(busy):
    topic = busy.arn("sns:bbws-wp-alarms-sit")
    for alarm in busy.of_type("AWS::CloudWatch::Alarm").values():
        assert (alarm["AlarmActions"], alarm["OKActions"]) == ([topic], [topic])
    mail = busy.of_type("AWS::SNS::Subscription")["AlarmEmailSubscription"]
    assert (mail["TopicArn"], mail["Endpoint"]) == (topic, "operators@example.com")


def test_only_alarms_of_the_fleet_may_publish_and_with_its_key(sit):
    topics = sit.of_type("AWS::SNS::Topic")
    assert topics["AlarmsTopic"]["KmsMasterKeyId"] == "FleetKey"
    policy = sit.of_type("AWS::SNS::TopicPolicy")["AlarmsTopicPolicy"]["PolicyDocument"]
    by_sid = {statement["Sid"]: statement for statement in policy["Statement"]}
    assert by_sid["Alarms"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert by_sid["Alarms"]["Condition"] == {
        "ArnLike": {"aws:SourceArn": sit.arn("cloudwatch:alarm:bbws-wp-*")}
    }
    assert by_sid["OnlyTls"]["Effect"] == "Deny"
    key = sit.of_type("AWS::KMS::Key")["FleetKey"]["KeyPolicy"]["Statement"]
    [service] = [s for s in key if s["Principal"] == {"Service": "cloudwatch.amazonaws.com"}]
    assert service["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert service["Condition"] == {"StringEquals": {"aws:SourceAccount": sit.account}}


def test_an_adopted_topic_and_adopted_queues_are_what_alarms_talk_about(expanded):
    given = {
        "ExistingAlarmsTopic": "their-alarms",
        "ExistingUpdateQueue": "their-updates",
        "OperatorEmail": "operators@example.com",
    }
    adopted = Stack(expanded, {**overrides("sit"), **given})
    assert "AlarmsTopic" not in adopted.resources
    assert "AlarmsTopicPolicy" not in adopted.resources
    alarms = adopted.by_name("AWS::CloudWatch::Alarm")
    age = alarms["bbws-wp-queue-age-update-sit"]
    assert age["AlarmActions"] == [adopted.arn("sns:their-alarms")]
    assert age["Dimensions"] == [{"Name": "QueueName", "Value": "their-updates"}]
    assert "their-updates" in {v for r in on_dashboard(adopted) for _, v in r.dimensions}


@pytest.mark.parametrize("name", ["function-errors", "function-errors-many", "function-throttles"])
def test_alarms_about_functions_are_about_all_of_them(stack, alarms, name):
    read = list(read_by(alarms[name]))
    assert {value for r in read for _, value in r.dimensions} == set(
        stack.by_name("AWS::Lambda::Function")
    )
    assert len(read) <= MOST_METRICS_OF_AN_ALARM
    [total] = [m for m in alarms[name]["Metrics"] if m["ReturnData"]]
    assert total["Expression"] == "SUM(FILL(METRICS(), 0))"


def test_only_alarms_with_an_expression_are_left_out_on_one_machine(expanded, alarms):
    given = {**overrides("sit"), "OneMachine": "true", "PolicyName": "local-sit"}
    local = set(Stack(expanded, given).by_name("AWS::CloudWatch::Alarm"))
    plain = {name for name, alarm in alarms.items() if "MetricName" in alarm}
    assert local == {f"bbws-wp-{name}-sit" for name in plain}


def test_an_alarm_with_an_expression_returns_that_and_nothing_else(alarms):
    for name, alarm in alarms.items():
        queries = alarm.get("Metrics", [])
        if not queries:
            continue
        [returned] = [m for m in queries if m["ReturnData"]]
        assert "Expression" in returned, name
        ids = {m["Id"] for m in queries}
        used = set(re.findall(r"\b[a-z][a-z0-9]*\b", returned["Expression"]))
        assert used <= ids, name


@pytest.mark.parametrize(
    ("name", "values", "rate"),
    [
        ("site-creation-success", {"created": 19, "failed": 1}, 95),
        ("site-creation-success", {"created": 8, "failed": 2}, 80),
        ("site-creation-success", {"created": None, "failed": 10}, 0),
        ("site-creation-success", {"created": 8, "failed": 1}, 100),  # too few to be a rate
        ("site-creation-success", {"created": 30, "failed": None}, 100),
        ("wordpress-timeouts", {"requests": 100, "timeouts": 6}, 6),
        ("wordpress-timeouts", {"requests": 100, "timeouts": None}, 0),
        ("wordpress-timeouts", {"requests": 19, "timeouts": 19}, 0),  # too few
        ("wordpress-timeouts", {"requests": None, "timeouts": None}, 0),
    ],
)
def test_rates_are_percentages_of_enough(alarms, name, values, rate):
    """CloudWatch's expressions of these two alarms happen to be Python's, with two functions."""
    [returned] = [m for m in alarms[name]["Metrics"] if m["ReturnData"]]
    functions = {
        "IF": lambda condition, then, otherwise: then if condition else otherwise,
        "FILL": lambda value, filling: filling if value is None else value,
    }
    assert eval(returned["Expression"], functions, dict(values)) == rate


def test_a_message_may_wait_as_long_as_the_longest_poll_before_anybody_is_called(alarms):
    for name, alarm in alarms.items():
        if name.startswith("queue-age"):
            assert int(alarm["Threshold"]) > LONGEST_POLL_SECONDS
