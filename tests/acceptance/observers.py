"""What a client sees of the fleet: notifications by SNS, events by a rule, dead letters.

Each observer owns a queue in the account and reads it in a thread until it is closed.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.acceptance.fleet_client import Account, eventually

TERMINAL = (
    "SiteOperationCompleted",
    "SiteOperationFailed",
    "SiteOperationRolledBack",
    "SiteOperationRollbackFailed",
    "SiteOperationCancelled",
)


class Reader:
    """Collects the messages of one queue; `prefix` names it."""

    def __init__(self, account: Account, prefix: str) -> None:
        self.account = account
        self.name = f"{prefix}-{secrets.token_hex(4)}"
        self._sqs = account.client("sqs")
        self.url = self._sqs.create_queue(QueueName=self.name)["QueueUrl"]
        self.arn = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"]
        self._messages: list[dict[str, Any]] = []
        self._closing = threading.Event()
        self._paused = threading.Event()
        self._resting = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(self.url,), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end."""
        self._closing.set()

    def close(self) -> None:
        self.stop()
        self._thread.join(10)

    def allow(self, service: str, source_arn: str) -> None:
        """Let a topic or a rule send to this queue, as the queue's owner has to."""
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": service},
                    "Action": "sqs:SendMessage",
                    "Resource": self.arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": source_arn}},
                }
            ],
        }
        self._sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": json.dumps(policy)})

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the queue to somebody else for a while."""
        self._resting.clear()
        self._paused.set()
        try:
            assert self._resting.wait(10), f"{self.url} is still being read"
            yield
        finally:
            self._paused.clear()

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Everything that has arrived so far."""
        return list(self._messages)

    def _read(self, url: str) -> None:
        while not self._closing.is_set():
            if self._paused.is_set():
                self._resting.set()
                self._closing.wait(0.2)
                continue
            try:
                answer = self._sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=10,
                    WaitTimeSeconds=1,
                    MessageAttributeNames=["All"],
                    AttributeNames=["All"],
                )
                for message in answer.get("Messages", []):
                    self._messages.append(message)
                    self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            except (BotoCoreError, ClientError):
                if self._closing.wait(0.5):
                    return


class Notifications(Reader):
    """A subscription of the client's queue to the topic."""

    def __init__(self, account: Account, filter_policy: Mapping[str, Sequence[str]]) -> None:
        super().__init__(account, "client-notifications")
        self.allow("sns.amazonaws.com", account.topic_arn)
        account.client("sns").subscribe(
            TopicArn=account.topic_arn,
            Protocol="sqs",
            Endpoint=self.arn,
            Attributes={"FilterPolicy": json.dumps(filter_policy)},
        )
        self.start()

    @property
    def all(self) -> list[dict[str, Any]]:
        """Return every SNS envelope, with what it holds as `body`."""
        found = []
        for message in self.messages:
            wrapped = json.loads(message["Body"])
            wrapped["body"] = json.loads(wrapped["Message"])
            wrapped["operationId"] = wrapped["body"]["payload"].get("operationId")
            found.append(wrapped)
        return found

    def about(self, site_id: str) -> list[dict[str, Any]]:
        """Return the notifications about a site."""
        return [n for n in self.all if n["body"]["payload"].get("siteId") == site_id]

    def wait_for(self, site_id: str, event_type: str, *, seconds: float = 120) -> dict[str, Any]:
        """Return the first notification of a type about a site."""

        def look() -> dict[str, Any] | None:
            wanted = (n for n in self.about(site_id) if n["body"]["eventType"] == event_type)
            return next(wanted, None)

        return eventually(look, f"{event_type} for {site_id}", seconds=seconds)

    def wait_for_operation(self, operation_id: str, event_type: str) -> dict[str, Any]:
        """Return the first notification of a type about an operation."""

        def look() -> dict[str, Any] | None:
            wanted = (n for n in self.all if n["body"]["eventType"] == event_type)
            return next((n for n in wanted if n["operationId"] == operation_id), None)

        return eventually(look, f"{event_type} of {operation_id}", seconds=30)


class Events(Reader):
    """A rule of the client's on the fleet's bus, with the client's queue as its target."""

    def __init__(self, account: Account) -> None:
        super().__init__(account, "client-events")
        events = account.client("events")
        rule = events.put_rule(
            Name=self.name,
            EventBusName=account.bus_name,
            EventPattern=json.dumps({"source": ["bbws.sites"]}),
        )["RuleArn"]
        self.allow("events.amazonaws.com", rule)
        events.put_targets(
            Rule=self.name,
            EventBusName=account.bus_name,
            Targets=[{"Id": "client", "Arn": self.arn}],
        )
        self.start()

    @property
    def all(self) -> list[dict[str, Any]]:
        """Every event of the fleet so far."""
        return [json.loads(message["Body"]) for message in self.messages]

    def where(self, detail_type: str | None = None, **metadata: str) -> list[dict[str, Any]]:
        """Return the events of a detail-type whose metadata say this."""
        return [
            event
            for event in self.all
            if detail_type in {None, event["detail-type"]}
            and all(event["detail"]["metadata"].get(k) == v for k, v in metadata.items())
        ]

    def wait_for(
        self, detail_type: str, *, seconds: float = 300, **metadata: str
    ) -> dict[str, Any]:
        """Return the first event of a detail-type whose metadata say this."""
        what = f"{detail_type} with {metadata} in {self.account.environment}"
        return eventually(lambda: self.where(detail_type, **metadata), what, seconds=seconds)[0]

    def wait_for_end(self, correlation_id: str, *, seconds: float = 300) -> dict[str, Any]:
        """Return the event that ends the operation of a request, or rejects the request."""

        def look() -> list[dict[str, Any]]:
            mine = self.where(correlationId=correlation_id)
            return [e for e in mine if e["detail-type"] in {*TERMINAL, "SiteOperationRejected"}]

        return eventually(look, f"the end of {correlation_id}", seconds=seconds)[0]


class DeadLetters(Reader):
    """The operators' view of the shared dead-letter queue (it is read, and emptied, by this)."""

    def __init__(self, account: Account) -> None:
        super().__init__(account, "client-unused")
        self.url = account.queue_url("dlq")
        self._thread = threading.Thread(target=self._read, args=(self.url,), daemon=True)
        self.start()

    def with_reason(self) -> list[dict[str, Any]]:
        """Return every dead letter: body, and the plain values of its attributes."""
        return [
            {
                "body": message["Body"],
                "attributes": {
                    name: value.get("StringValue")
                    for name, value in message.get("MessageAttributes", {}).items()
                },
            }
            for message in self.messages
        ]

    def wait_for(self, *, seconds: float = 60, **attributes: str) -> dict[str, Any]:
        """Return the first dead letter whose attributes say this."""

        def look() -> list[dict[str, Any]]:
            return [
                letter
                for letter in self.with_reason()
                if all(letter["attributes"].get(k) == v for k, v in attributes.items())
            ]

        return eventually(look, f"a dead letter with {attributes}", seconds=seconds)[0]


class Heard:
    """The events of one environment by correlation id; each is parsed once."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._read = 0
        self._by_correlation: dict[str, list[dict[str, Any]]] = {}
        self._reading = threading.Lock()

    def about(self, correlation_id: str) -> list[dict[str, Any]]:
        """Return what has been heard so far of one request."""
        with self._reading:
            messages = self._events.messages
            for message in messages[self._read :]:
                event = json.loads(message["Body"])
                about = event["detail"]["metadata"]["correlationId"]
                self._by_correlation.setdefault(about, []).append(event)
            self._read = len(messages)
            return list(self._by_correlation.get(correlation_id, []))
