"""A fleet's tables and queues over moto, and the command line in front of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

import ops.connection
from core.adapters.aws.dead_letters import SqsDeadLetters
from core.adapters.aws.decisions import DynamoDecisions
from core.adapters.aws.operations import DynamoOperations
from core.adapters.aws.operations_table import table_definition
from core.adapters.aws.sites import DynamoSites
from ops.cli import app
from tests.ops.letters import deploy_replayer

REGION = "af-south-1"
QUEUES = (
    *("site-creation", "site-update", "site-deletion", "site-promotion"),
    *("site-operations-dlq", "site-undeliverable"),
)
KEYS = [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}]


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch, tmp_path):
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "SITEFLEET_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SITEFLEET_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")


def make_platform(environment: str, **client) -> None:
    """Make what the commands use, by the names of the contract."""
    dynamodb = boto3.client("dynamodb", region_name=REGION, **client)
    dynamodb.create_table(**table_definition(f"bbws-wp-operations-{environment}"))
    if "sites" not in dynamodb.list_tables()["TableNames"]:
        dynamodb.create_table(
            TableName="sites",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=KEYS,
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")
            ],
        )
    s3 = boto3.client("s3", region_name=REGION, **client)
    s3.create_bucket(
        Bucket=f"bbws-transfer-{environment}",
        CreateBucketConfiguration={"LocationConstraint": REGION},
    )
    sqs = boto3.client("sqs", region_name=REGION, **client)
    for queue in QUEUES:
        sqs.create_queue(QueueName=f"bbws-wp-{queue}-{environment}")


@dataclass
class Cloud:
    """The environment sit in one account."""

    operations: DynamoOperations
    sites: DynamoSites
    decisions: DynamoDecisions
    sqs: object

    def store(self, operation, *steps, request="{}"):
        self.operations.accept(operation, request)
        for record in steps:
            self.operations.prepare(record)

    def queue_url(self, name, environment="sit"):
        return self.sqs.get_queue_url(QueueName=f"bbws-wp-{name}-{environment}")["QueueUrl"]

    def messages(self, name, environment="sit"):
        answer = self.sqs.receive_message(
            QueueUrl=self.queue_url(name, environment),
            MaxNumberOfMessages=10,
            AttributeNames=["All"],
        )
        return answer.get("Messages", [])

    def keep(self, key, text, environment="sit"):
        """Keep a text in the transfer bucket, as steps and jobs do."""
        boto3.client("s3", region_name=REGION).put_object(
            Bucket=f"bbws-transfer-{environment}", Key=key, Body=text.encode()
        )

    def bodies(self, name, environment="sit"):
        return [json.loads(message["Body"]) for message in self.messages(name, environment)]


@pytest.fixture
def cloud(monkeypatch) -> Iterator[Cloud]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "815856636111")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-print-me")
    with mock_aws():
        make_platform("sit")
        client = boto3.client("dynamodb", region_name=REGION)
        yield Cloud(
            operations=DynamoOperations(client=client, table_name="bbws-wp-operations-sit"),
            sites=DynamoSites(client, "sites"),
            decisions=DynamoDecisions(client=client, table_name="bbws-wp-operations-sit"),
            sqs=boto3.client("sqs", region_name=REGION),
        )


@dataclass
class Answer:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def sitefleet():
    """Run a command in this process."""

    def run(*arguments: str, stdin: str | None = None, **variables: str) -> Answer:
        result = CliRunner().invoke(
            app, arguments, input=stdin, env=variables, prog_name="sitefleet"
        )
        return Answer(code=result.exit_code, out=result.stdout, err=result.stderr)

    return run


@pytest.fixture
def boxes(cloud, monkeypatch):
    monkeypatch.setitem(SqsDeadLetters.__init__.__kwdefaults__, "wait_seconds", 0)
    monkeypatch.setattr(ops.connection, "Session", cache(ops.connection.Session))
    return deploy_replayer()


@pytest.fixture
def dlq(sitefleet):
    def run(*arguments: str, **more):
        return sitefleet("dlq", *arguments, "--env", "sit", "--debug", **more)

    return run
