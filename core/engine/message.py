"""A message as the engine sees it, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass

from core.ports.messaging import QueueName


@dataclass(frozen=True, kw_only=True)
class QueueMessage:
    """One SQS record, without SQS."""

    message_id: str
    body: str
    receive_count: int
    queue: QueueName | None
    """The workflow queue that it came from; None for the wake-up queue."""


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """The message is done with: delete it."""


@dataclass(frozen=True, kw_only=True)
class TryAgain:
    """The message stays on its queue and becomes visible again after this many seconds."""

    after_seconds: int


type Disposition = Acknowledged | TryAgain


def backoff_seconds(receive_count: int, suggested: int | None, *, most: int = 900) -> int:
    """Return the delay before the next attempt: 2, 4, 8 ... seconds, or what the error suggests.

    The SQS visibility timeout allows 12 hours; a message delay allows 900 seconds.
    """
    exponential = 1 << min(receive_count, 9)
    return min(most, max(suggested or 0, exponential))
