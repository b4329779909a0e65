"""Letters of all shapes, as the fleet, EventBridge and strangers leave them: twenty failures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any

from letter_ground import ACCOUNT, QUEUES, REGION, Ground, request

BATCH = 10
"""SQS: entries of one batch."""
type Letter = tuple[str, str, dict[str, str]]
"""Queue, body, attributes."""
REASONS = (
    ("SITE_001", "payload.subdomain: it is no DNS label."),
    ("SITE_001", "payload.siteName: it is missing."),
    ("SITE_003", "The subdomain s{} is taken."),
    ("SITE_004", "Tenant tenant-{} has its 5 sites already."),
    ("SITE_005", "Site site-{} is DEPROVISIONING."),
    ("SITE_006", "A promotion goes from dev to sit or from sit to prod."),
    ("PROM_005", "Tenant tenant-{} is SUSPENDED."),
    ("TEMP_001", "There is no template bakery-{}."),
    ("PLUG_002", "Plugin coin-miner is on the blocklist."),
    ("PLUG_003", "Plugin old-gallery 1.{} has a known vulnerability."),
)
BREAKS = (
    ("TransientError", "lock_site", "DynamoDB UpdateItem did not succeed this time: Throttling {}"),
    ("TransientError", "prepare_secrets", "Secrets Manager did not answer about secret s{}."),
    ("SitefleetError", "start_release", "ECS CreateService was refused: quota of {} reached."),
    ("KeyError", "update_dns", "'zone-{}'"),
    ("PublishError", "complete", "{} of 3 events were not taken."),
)


def bury_mixed(ground: Ground, letters: int) -> None:
    """Fill both queues with letters of all shapes: twenty failures, five tenants."""
    random = Random(5)  # noqa: S311  (no secret)
    makers: list[Callable[[int], Letter]] = [
        *(partial(_refusal, code=code, why=why) for code, why in REASONS),
        *(partial(_exhausted, error=error, step=step, why=why) for error, step, why in BREAKS),
        *(partial(_undelivered, queue=queue) for queue in QUEUES[:4]),
        _of_nobody,
    ]
    waiting: dict[str, list[dict[str, Any]]] = {}
    for number in range(letters):
        queue, body, values = makers[number % len(makers)](random.randrange(10**6))
        entries = waiting.setdefault(queue, [])
        entries.append(_entry(len(entries), body, values))
        if len(entries) == BATCH or number >= letters - 2 * len(makers):
            ground.sqs.send_message_batch(QueueUrl=ground.urls[queue], Entries=entries)
            entries.clear()


def _entry(number: int, body: str, values: Mapping[str, str]) -> dict[str, Any]:
    return {
        "Id": str(number),
        "MessageBody": body,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in values.items()
        },
    }


def _refusal(number: int, *, code: str, why: str) -> Letter:
    asked = request(number)
    asked["payload"]["tenantId"] = tenant = f"tenant-{number % 5}"
    values = {
        "reason": why.format(number),
        "errorCode": code,
        "tenantId": tenant,
        "originQueue": "creation",
        "messageId": f"m-{number}",
        "rejectionEventId": f"e-{number}",
    }
    return "operations-dlq", json.dumps(asked), values


def _exhausted(number: int, *, error: str, step: str, why: str) -> Letter:
    values = {
        "reason": f"Step {step} failed 5 times; last: {why.format(number)}",
        "errorCode": "SYS_001",
        "exceptionType": error,
        "operationId": _operation_id(number),
        "step": step,
        "attempt": "4",
        "tenantId": f"tenant-{number % 5}",
        "originQueue": "creation",
        "messageId": f"m-{number}",
    }
    return "operations-dlq", json.dumps(_event(number)), values


def _undelivered(number: int, *, queue: str) -> Letter:
    values = {
        "RULE_ARN": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/bbws-wp-site-events-sit/{queue}",
        "TARGET_ARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:bbws-wp-site-{queue}-sit",
        "ERROR_CODE": "SDK_CLIENT_ERROR",
        "ERROR_MESSAGE": f"The policy does not allow it, request {number}.",
    }
    return "undeliverable", json.dumps(_event(number)), values


def _of_nobody(number: int) -> Letter:
    return "operations-dlq", f"text {number} of nobody", {}


def _operation_id(number: int) -> str:
    """Return one of five hundred operations, none of which is there any more."""
    return f"{number % 500:08d}-0000-4000-8000-000000000000"


def _event(number: int) -> dict[str, Any]:
    """Return an event that a step has ended with."""
    return {
        "version": "0",
        "id": f"{number:08d}-0000-4000-8000-000000000001",
        "detail-type": "SiteStepCompleted",
        "source": "bbws.sites",
        "account": ACCOUNT,
        "time": "2026-11-29T05:00:00Z",
        "region": REGION,
        "resources": [],
        "detail": {
            "metadata": {
                "eventId": f"{number:08d}-0000-4000-8000-000000000002",
                "schemaVersion": "1.0",
                "occurredAt": "2026-11-29T05:00:00Z",
                "operationId": _operation_id(number),
                "operationType": "SITE_CREATION",
                "phase": "forward",
                "step": "lock_site",
                "attempt": 0,
                "tenantId": f"tenant-{number % 5}",
                "siteId": f"site-{number % 500}",
                "environment": "sit",
                "correlationId": f"c-{number}",
            },
            "data": {},
        },
    }
