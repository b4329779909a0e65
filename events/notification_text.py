"""What people read: the subject, the e-mail and the short message of an announcement.

The e-mail answers what, where, who, how long, what next, and gives the command to type.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from pydantic import ConfigDict, Field, JsonValue

from events.formats import Environment, Timestamp, WireModel, format_timestamp
from events.progress import EventError, FieldError
from events.vocabulary import NotificationOutcome, NotificationType, OperationStatus, OperationType

SUBJECT_LIMIT: Final = 100
"""Characters of an SNS subject, ASCII only."""
SMS_LIMIT: Final = 140
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
    replayed: int | None = None
    failed: int | None = None
    next_command: str | None = None
    replay_of: str | None = None
    backup_id: str | None = None
    keep_until: Timestamp | None = None


_Type = NotificationType
_Outcome = NotificationOutcome

HEADLINES: Final[Mapping[NotificationType, str]] = MappingProxyType(
    {
        _Type.SITE_CREATION_COMPLETE: "Site created",
        _Type.SITE_CREATION_FAILED: "Site creation failed",
        _Type.SITE_UPDATE_COMPLETE: "Site updated",
        _Type.SITE_UPDATE_FAILED: "Site update failed",
        _Type.SITE_DELETION_COMPLETE: "Site deleted",
        _Type.SITE_DELETION_FAILED: "Site deletion failed",
        _Type.SITE_RESTORE_COMPLETE: "Site restored",
        _Type.SITE_RESTORE_FAILED: "Site restore failed",
        _Type.SITE_PROMOTION_STARTED: "Promotion started",
        _Type.SITE_PROMOTION_AWAITING_APPROVAL: "Promotion waits for approval",
        _Type.SITE_PROMOTION_COMPLETE: "Promotion complete",
        _Type.SITE_PROMOTION_FAILED: "Promotion failed",
        _Type.SITE_PROMOTION_ROLLED_BACK: "Promotion rolled back",
        _Type.SITE_PROMOTION_ROLLBACK_FAILED: "Promotion rollback failed",
        _Type.SITE_PROMOTION_CANCELLED: "Promotion cancelled",
        _Type.SITE_CHECK_FAILED: "Site check failed",
        _Type.OPERATION_AWAITING_APPROVAL: "Operation waits for approval",
        _Type.OPERATION_REJECTED: "Request rejected",
        _Type.OPERATION_STALLED: "Operation stalled",
        _Type.DLQ_REPLAY_FINISHED: "Dead-letter replay finished",
    }
)

MEANINGS: Final[Mapping[NotificationOutcome, str]] = MappingProxyType(
    {
        _Outcome.STARTED: "The work has begun; you will hear how it ends.",
        _Outcome.WAITING: "The plan is ready; nothing changes until it is approved.",
        _Outcome.SUCCEEDED: "It is done and checked.",
        _Outcome.FAILED: "Nothing of it went live; what it had made was taken back.",
        _Outcome.ROLLED_BACK: "It had gone live and was taken back.",
        _Outcome.REJECTED: "The request was not accepted; nothing was done.",
        _Outcome.CANCELLED: "It was cancelled, and what it had made was taken back.",
        _Outcome.STALLED: "It is past its deadline and makes no progress by itself.",
    }
)

_MEANINGS_OF: Final[Mapping[tuple[NotificationType, NotificationOutcome], str]] = MappingProxyType(
    {
        (_Type.SITE_DELETION_COMPLETE, _Outcome.SUCCEEDED): (
            "The backup was restored and compared, then the site was removed."
        ),
        (_Type.SITE_DELETION_FAILED, _Outcome.FAILED): (
            "Nothing was deleted. The site serves as before."
        ),
    }
)
"""Where the outcome alone would say it wrong."""

NEXT_STEPS: Final[Mapping[NotificationOutcome, str]] = MappingProxyType(
    {
        _Outcome.STARTED: "Nothing to do; look at its progress if you like.",
        _Outcome.WAITING: "Read the plan, then approve or reject it before it expires.",
        _Outcome.SUCCEEDED: "Nothing to do.",
        _Outcome.FAILED: "Look at the evidence of the step that failed.",
        _Outcome.ROLLED_BACK: "Look at the evidence before asking for it again.",
        _Outcome.REJECTED: "Correct the request and send it again.",
        _Outcome.CANCELLED: "Nothing to do.",
        _Outcome.STALLED: "Look at the last evidence, then retry or cancel it.",
    }
)


def subject_of(kind: NotificationType, payload: NotificationPayload) -> str:
    """One line of at most 100 ASCII characters that starts with the environment."""
    about = payload.site_id or payload.tenant_id
    text = f"{payload.environment.upper()} {HEADLINES[kind]}" + (f": {about}" if about else "")
    return _ascii_line(text, SUBJECT_LIMIT)


def sms_of(
    kind: NotificationType, outcome: NotificationOutcome, payload: NotificationPayload
) -> str:
    """One ASCII line that fits into one message."""
    code = f" {payload.error.code}" if payload.error else ""
    about = payload.site_id or ""
    text = f"{payload.environment.upper()} {HEADLINES[kind]} ({outcome}{code}) {about}"
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
        *_row("Where", _where(payload)),
        *_row("Who", _who(payload)),
        *_row("Why", _line(payload.reason or "")),
        *_row("When", f"{format_timestamp(at)}{_took(payload.duration_seconds)}"),
        *_problems(payload),
        *_row("Next", _next(outcome, payload)),
        *(f"         {command}" for command in _commands(kind, outcome, payload)),
        "",
        f"correlation id {correlation_id}",
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
    return _MEANINGS_OF.get((kind, outcome), MEANINGS[outcome])


def _where(payload: NotificationPayload) -> str:
    parts = [str(payload.environment)]
    parts += [f"site {payload.site_id}"] if payload.site_id else []
    parts += [f"step {payload.step}"] if payload.step else []
    parts += [_line(payload.site_url)] if payload.site_url else []
    return ", ".join(parts)


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


def _problems(payload: NotificationPayload) -> list[str]:
    errors = payload.field_errors or ()
    return [f"         - {_line(error.field)} {_line(error.problem)}" for error in errors]


def _next(outcome: NotificationOutcome, payload: NotificationPayload) -> str:
    advice = payload.error.suggestion if payload.error else NEXT_STEPS[outcome]
    if payload.keep_until is not None:
        advice = f"Nothing to do. It can be restored until {format_timestamp(payload.keep_until)}."
    if payload.replayed is not None:
        advice = "Look at what is left in the dead-letter queue."
    if payload.expires_at is not None:
        advice += f" It expires at {format_timestamp(payload.expires_at)}."
    return _line(advice)


def _commands(
    kind: NotificationType, outcome: NotificationOutcome, payload: NotificationPayload
) -> list[str]:
    env = f"--env {payload.environment}"
    if payload.next_command:
        return [_line(payload.next_command)]
    if kind in {_Type.OPERATION_REJECTED, _Type.DLQ_REPLAY_FINISHED} or not payload.operation_id:
        return _read_dead_letters(payload)
    show = f"sitefleet operations show {payload.operation_id} {env}"
    if kind is _Type.SITE_PROMOTION_ROLLBACK_FAILED or outcome is _Outcome.STALLED:
        retry = f'sitefleet operations retry {payload.operation_id} {env} --reason "..."'
        return [show, retry]
    return [show]


def _read_dead_letters(payload: NotificationPayload) -> list[str]:
    """A refused message has no operation: its dead letter is the record."""
    queue = f"bbws-wp-site-operations-dlq-{payload.environment}"
    url = f"$(aws sqs get-queue-url --queue-name {queue} --query QueueUrl --output text)"
    options = "--message-attribute-names All --visibility-timeout 0"
    return [f'aws sqs receive-message --queue-url "{url}" {options}']


def _line(text: str) -> str:
    """One line without control characters: a message from outside must not forge a second row."""
    cleaned = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(cleaned.split())[:_TEXT_LIMIT]


def _ascii_line(text: str, limit: int) -> str:
    plain = _line(text).encode("ascii", "replace").decode("ascii")
    return plain if len(plain) <= limit else plain[: limit - 3] + "..."
