"""Faster clocks: the stack's schedules fire every few seconds, not every minute."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING

from local.emulator import REGION

if TYPE_CHECKING:
    from local.cloud import Cloud

_SQS = "sqs"


def tick(cloud: Cloud) -> None:
    """Put one scheduled event into the queue of every schedule, unless one waits there already."""
    for rule in cloud.events.list_rules()["Rules"]:
        if not rule.get("ScheduleExpression"):
            continue
        targets = cloud.events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        for target in targets:
            service, queue = target["Arn"].split(":")[2], target["Arn"].rpartition(":")[2]
            if service == _SQS:
                body = target.get("Input") or _event(cloud, rule["Arn"])
                _send_if_empty(cloud, queue, body)


def _send_if_empty(cloud: Cloud, queue: str, body: str) -> None:
    url = cloud.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    attributes = cloud.sqs.get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    if attributes["ApproximateNumberOfMessages"] == "0":
        cloud.sqs.send_message(QueueUrl=url, MessageBody=body)


def _event(cloud: Cloud, rule_arn: str) -> str:
    """Return the event as EventBridge writes it."""
    return json.dumps(
        {
            "version": "0",
            "id": secrets.token_hex(16),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": cloud.account.account_id,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "region": REGION,
            "resources": [rule_arn],
            "detail": {},
        }
    )
