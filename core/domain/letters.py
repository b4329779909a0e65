"""Dead letters: what lies in a dead-letter queue, and what can be read from it without asking.

A letter explains itself only as far as its writer could: the fleet's own letters carry a reason,
EventBridge's carry the rule and the target that failed, those that SQS moved carry nothing but the
queue they come from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from events.decode import DecodeError, Message
from events.vocabulary import OperationType

REPLAY_OF: Final = "replayOf"
"""Message attribute: the dead letter that this message repeats."""
REPLAY_COUNT: Final = "replayCount"
"""Message attribute: how often an operator has sent it again."""
REPLAY_ID: Final = "replayId"
"""Message attribute: the replay that sent it."""
CORRECTION_OF: Final = "correctionOf"
"""Message attribute: the dead letter whose body an operator has corrected."""
SENDER_ATTRIBUTES: Final = "senderAttributes"
"""Attribute of the fleet's own letters: the original message's attributes, as JSON."""
PARKED_REASON: Final = "parkedReason"
PARKED_BY: Final = "parkedBy"
STAMPS: Final = frozenset({REPLAY_OF, REPLAY_COUNT, REPLAY_ID, CORRECTION_OF})
MOST_ATTRIBUTES: Final = 10
"""SQS: attributes of one message."""


class Box(StrEnum):
    """The queues in which messages lie that nobody consumes."""

    OPERATIONS = "operations"
    """Dead letters of the four workflow queues."""
    UNDELIVERABLE = "undeliverable"
    """What EventBridge or SNS could not deliver, and what the fleet's own queues gave up."""
    PARKED = "parked"
    """Put aside by an operator, with a reason."""


class Origin(StrEnum):
    """The queues that a letter can go back to."""

    CREATION = "creation"
    UPDATE = "update"
    DELETION = "deletion"
    PROMOTION = "promotion"
    WAKE_UP = "wakeup"
    NOTIFIER = "notifier"
    MAILER = "mailer"
    SWEEPER = "sweeper"

    @property
    def is_workflow(self) -> bool:
        return self in {Origin.CREATION, Origin.UPDATE, Origin.DELETION, Origin.PROMOTION}


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """A message attribute, with its SQS data type kept."""

    value: str
    """Text; of a Binary attribute, base64."""
    data_type: str = "String"


@dataclass(frozen=True, kw_only=True)
class RawLetter:
    """A message as it lies in a dead-letter queue, received and hidden from others."""

    message_id: str
    box: Box
    body: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    sent_at: datetime
    """When it was sent to the queue it lies in."""
    source: Origin | None = None
    """The queue that SQS moved it from (DeadLetterQueueSourceArn); None: it was sent here."""
    group: str | None = None
    """Its message group: the tenant, on fair queues."""
    receipt: str = field(repr=False)

    def text(self, name: str) -> str | None:
        """Return an attribute's value; None where there is none."""
        attribute = self.attributes.get(name)
        return attribute.value if attribute else None


class LetterKind(StrEnum):
    """How a letter came to lie there."""

    REFUSED = "refused"
    """The fleet refused the message: it could not be accepted."""
    EXHAUSTED = "exhausted"
    """Every attempt at a step broke; the operation was reported stalled."""
    UNKNOWN_OPERATION = "unknown operation"
    """It belongs to an operation that is not there."""
    ABANDONED = "abandoned"
    """SQS moved it after its last receive: workers died, or could not even record a failure."""
    TARGET_FAILURE = "target failure"
    """EventBridge could not deliver an event to a queue."""
    TOPIC_FAILURE = "topic failure"
    """SNS could not deliver a notification to a subscriber."""
    UNREADABLE = "unreadable"
    """Nothing of this fleet."""


@dataclass(frozen=True, kw_only=True)
class FailureKey:
    """What letters have in common that failed in the same way."""

    workflow: str
    """Operation type, or the queue's name where no operation is named."""
    step: str
    """The step; `accept` for a request; `-` where there is none."""
    exception: str
    """Exception type or error code."""
    message: str
    """Normalised: ids and numbers replaced."""

    @property
    def group_id(self) -> str:
        """A short name for people to type: the same failure has the same one everywhere."""
        parts = (self.workflow, self.step, self.exception, self.message)
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:8]


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A dead letter, read."""

    raw: RawLetter
    content: Message | DecodeError = field(repr=False)
    """What its body is, or why it cannot be read."""
    kind: LetterKind
    failure: FailureKey
    reason: str
    """A sentence."""
    origin: Origin | None
    """Where a replay sends it; None: there is nowhere to send it."""
    message_type: str
    """messageType, detail-type or what else the body is, for people."""
    operation_id: str | None = None
    operation_type: OperationType | None = None
    tenant_id: str | None = None
    site_id: str | None = None
    correlation_id: str | None = None
    failed_at: datetime
    first_message_id: str
    """The id of the message that failed first: replays of it share it."""
    replay_count: int = 0

    @property
    def message_id(self) -> str:
        return self.raw.message_id

    @property
    def group_id(self) -> str:
        return self.failure.group_id
