"""Reading a dead letter: by whom it was put there, what failed, and where it can go back to. Pure.

The fleet's own letters have attributes (`reason`, `errorCode`, ...), EventBridge writes RULE_ARN,
TARGET_ARN, ERROR_CODE and ERROR_MESSAGE (user guide, "Using dead-letter queues to process
undelivered events"), SQS names the source queue, SNS only wraps its notification.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

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
from core.domain.operation import AttemptFailure
from events.decode import DecodeError, Message, decode
from events.filters import OPERATION_QUEUES
from events.json_text import UnreadableError, parse
from events.progress import FleetEvent, StepPoll, WakeUp
from events.requests import Request
from events.vocabulary import OperationType

NUMBERS: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\b[0-9a-f]{12,}\b|\d+")
MOST_MESSAGE_CHARACTERS: Final = 500
WORKER_DIED: Final = "WorkerDied"
"""Stands for the exception of an attempt that nobody lived to record."""

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

    @property
    def operation_id(self) -> str | None:
        """The operation that it is about, as far as it tells by itself."""
        return _written(was_of(self.raw).raw, "operationId") or _about(self).operation_id


def open_letter(raw: RawLetter) -> OpenLetter:
    """Decode a letter's body."""
    try:
        return OpenLetter(raw=raw, content=decode(raw.body))
    except DecodeError as error:
        return OpenLetter(raw=raw, content=error)


def read_letter(opened: OpenLetter, failures: Sequence[AttemptFailure] = ()) -> Letter:
    """Return what a dead letter is; `failures`: the attempts recorded for its operation."""
    here, moved = opened.raw, was_of(opened.raw)
    raw, about = moved.raw, _about(opened)
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
        replay_count=int(_text(attributes, REPLAY_COUNT) or 0),
    )


def original_attributes(raw: RawLetter) -> dict[str, Attribute]:
    """Return the attributes that the message had before it became a dead letter."""
    raw = was_of(raw).raw
    if _written(raw, "reason") is None and _written(raw, "RULE_ARN") is None:
        return dict(raw.attributes)
    try:
        kept = json.loads(raw.text(SENDER_ATTRIBUTES) or "{}")
        return {
            str(name): Attribute(data_type=str(data_type), value=str(value))
            for name, (data_type, value) in kept.items()
        }
    except (ValueError, TypeError, AttributeError):
        return {}


# --- inside ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _About:
    """What the body says."""

    message_type: str
    readable: bool
    operation_id: str | None = None
    operation_type: OperationType | None = None
    tenant_id: str | None = None
    site_id: str | None = None
    correlation_id: str | None = None
    step: str | None = None
    is_notification: bool = False


def _about(opened: OpenLetter) -> _About:
    message = opened.content
    match message:
        case DecodeError():
            return _about_unreadable(opened.raw, message)
        case FleetEvent():
            meta = message.metadata
            return _About(
                message_type=message.detail_type,
                readable=True,
                operation_id=meta.operation_id,
                operation_type=meta.operation_type,
                tenant_id=meta.tenant_id,
                site_id=meta.site_id,
                correlation_id=meta.correlation_id,
                step=meta.step,
            )
        case StepPoll():
            return _About(
                message_type=message.message_type,
                readable=True,
                operation_id=message.operation_id,
                correlation_id=message.correlation_id,
            )
        case WakeUp():
            return _About(
                message_type="WAKE_UP",
                readable=True,
                operation_id=message.operation_id,
                step=message.step,
            )
        case _:
            return _about_request(message)


def _about_request(request: Request) -> _About:
    payload = request.payload
    return _About(
        message_type=request.message_type,
        readable=True,
        operation_id=getattr(payload, "operation_id", None),
        tenant_id=getattr(payload, "tenant_id", None),
        site_id=getattr(payload, "site_id", None),
        correlation_id=request.correlation_id,
        step="accept",
    )


def _about_unreadable(raw: RawLetter, error: DecodeError) -> _About:
    body = _object(raw.body)
    inner = _object(body.get("Message")) if body.get("Type") == "Notification" else body
    if "eventType" in inner and "eventId" in inner:
        payload = _object(inner.get("payload"))
        return _About(
            message_type=str(inner["eventType"]),
            readable=True,
            is_notification=True,
            operation_id=_string(payload.get("operationId")),
            tenant_id=_string(payload.get("tenantId")),
            site_id=_string(payload.get("siteId")),
            correlation_id=_string(inner.get("correlationId")),
        )
    hints = error.hints
    return _About(
        message_type=hints.message_type or "not a request",
        readable=False,
        operation_id=hints.operation_id,
        tenant_id=hints.tenant_id,
        site_id=hints.site_id,
        correlation_id=hints.correlation_id,
        step="accept",
    )


def _written(raw: RawLetter, name: str) -> str | None:
    """Return an attribute that the letter's writer set; of what SQS moved, it is the sender's."""
    return None if raw.source is not None else raw.text(name)


def _kind(raw: RawLetter, about: _About) -> LetterKind:
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


def _reason(raw: RawLetter, kind: LetterKind, failed: AttemptFailure | None, about: _About) -> str:
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
    raw: RawLetter, kind: LetterKind, failed: AttemptFailure | None, about: _About, reason: str
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


def _origin(raw: RawLetter, kind: LetterKind, about: _About) -> Origin | None:
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
            return Origin.MAILER if _object(raw.body).get("eventType") else None
    if about.operation_type is not None:
        return origin_of(OPERATION_QUEUES[about.operation_type])
    return None


def _operation_of(raw: RawLetter, kind: LetterKind) -> str | None:
    """A refused request has no operation: its letter's operationId is only a name for it."""
    return None if kind is LetterKind.REFUSED else raw.text("operationId")


def _object(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):
        try:
            value = parse(value)
        except UnreadableError:
            return {}
    return value if isinstance(value, dict) else {}


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _text(attributes: Mapping[str, Attribute], name: str) -> str | None:
    attribute = attributes.get(name)
    return attribute.value if attribute else None


def _tail(arn: str | None) -> str:
    return (arn or "its target").rsplit(":", 1)[-1]
