"""The event bus, the queues and the topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from events.notifications import Notification
from events.progress import FleetEvent


class QueueName(StrEnum):
    """The fleet's own queues."""

    CREATION = "creation"
    UPDATE = "update"
    DELETION = "deletion"
    PROMOTION = "promotion"


class EventBus(Protocol):
    """The custom bus."""

    def publish(self, events: Sequence[FleetEvent]) -> None:
        """Publish; raise PublishError naming the events that were not taken."""
        ...


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A message that cannot be worked on, with the reason that SQS alone would not keep."""

    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    """At most 10 of them, the SQS limit: reason, errorCode, operationId, originQueue, ..."""


class WorkQueues(Protocol):
    """The workflow queues and their shared dead-letter queue."""

    def send(self, queue: QueueName, body: str, *, delay_seconds: int, tenant_id: str) -> None:
        """Send a message that becomes visible after the delay (at most 900, the SQS limit)."""
        ...

    def dead_letter(self, letter: DeadLetter) -> None:
        """Put a message into the dead-letter queue; an oversized body goes to S3 first."""
        ...

    def dead_letters(self) -> int:
        """Return about how many messages lie in the dead-letter queue."""
        ...


class Topic(Protocol):
    """The notifications topic."""

    def announce(self, notification: Notification) -> None:
        """Publish one notification with its five attributes."""
        ...
