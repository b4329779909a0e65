"""A message as the engine sees it, and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from core.domain.letter_attributes import pairs_of
from core.domain.letters import MOST_ATTRIBUTES, REPLAY_OF, SENDER_ATTRIBUTES, STAMPS, Attribute
from core.domain.replays import Fate
from core.ports.messaging import DeadLetter, QueueName
from events.redaction import redact_attribute

MOST_SENDER_BYTES: Final = 8 * 1024
"""Of the original message's attributes that a dead letter keeps; above it only the stamps."""


@dataclass(frozen=True, kw_only=True)
class QueueMessage:
    """One SQS record, without SQS."""

    message_id: str
    body: str
    receive_count: int
    queue: QueueName | None
    """The workflow queue that it came from; None for the wake-up queue."""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    @property
    def replay_of(self) -> str | None:
        """The dead letter that an operator has sent again with this message."""
        stamp = self.attributes.get(REPLAY_OF)
        return stamp.value if stamp else None


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """The message is done with: delete it."""

    fate: Fate
    """What became of it; kept where an operator has sent it again."""
    why: str = ""
    """The same, as a sentence."""


@dataclass(frozen=True, kw_only=True)
class TryAgain:
    """The message stays on its queue and becomes visible again after this many seconds."""

    after_seconds: int


type Disposition = Acknowledged | TryAgain


def dead_letter_of(
    message: QueueMessage, attributes: Mapping[str, str], *, body: str | None = None
) -> DeadLetter:
    """Return a dead letter that keeps the message's own attributes beside those that explain it.

    Its own cannot stand beside them: together they would be more than SQS takes.
    """
    kept = _senders_attributes(message)
    explained = {**attributes, **({SENDER_ATTRIBUTES: kept} if kept else {})}
    if len(explained) > MOST_ATTRIBUTES:
        raise ValueError(f"A dead letter may have {MOST_ATTRIBUTES} attributes: {list(explained)}.")
    return DeadLetter(body=message.body if body is None else body, attributes=explained)


def _senders_attributes(message: QueueMessage) -> str:
    if not message.attributes:
        return ""
    every = _attributes_text(message.attributes)
    if len(every.encode()) <= MOST_SENDER_BYTES:
        return every
    return _attributes_text({n: a for n, a in message.attributes.items() if n in STAMPS})


def _attributes_text(attributes: Mapping[str, Attribute]) -> str:
    clean = {n: replace(a, value=redact_attribute(n, a.value)) for n, a in attributes.items()}
    return json.dumps(pairs_of(clean), separators=(",", ":"), ensure_ascii=False)


def backoff_seconds(receive_count: int, suggested: int | None, *, most: int = 900) -> int:
    """Return the delay before the next attempt: 2, 4, 8 ... seconds, or what the error suggests.

    The SQS visibility timeout allows 12 hours; a message delay allows 900 seconds.
    """
    exponential = 1 << min(receive_count, 9)
    return min(most, max(suggested or 0, exponential))
