"""Who reads the queue to which dead letters return, and counts what arrives."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

from letter_ground import Ground

from core.adapters.aws.replay_outcomes import DynamoReplayOutcomes
from core.domain.replays import Fate, Told

OWN = {
    "priority": {"DataType": "Number", "StringValue": "3"},
    "checksum": {"DataType": "Binary", "BinaryValue": b"\x00\x01\xfe\xff"},
    "trace": {"DataType": "String.trace", "StringValue": "1-67-abc"},
}
"""What the sender had set beside the body."""


@dataclass(kw_only=True)
class Consumer:
    """Reads the creation queue; tells a replay what became of its messages, as workers do."""

    ground: Ground
    arrived: Counter[str] = field(default_factory=Counter)
    whole: int = 0
    """Messages that had the attributes and the group that they had at first."""
    last_at: float = 0.0

    @contextmanager
    def at_work(self) -> Iterator[Consumer]:
        stop = Event()
        readers = [Thread(target=self._read, args=(stop,)) for _ in range(2)]
        for reader in readers:
            reader.start()
        try:
            yield self
        finally:
            stop.set()
            for reader in readers:
                reader.join()

    def _read(self, stop: Event) -> None:
        sqs, url = self.ground.client("sqs"), self.ground.urls["creation"]
        outcomes = DynamoReplayOutcomes(
            client=self.ground.client("dynamodb"),
            table_name=self.ground.variables["SITEFLEET_OPERATIONS_TABLE"],
        )
        while not stop.is_set():
            answer = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=1,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            for message in answer.get("Messages", []):
                self._note(message, outcomes)
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _note(self, message: Mapping[str, Any], outcomes: DynamoReplayOutcomes) -> None:
        given = message.get("MessageAttributes", {})
        body = json.loads(message["Body"])
        self.arrived[body["correlationId"]] += 1
        self.last_at = time.monotonic()
        kept = all(given.get(name) == value for name, value in OWN.items())
        group = message.get("Attributes", {}).get("MessageGroupId")
        self.whole += kept and group == body["payload"]["tenantId"]
        if "replayId" in given:
            outcomes.tell(
                Told(
                    replay_id=given["replayId"]["StringValue"],
                    message_id=given["replayOf"]["StringValue"],
                    fate=Fate.ACCEPTED,
                    sentence="Taken.",
                    at=datetime(2026, 11, 29, tzinfo=UTC),
                )
            )
