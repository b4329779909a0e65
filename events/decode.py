"""From the body of a queue record to a typed message; anything else is one error type.

A body arrives plain, wrapped by EventBridge or by SNS, or wrapped more than once (SNS inside an
EventBridge input). What AWS services report by the wake-up rules arrives here too.
"""

from typing import Any, Final

from pydantic import ValidationError

from events.aws_events import NoWakeUpError, wake_up
from events.json_text import UnreadableError, parse
from events.progress import SOURCE, FieldError, FleetEvent, StepPoll, WakeUp
from events.refusals import DecodeError, Hints, field_errors_of, got_of, hints_of
from events.requests import REQUEST_MODELS, Request
from events.vocabulary import ALIASES, DetailType, MessageType

__all__ = ["MAX_BODY_BYTES", "DecodeError", "FieldError", "Hints", "Message", "decode"]

MAX_BODY_BYTES: Final = 256 * 1024
"""Larger bodies are refused, though SQS allows 1 MiB."""
_MAX_LAYERS: Final = 5
"""The message itself and at most four wrappings."""

Message = Request | FleetEvent | StepPoll | WakeUp


def decode(body: str) -> Message:
    """Read one body, or raise DecodeError; never anything else."""
    _check_text(body)
    try:
        message = parse(body)
        for _ in range(_MAX_LAYERS):
            inner = _unwrapped(message)
            if inner is None:
                return _read(body, message)
            message = inner
    except UnreadableError as error:
        raise DecodeError(body, f"the body cannot be read: {error}") from None
    raise DecodeError(
        body, f"the body is wrapped more than {_MAX_LAYERS - 1} times", hints=hints_of(message)
    )


# --- private -------------------------------------------------------------------------------


def _check_text(body: str) -> None:
    if not isinstance(body, str):
        raise DecodeError("", "the body is not a text")
    try:
        size = len(body) if body.isascii() else len(body.encode())
    except UnicodeEncodeError:
        raise DecodeError(body, "the body holds half of a surrogate pair") from None
    if size > MAX_BODY_BYTES:
        reason = f"the body has {size} bytes; at most {MAX_BODY_BYTES} are accepted"
        raise DecodeError(body, reason, hints=_hints_of_text(body), oversized=True)


def _hints_of_text(body: str) -> Hints:
    try:
        return hints_of(parse(body))
    except UnreadableError:
        return Hints()


def _unwrapped(message: Any) -> Any | None:
    """What a wrapping holds, or None when this is the message itself."""
    if isinstance(message, str):
        return parse(message)
    if not isinstance(message, dict) or "messageType" in message:
        return None
    if message.get("Type") == "Notification" and isinstance(message.get("Message"), str):
        return parse(message["Message"])
    if "detail-type" not in message or _is_event(message):
        return None
    detail = message.get("detail")
    return detail if isinstance(detail, dict) else None


def _is_event(message: dict[str, Any]) -> bool:
    source = message.get("source")
    if isinstance(source, str) and source.startswith("aws."):
        return True
    detail = message.get("detail")
    return source == SOURCE and not (isinstance(detail, dict) and "messageType" in detail)


def _read(body: str, message: Any) -> Message:
    try:
        return _typed(body, message)
    except ValidationError as error:
        raise DecodeError(
            body,
            "the message is not valid",
            field_errors_of(error, message),
            hints=hints_of(message),
        ) from None
    except NoWakeUpError as error:
        raise DecodeError(body, error.reason, error.field_errors, hints=hints_of(message)) from None


def _typed(body: str, message: Any) -> Message:
    if not isinstance(message, dict):
        what = got_of("", message) or "a text"
        raise DecodeError(body, f"the message is not an object but {what}")
    if "messageType" in message:
        return _by_message_type(body, message)
    if message.get("source") == SOURCE:
        return _fleet_event(body, message)
    if "detail-type" in message:
        return wake_up(message)
    raise _refused(body, message, "messageType", "is missing")


def _by_message_type(body: str, message: dict[str, Any]) -> Message:
    name = message["messageType"]
    if name == "STEP_POLL":
        return StepPoll.model_validate(message)
    if name == "WAKE_UP":
        return WakeUp.model_validate(message)
    known = ALIASES.get(name, name) if isinstance(name, str) else name
    if not isinstance(known, str) or known not in MessageType:
        raise _refused(body, message, "messageType", "is none of the contract's", got_of("", name))
    return REQUEST_MODELS[MessageType(known)].model_validate(message)


def _fleet_event(body: str, message: dict[str, Any]) -> FleetEvent:
    name, detail = message.get("detail-type"), message.get("detail")
    if not isinstance(name, str) or name not in DetailType:
        raise _refused(body, message, "detail-type", "is none of the contract's", got_of("", name))
    if not isinstance(detail, dict):
        raise _refused(body, message, "detail", "must be an object")
    try:
        return FleetEvent.model_validate({**detail, "detailType": name})
    except ValidationError as error:
        raise DecodeError(
            body,
            "the event is not valid",
            field_errors_of(error, detail),
            hints=hints_of(detail),
        ) from None


def _refused(
    body: str, message: dict[str, Any], field: str, problem: str, got: str | None = None
) -> DecodeError:
    error = FieldError(field=field, problem=problem, got=got)
    return DecodeError(body, "the message is of no known kind", [error], hints=hints_of(message))
