"""`python -m local up | status | down` as a person types them."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from local_probes import eventually
from local_role import fleet_in_role

from core.domain.errors import SitefleetError
from core.domain.room import Room
from core.ports.jobs import Where
from core.ports.observation import MetricQuery
from core.ports.protection import BackupState, Right
from local.layout import CHECKOUT
from local.processes import start_ticks

pytestmark = pytest.mark.machine
ACCOUNTS = {"dev": "536580886816", "sit": "815856636111", "prod": "093646564004"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home of its own that shares the checkout's cache: sam build takes its time."""
    path = tmp_path_factory.mktemp("machine")
    shared = CHECKOUT / ".sitefleet" / "cache"
    shared.mkdir(parents=True, exist_ok=True)
    (path / "cache").symlink_to(shared)
    yield path
    local(path, "down")


def local(home, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        cwd=CHECKOUT,
        env={**os.environ, "SITEFLEET_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def machine(home):
    finished = local(home, "up", "--json")
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def client(machine, environment, service):
    account = machine["accounts"][environment]
    return boto3.client(
        service,
        endpoint_url=machine["endpoint"],
        region_name=machine["region"],
        aws_access_key_id=account["accessKeyId"],
        aws_secret_access_key=account["secretAccessKey"],
    )


def test_up_prints_what_any_sdk_needs(machine):
    assert set(machine) == {"endpoint", "region", "proxy", "accounts", "people"}
    assert machine["region"] == "af-south-1"
    for environment, account_id in ACCOUNTS.items():
        account = machine["accounts"][environment]
        assert account["accountId"] == account_id
        assert set(account["queues"]) == {"creation", "update", "deletion", "promotion", "dlq"}
        sqs = client(machine, environment, "sqs")
        for url in account["queues"].values():
            assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        topic = client(machine, environment, "sns").get_topic_attributes
        assert topic(TopicArn=account["topicArn"])["Attributes"]
        bus = client(machine, environment, "events").describe_event_bus
        assert bus(Name=account["busName"])["Name"] == account["busName"]


def test_the_demo_tenants_are_registered(machine):
    item = client(machine, "dev", "dynamodb").get_item(
        TableName="tenants", Key={"PK": {"S": "TENANT#tenant-1"}, "SK": {"S": "METADATA"}}
    )["Item"]
    assert (item["status"]["S"], item["tier"]["S"]) == ("REGISTERED", "basic")


def test_dev_has_images_and_the_others_only_a_repository(machine):
    def tags(environment):
        images = client(machine, environment, "ecr").describe_images(
            repositoryName="bbws-wordpress"
        )["imageDetails"]
        return sorted(tag for image in images for tag in image["imageTags"])

    assert tags("dev") == ["dev-latest", "wordpress-6.1.9-php8.2", "wordpress-crashing"]
    assert tags("sit") == []


def test_a_second_up_says_what_is_running_and_changes_nothing(home, machine):
    again = local(home, "up", "--json")
    assert json.loads(again.stdout) == machine
    assert "Already running: emulator, mariadb-dev" in again.stderr


def test_every_server_listens_on_the_loopback_interface_only(home, machine):
    records = [json.loads(f.read_text()) for f in (home / "local/processes").glob("*.json")]
    pids = {record["pid"] for record in records}
    listening = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    ours = [line.split()[3] for line in listening.splitlines() if pids & pids_of(line)]
    assert len(ours) >= 5
    assert all(address.startswith("127.0.0.") for address in ours)


def pids_of(line):
    return {int(part.partition(",")[0]) for part in line.split("pid=")[1:]}


def test_the_sweeper_runs_from_the_layer_of_the_build(home, machine):
    """A worker process of the emulator holds the layer's own compiled pydantic."""

    def maps():
        found = []
        for directory in Path("/proc").glob("[0-9]*"):
            try:
                command = (directory / "cmdline").read_text()
                if "ministack-lambda-" in command and "sweeper" in command:
                    found.append((directory / "maps").read_text())
            except OSError:
                continue
        return [m for m in found if "layers/DependenciesLayer/python/pydantic_core" in m]

    eventually(maps, seconds=40)


MATH = {"site-creation-success", "wordpress-timeouts"} | {
    f"function-{what}" for what in ("errors", "errors-many", "throttles")
}
"""Alarms on an expression, which the emulator does not make."""


@pytest.mark.parametrize("environment", ACCOUNTS)
def test_the_stack_s_alarms_and_dashboard_are_there(machine, environment):
    cloudwatch = client(machine, environment, "cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix="bbws-wp-")["MetricAlarms"]
    found = {
        a["AlarmName"].removeprefix("bbws-wp-").removesuffix(f"-{environment}"): a for a in alarms
    }
    assert len(found) == 18
    assert not set(found) & MATH
    heartbeat = found["sweeper-heartbeat"]
    assert (heartbeat["Threshold"], heartbeat["TreatMissingData"]) == (1, "breaching")
    name = f"bbws-wp-site-management-{environment}"
    body = json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])
    assert (
        cloudwatch.put_dashboard(DashboardName=name, DashboardBody=json.dumps(body))[
            "DashboardValidationMessages"
        ]
        == []
    )


def test_an_alarm_tells_the_alarms_topic_when_it_begins_and_when_it_ends(machine):
    """What the notifications topic's subscribers do not get: the two topics are apart."""
    sns, cloudwatch = client(machine, "dev", "sns"), client(machine, "dev", "cloudwatch")
    topics = [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]
    [topic] = [arn for arn in topics if arn.endswith(":bbws-wp-alarms-dev")]
    found = cloudwatch.describe_alarms(AlarmNames=["bbws-wp-rollback-failed-dev"])["MetricAlarms"]
    [alarm] = found
    assert (alarm["AlarmActions"], alarm["OKActions"]) == ([topic], [topic])
    url, heard = subscribed(machine, topic), []
    cloudwatch.put_metric_data(
        Namespace=alarm["Namespace"],
        MetricData=[
            {"MetricName": alarm["MetricName"], "Value": 1, "Dimensions": alarm["Dimensions"]}
        ],
    )

    def told() -> bool:
        sqs = client(machine, "dev", "sqs")
        answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
        heard.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
        return bool(heard)

    eventually(told, seconds=30)
    assert (heard[0]["AlarmName"], heard[0]["NewStateValue"]) == (alarm["AlarmName"], "ALARM")
    text = "Severity critical. Runbook: docs/runbooks/rollback-failed.md"
    assert text in heard[0]["AlarmDescription"]
    cloudwatch.set_alarm_state(
        AlarmName=alarm["AlarmName"], StateValue="OK", StateReason="the test is over"
    )


def subscribed(machine, topic: str) -> str:
    """Return a queue that hears what the operators hear."""
    sqs, sns = client(machine, "dev", "sqs"), client(machine, "dev", "sns")
    url = sqs.create_queue(QueueName="operators-heard")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = found["Attributes"]["QueueArn"]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
    return url


OPERATION = "5937998f-e926-5e80-8fab-4041ab087800"
OWN_TABLE = "arn:{partition}:dynamodb:{region}:{account}:table/bbws-deployments-prod"


def ports_of(machine, role, monkeypatch):
    return fleet_in_role(
        lambda service: client(machine, "prod", service),
        machine["endpoint"],
        ACCOUNTS["prod"],
        f"prod-bbws-async-processor-{role}",
        monkeypatch,
    ).engine.ports


def read_invocations(ports, where, now):
    function = {"FunctionName": "prod-bbws-async-processor-sweeper"}
    query = MetricQuery(
        key="runs", namespace="AWS/Lambda", metric="Invocations", dimensions=function
    )
    start = now - timedelta(hours=1)
    return ports.metrics.read(
        where, [query], start=start, end=now, period_seconds=60, operation_id=OPERATION
    )


@pytest.mark.parametrize("role", ["promotion", "wakeup"])
def test_whoever_promotes_may_make_every_call_that_guards_a_promotion(machine, role, monkeypatch):
    """The deployed role itself, with the emulator enforcing its policies."""
    ports = ports_of(machine, role, monkeypatch)
    now = ports.clock.now()
    assert set(read_invocations(ports, Where.HERE, now)) == {"runs"}
    assert set(read_invocations(ports, Where.SOURCE, now)) == {"runs"}
    name = "prod-tenant-1-pre-promotion-20261121080000"
    for ensure in (ports.backups.ensure_database_snapshot, ports.backups.ensure_recovery_point):
        assert ensure(name, {"Tenant": "tenant-1"}).state is BackupState.AVAILABLE
    assert ports.cdn.invalidate("banana.wp.kimmyai.io", OPERATION) is None
    ports.deployments.put({"deployment_id": f"promotion-{role}", "action": "promotion"})
    ports.documents.put(f"evidence/{role}.json", "{}")
    assert ports.documents.get(f"evidence/{role}.json") == "{}"
    assert ports.load_balancer.room(1) == Room(rules=5000, target_groups=5000)
    may, may_not = (
        Right(action="dynamodb:PutItem", resource=OWN_TABLE),
        Right(action="iam:CreateUser", resource="*"),
    )
    assert list(ports.permissions.missing([may, may_not])) == [may_not]


def test_whoever_creates_sites_may_make_none_of_them(machine, monkeypatch):
    ports = ports_of(machine, "creation", monkeypatch)
    for call in (
        lambda: read_invocations(ports, Where.HERE, ports.clock.now()),
        lambda: ports.backups.ensure_database_snapshot("prod-tenant-1-x", {}),
        lambda: ports.backups.ensure_recovery_point("prod-tenant-1-x", {}),
        lambda: ports.deployments.put({"deployment_id": "promotion-1"}),
        lambda: ports.permissions.missing([Right(action="iam:CreateUser", resource="*")]),
    ):
        with pytest.raises(SitefleetError, match="role may not do"):
            call()


def test_down_stops_exactly_what_up_started(home, machine):
    records = [json.loads(f.read_text()) for f in (home / "local/processes").glob("*.json")]
    assert local(home, "status").stdout.count("\n") == len(records)
    finished = local(home, "down")
    assert "Stopped: emulator, mariadb-dev, mariadb-prod, mariadb-sit" in finished.stderr
    assert all(start_ticks(record["pid"]) is None for record in records)
    assert "Nothing was running." in local(home, "down").stderr


def test_errors_are_sentences(home):
    finished = local(home, "logs", "no-such-log")
    assert finished.returncode == 1
    assert finished.stderr.startswith("There is no log of no-such-log.")
