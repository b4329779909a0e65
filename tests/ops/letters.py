"""Dead letters over moto, as the commands of `sitefleet dlq` find them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from unittest.mock import patch

import boto3
from moto.dynamodb.responses import DynamoHandler

from core.adapters.aws.replay_outcomes import DynamoReplayOutcomes
from core.domain.replays import Fate, Told
from core.settings import Settings

ACCOUNT = "815856636111"
REGION = "af-south-1"
OWN_QUEUES = ("wakeup", "notifier", "mailer", "sweeper", "undeliverable", "parked", "replayer")
REPLAYER = "sit-bbws-async-processor-dlq-replayer"
CREATION = {
    "messageType": "SITE_CREATION_REQUEST",
    "correlationId": "correlation-1",
    "timestamp": "2026-11-21T08:00:00Z",
    "payload": {
        "siteId": "site-1",
        "tenantId": "tenant-1",
        "siteName": "One",
        "subdomain": "one",
        "environment": "sit",
        "configuration": {},
    },
}


@dataclass
class Boxes:
    """The queues that nobody consumes."""

    sqs: object

    def url(self, name: str) -> str:
        return self.sqs.get_queue_url(QueueName=f"bbws-wp-site-{name}-sit")["QueueUrl"]

    def refused(self, body: str, *, code: str = "SITE_001", reason: str = "It is bad.", **more):
        """A letter of the fleet's own, as refusals are buried."""
        values = {
            "reason": reason,
            "errorCode": code,
            "originQueue": "creation",
            "messageId": "first-1",
            "rejectionEventId": "e-1",
            **more,
        }
        attributes = {
            name: {"DataType": "String", "StringValue": value} for name, value in values.items()
        }
        answer = self.sqs.send_message(
            QueueUrl=self.url("operations-dlq"), MessageBody=body, MessageAttributes=attributes
        )
        return answer["MessageId"]

    def creation(self, number: int, **changes) -> str:
        """A creation that was refused once and is fine by now."""
        payload = {
            **CREATION["payload"],
            "siteId": f"site-{number}",
            "subdomain": f"s{number}",
            **changes,
        }
        request = {**CREATION, "correlationId": f"c-{number}", "payload": payload}
        return self.refused(json.dumps(request), code="SITE_004", reason="The quota is used up.")

    def take_one(self) -> None:
        """Somebody else looks at a letter: it is hidden for minutes."""
        self.sqs.receive_message(
            QueueUrl=self.url("operations-dlq"), MaxNumberOfMessages=1, VisibilityTimeout=300
        )

    def visible(self, name: str) -> int:
        answer = self.sqs.get_queue_attributes(
            QueueUrl=self.url(name), AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def messages(self, name: str) -> list[dict]:
        answer = self.sqs.receive_message(
            QueueUrl=self.url(name),
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        return answer.get("Messages", [])


def deploy_replayer() -> Boxes:
    """Make the stack's queues, and the function whose variables the commands read."""
    sqs = boto3.client("sqs", region_name=REGION)
    urls = {
        name: sqs.create_queue(QueueName=f"bbws-wp-site-{name}-sit")["QueueUrl"]
        for name in ("creation", "update", "deletion", "promotion", "operations-dlq", *OWN_QUEUES)
    }
    topic = boto3.client("sns", region_name=REGION).create_topic(Name="bbws-wp-notifications-sit")
    role = boto3.client("iam", region_name=REGION).create_role(
        RoleName=REPLAYER, AssumeRolePolicyDocument="{}"
    )
    boto3.client("lambda", region_name=REGION).create_function(
        FunctionName=REPLAYER,
        Runtime="python3.12",
        Role=role["Role"]["Arn"],
        Handler="handlers.dlq_replayer.handler",
        Code={"ZipFile": b"x"},
        Environment={"Variables": _variables(urls, topic["TopicArn"])},
    )
    boto3.client("dynamodb", region_name=REGION).create_table(
        TableName="tenants",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "PK", "KeyType": "HASH"},
            {"AttributeName": "SK", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")
        ],
    )
    boto3.client("dynamodb", region_name=REGION).put_item(
        TableName="tenants",
        Item={
            "PK": {"S": "TENANT#tenant-1"},
            "SK": {"S": "METADATA"},
            "status": {"S": "VALIDATED"},
            "tier": {"S": "basic"},
        },
    )
    return Boxes(sqs=sqs)


def _variables(urls: dict[str, str], topic_arn: str) -> dict[str, str]:
    given = {
        "environment": "sit",
        "account_id": ACCOUNT,
        "site_domain": "wpsit.kimmyai.io",
        "policy": "sit",
        "operations_table": "bbws-wp-operations-sit",
        "topic_arn": topic_arn,
        "transfer_bucket": "bbws-transfer-sit",
        **{f"queue_url_{name}": urls[name] for name in ("creation", "update", "deletion")},
        "queue_url_promotion": urls["promotion"],
        "queue_url_dlq": urls["operations-dlq"],
        "sites_table": "sites",
        "tenants_table": "tenants",
    }
    required = [name for name, field in Settings.model_fields.items() if field.is_required()]
    values = {name: given.get(name, "unused") for name in required}
    return {
        **{f"SITEFLEET_{name.upper()}": value for name, value in values.items()},
        "SITEFLEET_LETTERS_QUEUE_URL_REPLAYER": urls["replayer"],
    }


def end_second(send, error):
    """Return a way to send of which the second call raises, before anything is sent."""
    calls = []

    def ended(self, to, message):
        calls.append(to)
        if len(calls) == 2:
            raise error
        return send(self, to, message)

    return ended


def _one_at_a_time():
    """Let moto's DynamoDB do one call at a time: its transactions copy whole tables."""
    lock, call = Lock(), DynamoHandler.call_action

    def locked(handler):
        with lock:
            return call(handler)

    return patch.object(DynamoHandler, "call_action", locked)


class Worker:
    """Consumes one queue, and tells the replay what became of each message."""

    def __init__(self, boxes: Boxes, queue: str, fate_of=lambda _body: Fate.ACCEPTED) -> None:
        self._boxes, self._queue, self._fate_of = boxes, queue, fate_of
        self._stop, self.seen = Event(), []
        self._outcomes = DynamoReplayOutcomes(
            client=boto3.client("dynamodb", region_name=REGION),
            table_name="bbws-wp-operations-sit",
        )
        self._thread = Thread(target=self._work)
        self._alone = _one_at_a_time()

    def __enter__(self):
        self._alone.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._alone.stop()

    def _work(self) -> None:
        url = self._boxes.url(self._queue)
        while not self._stop.wait(0.05):
            for message in self._boxes.messages(self._queue):
                self._told(message)
                self._boxes.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _told(self, message: dict) -> None:
        stamps = {n: v["StringValue"] for n, v in message.get("MessageAttributes", {}).items()}
        self.seen.append((message, stamps))
        self._outcomes.tell(
            Told(
                replay_id=stamps["replayId"],
                message_id=stamps["replayOf"],
                fate=self._fate_of(json.loads(message["Body"])),
                sentence="Told by the test's worker.",
                at=datetime(2026, 11, 29, tzinfo=UTC),
            )
        )
