"""What people read: the subject, the e-mail and the short message of an announcement.

The e-mail answers what, where, who, how long, what next, and gives the command to type.
"""

from datetime import datetime
from typing import Final

from pydantic import ConfigDict, Field, JsonValue

from events.formats import UNKNOWN, Environment, Timestamp, WireModel, format_timestamp
from events.notification_commands import commands_of
from events.notification_phrases import ADVICE, HEADLINES, MEANINGS, MEANINGS_OF, NEXT_STEPS
from events.progress import EventError, FieldError
from events.vocabulary import NotificationOutcome, NotificationType, OperationStatus, OperationType

SUBJECT_LIMIT: Final = 100
"""Characters of an SNS subject, ASCII only."""
SMS_LIMIT: Final = 160
"""Characters of one text message, as long as all of them are of its basic alphabet."""
SMS_SITE_LIMIT: Final = 41
"""Characters of a siteId that is a prefix and a UUID."""
_TEXT_LIMIT: Final = 1000


class NotificationPayload(WireModel):
    """The facts of an announcement. Open: what the event's data holds is kept."""

    model_config = ConfigDict(extra="allow")

    environment: Environment
    operation_id: str | None = None
    operation_type: OperationType | None = None
    tenant_id: str | None = None
    site_id: str | None = None
    status: OperationStatus | None = None
    site_url: str | None = None
    host_name: str | None = Field(
        None, description="The name that a site was to have that is not there."
    )
    admin_url: str | None = None
    duration_seconds: float | None = None
    step: str | None = None
    release: JsonValue = None
    error: EventError | None = None
    field_errors: tuple[FieldError, ...] | None = None
    plan_hash: str | None = None
    roles: tuple[str, ...] | None = None
    expires_at: Timestamp | None = None
    requested_by: str | None = None
    reason: str | None = None
    replay_id: str | None = None
    replayed: int | None = None
    failed: int | None = None
    next_command: str | None = None
    replay_of: str | None = None
    stalled_since: Timestamp | None = None
    backup_id: str | None = None
    keep_until: Timestamp | None = None


_Type = NotificationType
_Outcome = NotificationOutcome


def subject_of(kind: NotificationType, payload: NotificationPayload) -> str:
    """One line of at most 100 ASCII characters that starts with the environment."""
    about = payload.site_id or payload.tenant_id
    text = f"{payload.environment.upper()} {HEADLINES[kind]}" + (f": {about}" if about else "")
    return _ascii_line(text, SUBJECT_LIMIT)


def sms_of(
    kind: NotificationType, outcome: NotificationOutcome, payload: NotificationPayload
) -> str:
    """One ASCII line that fits into one message: what, where, and what to type if there is room.

    A command is given whole or not at all.
    """
    about = f": {_ascii_line(payload.site_id, SMS_SITE_LIMIT)}" if payload.site_id else ""
    text = f"{payload.environment.upper()} {HEADLINES[kind]}{about}"
    code = payload.error.code.value if payload.error else ""
    command = next(iter(commands_of(kind, outcome, payload)), "")
    for more in (f" ({code})" if code else "", f". {command}" if command else ""):
        text += more if len(text) + len(more) <= SMS_LIMIT else ""
    return _ascii_line(text, SMS_LIMIT)


def email_of(
    kind: NotificationType,
    outcome: NotificationOutcome,
    payload: NotificationPayload,
    *,
    event_id: str,
    correlation_id: str,
    at: datetime,
) -> str:
    """The text of the e-mail."""
    lines = [
        subject_of(kind, payload),
        "",
        *_row("What", _what(kind, outcome, payload)),
        *_row("Where", _where(kind, payload)),
        *_row("Who", _who(payload)),
        *_row("Why", _line(payload.reason or "")),
        *_row("When", f"{format_timestamp(at)}{_took(payload.duration_seconds)}{_since(payload)}"),
        *_problems(payload),
        *_row("Next", _next(kind, outcome, payload)),
        *(f"         {_line(command)}" for command in commands_of(kind, outcome, payload)),
        "",
        _follow(correlation_id, payload),
        f"event {event_id} (it may reach you twice; the id is the same)",
    ]
    if payload.replay_of:
        lines.append(f"sent again by an operator, in place of {_line(payload.replay_of)}")
    return "\n".join(lines) + "\n"


# --- private -------------------------------------------------------------------------------


def _row(title: str, text: str) -> list[str]:
    return [f"{title + ':':<8} {text}"] if text else []


def _what(
    kind: NotificationType, outcome: NotificationOutcome, payload: NotificationPayload
) -> str:
    told = f"{HEADLINES[kind]}. {_meaning(kind, outcome, payload)}"
    if payload.error is None:
        return told
    return f"{told} {payload.error.code}: {_line(payload.error.message)}"


def _meaning(
    kind: NotificationType, outcome: NotificationOutcome, payload: NotificationPayload
) -> str:
    if kind is _Type.DLQ_REPLAY_FINISHED:
        return f"{payload.replayed} messages were sent again, {payload.failed} failed again."
    if kind is _Type.SITE_CHECK_FAILED:
        return "The live site is not as it should be. Nothing was changed: a person decides."
    half_way = payload.status is OperationStatus.ROLLBACK_FAILED
    if half_way and kind is _Type.SITE_DELETION_FAILED:
        return "It stopped half-way and goes on from there when it is retried: a person has to act."
    if half_way:
        return "Taking it back failed too: a person has to act."
    return MEANINGS_OF.get((kind, outcome), MEANINGS[outcome])


def _where(kind: NotificationType, payload: NotificationPayload) -> str:
    parts = [str(payload.environment)]
    parts += [f"site {payload.site_id}"] if payload.site_id else []
    step = _step(payload)
    parts += [f"step {step}"] if step else []
    gone = kind is _Type.SITE_DELETION_COMPLETE
    parts += [_line(payload.site_url)] if payload.site_url and not gone else []
    return ", ".join(parts)


def _step(payload: NotificationPayload) -> str:
    """The step that failed; the event's own is, after the way back, the last one undone."""
    failed = payload.error.details.get("step") if payload.error else None
    return _line(str(failed or payload.step or ""))


def _who(payload: NotificationPayload) -> str:
    parts = [f"tenant {payload.tenant_id}"] if payload.tenant_id else []
    parts += [f"requested by {_line(payload.requested_by)}"] if payload.requested_by else []
    parts += [f"waits for {', '.join(payload.roles)}"] if payload.roles else []
    return ", ".join(parts)


def _took(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h"] if hours else []
    parts += [f"{minutes} min"] if minutes else []
    return f", after {' '.join([*parts, f'{rest} s'])}"


def _since(payload: NotificationPayload) -> str:
    since = payload.stalled_since
    return f"; it has stood still since {format_timestamp(since)}" if since else ""


def _follow(correlation_id: str, payload: NotificationPayload) -> str:
    if correlation_id == UNKNOWN:
        return "correlation id unknown"
    command = f"sitefleet trace {correlation_id} --env {payload.environment}"
    return f"correlation id {correlation_id}; everything about it: {command}"


def _problems(payload: NotificationPayload) -> list[str]:
    errors = payload.field_errors or ()
    return [f"         - {_line(error.field)} {_line(error.problem)}" for error in errors]


def _next(
    kind: NotificationType, outcome: NotificationOutcome, payload: NotificationPayload
) -> str:
    suggested = payload.error.suggestion if payload.error else NEXT_STEPS[outcome]
    advice = ADVICE.get(kind, suggested)
    if payload.keep_until is not None:
        advice = f"Nothing to do. It can be restored until {format_timestamp(payload.keep_until)}."
    if payload.replayed is not None:
        left = "See which messages came back, and why, before sending them again."
        advice = left if payload.failed else "Nothing to do."
    if payload.status is OperationStatus.ROLLBACK_FAILED:
        advice = "Repair what the step could not do, then retry. The site stays locked until then."
    if payload.expires_at is not None:
        advice += f" It expires at {format_timestamp(payload.expires_at)}."
    return _line(advice)


def _line(text: str) -> str:
    """One line without control characters: a message from outside must not forge a second row."""
    cleaned = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(cleaned.split())[:_TEXT_LIMIT]


def _ascii_line(text: str, limit: int) -> str:
    plain = _line(text).encode("ascii", "replace").decode("ascii")
    return plain if len(plain) <= limit else plain[: limit - 3] + "..."
