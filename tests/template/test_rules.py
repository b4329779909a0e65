"""Rules: the patterns of events/filters.py, and a dead-letter queue behind every target."""

from __future__ import annotations

import json

import pytest

from core.domain.creation_mail import MAILED
from events.filters import NOTIFIER, OPERATION_QUEUES, rule_patterns, wake_up_patterns
from tests.template.stack import statements

ON_THE_BUS = {
    "creation": ["CreationRule"],
    "update": ["UpdateRule"],
    "deletion": ["DeletionRule"],
    "promotion": ["PromotionRule"],
    NOTIFIER: ["MilestonesRule", "PromotionStartedRule"],
}
WAKE_UPS = {
    "task-stopped": "TaskStoppedRule",
    "deployment-ended": "DeploymentEndedRule",
    "result-written": "ResultWrittenRule",
    "snapshot-changed": "SnapshotChangedRule",
    "backup-ended": "BackupEndedRule",
    "transfer-ended": "TransferEndedRule",
}


@pytest.mark.parametrize("queue", ON_THE_BUS)
def test_rules_of_the_bus_are_those_of_the_events_package(stack, queue):
    rules = stack.of_type("AWS::Events::Rule")
    patterns = [dict(rules[name]["EventPattern"]) for name in ON_THE_BUS[queue]]
    if queue != NOTIFIER:
        metadata = patterns[0]["detail"]["metadata"]
        assert metadata.pop("environment") == [stack.parameters["Environment"]]
    assert _sorted(patterns) == _sorted(rule_patterns()[queue])
    for name in ON_THE_BUS[queue]:
        assert (
            rules[name]["EventBusName"] == f"bbws-wp-site-events-{stack.parameters['Environment']}"
        )
        [target] = rules[name]["Targets"]
        assert target["Arn"].endswith(f":bbws-wp-site-{queue}-{stack.parameters['Environment']}")
        assert target["SqsParameters"] == {"MessageGroupId": "$.detail.metadata.tenantId"}


def test_every_kind_of_operation_comes_back_to_a_queue(sit):
    rules = sit.of_type("AWS::Events::Rule")
    kinds = {
        kind: queue
        for queue, names in ON_THE_BUS.items()
        if queue != NOTIFIER
        for kind in rules[names[0]]["EventPattern"]["detail"]["metadata"]["operationType"]
    }
    assert kinds == {kind.value: queue for kind, queue in OPERATION_QUEUES.items()}


@pytest.mark.parametrize("name", WAKE_UPS)
def test_wake_ups_are_those_of_the_events_package_narrowed_to_this_environment(sit, name):
    rule = sit.of_type("AWS::Events::Rule")[WAKE_UPS[name]]
    pattern = rule["EventPattern"]
    narrowed = {
        "task-stopped": ("detail", "clusterArn", [sit.arn("ecs:cluster/bbws-cluster-sit")]),
        "deployment-ended": (
            None,
            "resources",
            [{"prefix": sit.arn("ecs:service/bbws-cluster-sit/")}],
        ),
        "snapshot-changed": ("detail", "SourceIdentifier", [{"prefix": "sit-"}]),
        "backup-ended": (
            "detail",
            "resourceArn",
            [sit.arn("elasticfilesystem:file-system/stored-FileSystemId")],
        ),
    }
    expected = wake_up_patterns("bbws-transfer-sit")[name]
    if name in narrowed:
        inside, key, value = narrowed[name]
        holder = expected.setdefault(inside, {}) if inside else expected
        holder[key] = value
    assert pattern == expected
    assert "EventBusName" not in rule
    assert [t["Arn"] for t in rule["Targets"]] == [sit.arn("sqs:bbws-wp-site-wakeup-sit")]


def test_the_sweeper_s_clock_ticks_every_minute(stack):
    rule = stack.of_type("AWS::Events::Rule")["SweepRule"]
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert rule["Targets"][0]["Arn"].endswith(f":bbws-wp-site-sweeper-{_env(stack)}")


def test_there_are_no_other_rules(sit):
    known = {name for names in ON_THE_BUS.values() for name in names}
    known |= {*WAKE_UPS.values(), "SweepRule"}  # ReplayRule: only with a schedule
    assert set(sit.of_type("AWS::Events::Rule")) == known


def test_every_target_and_subscription_has_a_dead_letter_queue_that_admits_it(busy):
    undeliverable = busy.arn("sqs:bbws-wp-site-undeliverable-sit")
    admitted = _admitted(busy, "UndeliverableQueue")
    for name, rule in busy.of_type("AWS::Events::Rule").items():
        for target in rule["Targets"]:
            assert target["DeadLetterConfig"] == {"Arn": undeliverable}, name
        assert ("events.amazonaws.com", busy._attribute(name, "Arn")) in admitted, name
    for subscription in busy.of_type("AWS::SNS::Subscription").values():
        assert subscription["RedrivePolicy"] == {"deadLetterTargetArn": undeliverable}
        assert ("sns.amazonaws.com", subscription["TopicArn"]) in admitted


def test_the_mailer_hears_what_it_writes_about_and_nothing_else(sit):
    subscription = sit.of_type("AWS::SNS::Subscription")["MailerSubscription"]
    assert subscription["Endpoint"] == sit.arn("sqs:bbws-wp-site-mailer-sit")
    assert subscription["RawMessageDelivery"] is True
    assert set(subscription["FilterPolicy"]) == {"eventType"}
    assert set(subscription["FilterPolicy"]["eventType"]) == set(MAILED)


def test_every_target_queue_admits_its_rules_and_no_others(busy):
    wanted: dict[str, set[tuple[str, str]]] = {}
    for name, rule in busy.of_type("AWS::Events::Rule").items():
        for target in rule["Targets"]:
            sender = ("events.amazonaws.com", busy._attribute(name, "Arn"))
            wanted.setdefault(target["Arn"], set()).add(sender)
    for subscription in busy.of_type("AWS::SNS::Subscription").values():
        if subscription["Protocol"] == "sqs":
            sender = ("sns.amazonaws.com", subscription["TopicArn"])
            wanted.setdefault(subscription["Endpoint"], set()).add(sender)
    for name, queue in busy.of_type("AWS::SQS::Queue").items():
        if name not in {"UndeliverableQueue", "DeadLetterQueue", "ParkedQueue"}:
            assert _admitted(busy, name) == wanted[busy.arn(f"sqs:{queue['QueueName']}")]


def test_nothing_is_replayed_by_itself_unless_somebody_says_how_often(sit, busy):
    assert "ReplayRule" not in sit.resources
    assert _admitted(sit, "ReplayerQueue") == set()
    rule = busy.of_type("AWS::Events::Rule")["ReplayRule"]
    assert rule["ScheduleExpression"] == "rate(1 hour)"
    [target] = rule["Targets"]
    assert target["Arn"] == busy.arn("sqs:bbws-wp-site-replayer-sit")
    command = json.loads(target["Input"])
    assert command["messageType"] == "REPLAY_COMMAND"
    assert command["action"] == "scheduled"
    assert command["filters"] == {"limit": 25}


def _admitted(stack, queue):
    """Return which services may send to a queue, and nothing else, on behalf of what."""
    found = set()
    for statement in statements(
        stack.of_type("AWS::SQS::QueuePolicy")[f"{queue}Policy"][_DOCUMENT]
    ):
        service = statement["Principal"] != "*" and statement["Principal"].get("Service")
        if statement["Effect"] == "Allow" and service:
            assert statement["Action"] == "sqs:SendMessage"
            name = stack.of_type("AWS::SQS::Queue")[queue]["QueueName"]
            assert statement["Resource"] == stack.arn(f"sqs:{name}")
            sources = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
            for source in sources if isinstance(sources, list) else [sources]:
                found.add((service, source))
    return found


_DOCUMENT = "PolicyDocument"


def _env(stack):
    return stack.parameters["Environment"]


def _sorted(patterns):
    return sorted(patterns, key=lambda pattern: pattern["detail-type"])
