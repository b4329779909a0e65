"""Reading a dead letter: by whom it was put there, what failed, and where it can go back to. Pure.

The fleet's own letters have attributes (`reason`, `errorCode`, ...), EventBridge writes RULE_ARN,
TARGET_ARN, ERROR_CODE and ERROR_MESSAGE (user guide, "Using dead-letter queues to process
undelivered events"), SQS names the source queue, SNS only wraps its notification.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.domain.letter_attributes import read_pairs
from core.domain.letter_bodies import About, about_of, object_of
from core.domain.letter_moving import Moved, was_of
from core.domain.letters import (
    REPLAY_COUNT,
    REPLAY_OF,
    SENDER_ATTRIBUTES,
    Attribute,
    FailureKey,
    Letter,
    LetterKind,
    Origin,
    RawLetter,
)
from core.domain.operation import AttemptFailure, Operation
from events.decode import DecodeError, Message, decode
from events.filters import OPERATION_QUEUES
from events.json_text import parse

NUMBERS: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\b[0-9a-f]{12,}\b|\d+")
MOST_MESSAGE_CHARACTERS: Final = 500
WORKER_DIED: Final = "WorkerDied"
"""Stands for the exception of an attempt that nobody lived to record."""

_COUNT = re.compile("[0-9]{1,9}")
_QUEUE = re.compile(r"bbws-wp-site-([a-z]+)-(?:dev|sit|prod)$")


def normalised(text: str) -> str:
    """Return an error's text with ids and numbers replaced, so that equal failures group."""
    return NUMBERS.sub("#", text)[:MOST_MESSAGE_CHARACTERS]


def origin_of(queue: str | None) -> Origin | None:
    """Return the queue of a name, an ARN or the fleet's short word for it."""
    if queue is None:
        return None
    match = _QUEUE.search(queue)
    name = match[1] if match else queue
    return Origin(name) if name in {origin.value for origin in Origin} else None


@dataclass(frozen=True, kw_only=True)
class OpenLetter:
    """A letter with its body decoded: once, because thousands are read at a time."""

    raw: RawLetter
    content: Message | DecodeError
    about: About

    @property
    def operation_id(self) -> str | None:
        """The operation that it is about, as far as it tells by itself."""
        return _written(was_of(self.raw).raw, "operationId") or self.about.operation_id


def open_letter(raw: RawLetter) -> OpenLetter:
    """Decode a letter's body."""
    content: Message | DecodeError
    try:
        content = decode(raw.body)
    except DecodeError as error:
        content = error
    return OpenLetter(raw=raw, content=content, about=about_of(raw.body, content))


def read_letter(
    opened: OpenLetter,
    failures: Sequence[AttemptFailure] = (),
    operation: Operation | None = None,
) -> Letter:
    """Return what a dead letter is.

    `failures`: the attempts recorded for its operation; `operation`: the one that its body names,
    where that says no more.
    """
    here, moved = opened.raw, was_of(opened.raw)
    raw, about = moved.raw, opened.about
    if operation is not None:
        about = about.completed_by(operation)
    kind = _kind(raw, about)
    failed = _last_failure(moved, failures)
    reason = _reason(raw, kind, failed, about)
    attributes = original_attributes(raw)
    replay_of = _text(attributes, REPLAY_OF)
    return Letter(
        raw=here,
        content=opened.content,
        kind=kind,
        failure=_failure_key(raw, kind, failed, about, reason),
        reason=reason,
        origin=_origin(raw, kind, about),
        message_type=about.message_type,
        operation_id=about.operation_id or _operation_of(raw, kind),
        operation_type=about.operation_type,
        tenant_id=about.tenant_id or _written(raw, "tenantId") or raw.group,
        site_id=about.site_id,
        correlation_id=about.correlation_id or _written(raw, "correlationId"),
        failed_at=raw.sent_at,
        first_message_id=replay_of or moved.message_id,
        replay_count=_count(_text(attributes, REPLAY_COUNT)),
    )


def original_attributes(raw: RawLetter) -> dict[str, Attribute]:
    """Return the attributes that the message had before it became a dead letter."""
    raw = was_of(raw).raw
    if _written(raw, "reason") is None and _written(raw, "RULE_ARN") is None:
        return dict(raw.attributes)
    try:
        return read_pairs(parse(raw.text(SENDER_ATTRIBUTES) or "{}"))
    except (ValueError, AttributeError):
        return {}


# --- inside ---------------------------------------------------------------------------------


def _written(raw: RawLetter, name: str) -> str | None:
    """Return an attribute that the letter's writer set; of what SQS moved, it is the sender's."""
    return None if raw.source is not None else raw.text(name)


def _kind(raw: RawLetter, about: About) -> LetterKind:
    if raw.source is not None:
        return LetterKind.ABANDONED
    if "RULE_ARN" in raw.attributes and "TARGET_ARN" in raw.attributes:
        return LetterKind.TARGET_FAILURE
    if raw.text("exceptionType"):
        return LetterKind.EXHAUSTED
    if raw.text("reason"):
        unknown = raw.text("errorCode") == "SITE_002" and not raw.text("rejectionEventId")
        return LetterKind.UNKNOWN_OPERATION if unknown else LetterKind.REFUSED
    return LetterKind.TOPIC_FAILURE if about.is_notification else LetterKind.UNREADABLE


def _last_failure(moved: Moved, failures: Sequence[AttemptFailure]) -> AttemptFailure | None:
    names = {moved.message_id, _written(moved.raw, "messageId")}
    mine = [f for f in failures if f.message_id in names]
    return mine[-1] if mine else None


def _reason(raw: RawLetter, kind: LetterKind, failed: AttemptFailure | None, about: About) -> str:
    written = _written(raw, "reason")
    if written:
        return written
    match kind:
        case LetterKind.TARGET_FAILURE:
            return (
                f"EventBridge could not deliver {about.message_type} to "
                f"{_tail(raw.text('TARGET_ARN'))}: {raw.text('ERROR_CODE') or 'no code'}: "
                f"{raw.text('ERROR_MESSAGE') or 'no message'}"
            )
        case LetterKind.TOPIC_FAILURE:
            return f"SNS could not deliver {about.message_type} to one of its subscribers."
        case LetterKind.ABANDONED if failed is not None:
            return f"{failed.exception_type}: {failed.message}"
        case LetterKind.ABANDONED:
            return (
                "It was received as often as its queue allows, and no attempt was recorded: the "
                "worker died each time (out of memory, out of time) or could not start."
            )
    return "It is no message of this fleet, and nothing tells how it came here."


def _failure_key(
    raw: RawLetter, kind: LetterKind, failed: AttemptFailure | None, about: About, reason: str
) -> FailureKey:
    origin = _origin(raw, kind, about)
    workflow = about.operation_type or (origin.value if origin else raw.box.value)
    step = _written(raw, "step") or (failed.step if failed else None) or about.step or "-"
    return FailureKey(
        workflow=str(workflow),
        step=step,
        exception=_exception(raw, kind, failed),
        message=normalised(failed.message if failed else reason),
    )


def _exception(raw: RawLetter, kind: LetterKind, failed: AttemptFailure | None) -> str:
    named = _written(raw, "exceptionType") or (failed.exception_type if failed else None)
    code = _written(raw, "errorCode") or _written(raw, "ERROR_CODE")
    fallback = {
        LetterKind.ABANDONED: WORKER_DIED,
        LetterKind.TARGET_FAILURE: "TargetFailure",
        LetterKind.TOPIC_FAILURE: "TopicFailure",
    }
    return named or code or fallback.get(kind, "Unreadable")


def _origin(raw: RawLetter, kind: LetterKind, about: About) -> Origin | None:
    """The queue SQS moved it from, else the letter's own stamp, else what the event was for."""
    if raw.source is not None:
        return raw.source
    stamped = origin_of(raw.text("originQueue"))
    if stamped is not None:
        return stamped
    match kind:
        case LetterKind.TARGET_FAILURE:
            return origin_of(raw.text("TARGET_ARN"))
        case LetterKind.TOPIC_FAILURE:
            return Origin.MAILER if object_of(raw.body).get("eventType") else None
    if about.operation_type is not None:
        return origin_of(OPERATION_QUEUES[about.operation_type])
    return None


def _operation_of(raw: RawLetter, kind: LetterKind) -> str | None:
    """A refused request has no operation: its letter's operationId is only a name for it."""
    return None if kind is LetterKind.REFUSED else _written(raw, "operationId")


def _count(text: str | None) -> int:
    """Return a count that our own replays have set; what else a sender has written is none."""
    return int(text) if text and _COUNT.fullmatch(text) else 0


def _text(attributes: Mapping[str, Attribute], name: str) -> str | None:
    attribute = attributes.get(name)
    return attribute.value if attribute else None


def _tail(arn: str | None) -> str:
    return (arn or "its target").rsplit(":", 1)[-1]
