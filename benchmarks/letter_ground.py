"""The ground of benchmarks/dead_letters.py: an environment's queues and tables on an emulator."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from core.settings import Settings

REGION, ACCOUNT = "af-south-1", "815856636111"
HIDDEN_SECONDS = 8
MOST_LETTERS = 1000
QUEUES = ("creation", "update", "deletion", "promotion", "operations-dlq", "wakeup", "notifier")
MORE_QUEUES = ("mailer", "sweeper", "undeliverable", "parked", "replayer")


@dataclass(kw_only=True)
class Ground:
    """The queues and tables of an environment, on an emulator."""

    endpoint: str
    sqs: Any
    urls: Mapping[str, str]
    variables: Mapping[str, str]

    @property
    def environ(self) -> dict[str, str]:
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SITEFLEET_"))},
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "benchmark",
            "AWS_DEFAULT_REGION": REGION,
            **self.variables,
        }

    def client(self, service: Any) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="benchmark",  # noqa: S106  (of an emulator)
            config=Config(max_pool_connections=20),
        )

    def count(self, queue: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.urls[queue], AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)


def request(number: int) -> dict[str, Any]:
    """Return a request that can be accepted; each is of another tenant."""
    return {
        "messageType": "SITE_CREATION_REQUEST",
        "correlationId": f"c-{number}",
        "timestamp": "2026-11-29T05:00:00Z",
        "payload": {
            "siteId": f"site-{number}",
            "tenantId": f"tenant-{number}",
            "siteName": "Benchmark",
            "subdomain": f"s{number}",
            "environment": "sit",
            "configuration": {},
        },
    }


def prepare(endpoint: str) -> Ground:
    """Make the queues and tables that the commands use."""
    ground = Ground(endpoint=endpoint, sqs=None, urls={}, variables={})
    ground.sqs = ground.client("sqs")
    hidden = {"VisibilityTimeout": str(HIDDEN_SECONDS)}
    ground.urls = {
        queue: ground.sqs.create_queue(
            QueueName=f"bbws-wp-site-{queue}-sit",
            Attributes=hidden if queue == "operations-dlq" else {},
        )["QueueUrl"]
        for queue in (*QUEUES, *MORE_QUEUES)
    }
    topic = ground.client("sns").create_topic(Name="bbws-wp-notifications-sit")["TopicArn"]
    for table in ("operations", "sites", "tenants"):
        _make_table(ground.client("dynamodb"), table)
    _put_tenants(ground)
    ground.variables = _variables_of(ground.urls, topic)
    return ground


def _make_table(client: Any, name: str) -> None:
    index = {
        "IndexName": "site",
        "KeySchema": [
            {"AttributeName": "siteRef", "KeyType": "HASH"},
            {"AttributeName": "createdAt", "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "PK", "KeyType": "HASH"},
            {"AttributeName": "SK", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": "S"}
            for key in ("PK", "SK", "siteRef", "createdAt")
        ],
        GlobalSecondaryIndexes=[index],
    )


def _put_tenants(ground: Ground) -> None:
    """Write the tenants whose requests are replayed."""
    client = ground.client("dynamodb")
    for number in range(MOST_LETTERS):
        client.put_item(
            TableName="tenants",
            Item={
                "PK": {"S": f"TENANT#tenant-{number}"},
                "SK": {"S": "METADATA"},
                "status": {"S": "VALIDATED"},
                "tier": {"S": "basic"},
            },
        )


def _variables_of(urls: Mapping[str, str], topic_arn: str) -> dict[str, str]:
    """Return the replayer's environment variables; what letters do not need is `unused`."""
    given = {
        "environment": "sit",
        "account_id": ACCOUNT,
        "policy": "sit",
        "operations_table": "operations",
        "sites_table": "sites",
        "tenants_table": "tenants",
        "topic_arn": topic_arn,
        "queue_url_dlq": urls["operations-dlq"],
        **{f"queue_url_{name}": urls[name] for name in QUEUES[:4]},
    }
    required = [name for name, field_ in Settings.model_fields.items() if field_.is_required()]
    return {
        **{f"SITEFLEET_{name.upper()}": given.get(name, "unused") for name in required},
        "SITEFLEET_LETTERS_QUEUE_URL_REPLAYER": urls["replayer"],
    }


def emulator_seconds() -> float:
    """Return the processor time of the child processes: to receive, it looks at every message."""
    ticks = 0
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in children.read_text().split():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
