"""A rollback that has stopped half way, in tables and queues that moto plays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import boto3

from core.adapters.aws.operations import DynamoOperations
from core.adapters.aws.sites import DynamoSites
from core.domain.operation import Failure
from core.operations import rollback
from events.decode import decode
from events.formats import Environment
from events.requests import Request
from events.vocabulary import OperationStatus, OperationType
from tests.ops.conftest import REGION, make_platform
from tests.ops.moto_endpoint import serving
from tests.ops.records import SITE, at, operation

FAILED_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
KEYS = {
    "AWS_ACCESS_KEY_ID": "093646564004",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": REGION,
}
REQUEST = (
    '{"messageType":"PROMOTION_ROLLBACK_REQUEST","correlationId":"c","timestamp":'
    '"2026-11-21T08:00:00Z","payload":{"siteId":"site-1","tenantId":"tenant-1","toRelease":1,'
    '"reason":"The basket stays empty."}}'
)
STANDING = {
    "pointer": "r1",
    "recordedLive": "r2",
    "name": "banana.wp.kimmyai.io -> the load balancer",
    "releases": {"r1": "SUPERSEDED", "r2": "LIVE"},
}
FAILED = operation(
    operation_id=FAILED_ID,
    operation_type=OperationType.SITE_ROLLBACK,
    environment=Environment.PROD,
    plan=tuple(step.name for step in rollback.STEPS),
    cursor=9,
    status=OperationStatus.ROLLBACK_FAILED,
    cut_over=True,
    failure=Failure(
        code="SYS_001",
        message="The job salvage_rows cannot mount the file system.",
        step="salvage_rows",
        details={"parts": STANDING},
    ),
    updated_at=at(60),
)


@contextmanager
def stored() -> Iterator[dict[str, str]]:
    """Serve prod with the failed rollback in it; yield the variables that lead there."""
    with serving() as endpoint:
        make_platform("prod")
        client = boto3.client("dynamodb", region_name=REGION)
        store = DynamoOperations(client=client, table_name="bbws-wp-operations-prod")
        store.accept(replace(FAILED), REQUEST)
        DynamoSites(client, "sites").put(SITE, expected_version=None)
        yield {"AWS_ENDPOINT_URL": endpoint, **KEYS}


def sent() -> list[Request]:
    """Return the requests that lie on the promotion queue."""
    sqs = boto3.client("sqs", region_name=REGION)
    url = sqs.get_queue_url(QueueName="bbws-wp-site-promotion-prod")["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [decode(message["Body"]) for message in messages]
