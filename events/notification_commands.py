"""The commands that an announcement gives a person to type, the first one first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from events.formats import UNKNOWN, Environment
from events.vocabulary import NotificationOutcome, NotificationType, OperationStatus

if TYPE_CHECKING:
    from events.notification_text import NotificationPayload

_REASON: Final = '--reason "..."'


def commands_of(
    kind: NotificationType, outcome: NotificationOutcome, payload: NotificationPayload
) -> list[str]:
    """Return what to type: first what only looks, then what acts."""
    if kind is NotificationType.DLQ_REPLAY_FINISHED:
        return [_replay(payload), _letters(payload)] if payload.failed else []
    if _was_refused(kind, payload):
        return [_letters(payload)]
    own = [payload.next_command] if payload.next_command else []
    return list(dict.fromkeys([*_looking(kind, outcome, payload), *own, *_acting(kind, payload)]))


# --- private -------------------------------------------------------------------------------


def _was_refused(kind: NotificationType, payload: NotificationPayload) -> bool:
    """A refused message has no operation: its dead letter is the record.

    An operation whose plan people rejected has one, and the step at which it ended.
    """
    rejected = kind is NotificationType.OPERATION_REJECTED
    return not payload.operation_id or (rejected and not payload.step)


def _letters(payload: NotificationPayload) -> str:
    """By tenant: every refused letter tells its own, and not every body names a site."""
    known = payload.tenant_id and payload.tenant_id != UNKNOWN
    whose = f" --tenant-id {payload.tenant_id}" if known else ""
    return f"sitefleet dlq list{whose} --env {payload.environment}"


def _replay(payload: NotificationPayload) -> str:
    named = f" {payload.replay_id}" if payload.replay_id else ""
    return f"sitefleet dlq history{named} --env {payload.environment}"


def _looking(
    kind: NotificationType, outcome: NotificationOutcome, payload: NotificationPayload
) -> list[str]:
    """The operation; where it gives a better place to look, and nothing is wrong, that alone."""
    waits = outcome is NotificationOutcome.WAITING
    fine = outcome is NotificationOutcome.SUCCEEDED
    if payload.next_command and (waits or fine):
        return []
    if kind is NotificationType.SITE_PROMOTION_AWAITING_APPROVAL:
        return [_command("promotions plan", payload)]
    return [_command("operations show", payload)]


def _acting(kind: NotificationType, payload: NotificationPayload) -> list[str]:
    if kind is NotificationType.SITE_CHECK_FAILED:
        site = f"--site-id {payload.site_id} --tenant-id {payload.tenant_id}"
        command = f"sitefleet promotions rollback {site} --env {payload.environment} {_REASON}"
        proved = payload.environment is Environment.PROD
        return [f"{command} --incident-id ... --role ..." if proved else command]
    if payload.status is OperationStatus.AWAITING_APPROVAL:
        group = _group(kind)
        roles = [
            f"{_command(f'{group} approve', payload)} --role {role}" for role in payload.roles or ()
        ]
        return [*roles, f"{_command(f'{group} reject', payload)} --role ... --comment ..."]
    if payload.status is OperationStatus.ROLLBACK_FAILED:
        return [f"{_command('operations retry', payload)} {_REASON}"]
    if kind is NotificationType.OPERATION_STALLED:
        verbs = ("operations retry", "operations cancel")
        return [f"{_command(verb, payload)} {_REASON}" for verb in verbs]
    return []


def _group(kind: NotificationType) -> str:
    is_promotion = kind is NotificationType.SITE_PROMOTION_AWAITING_APPROVAL
    return "promotions" if is_promotion else "operations"


def _command(verb: str, payload: NotificationPayload) -> str:
    return f"sitefleet {verb} {payload.operation_id} --env {payload.environment}"
