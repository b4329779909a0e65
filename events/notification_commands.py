"""The commands that an announcement gives a person to type, the first one first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from events.formats import Environment
from events.vocabulary import NotificationOutcome, NotificationType, OperationStatus

if TYPE_CHECKING:
    from events.notification_text import NotificationPayload

_REASON: Final = '--reason "..."'


def commands_of(
    kind: NotificationType, outcome: NotificationOutcome, payload: NotificationPayload
) -> list[str]:
    """Return what to type: first what only looks, then what acts."""
    if kind is NotificationType.DLQ_REPLAY_FINISHED:
        return [read_dead_letters(payload)] if payload.failed else []
    if kind is NotificationType.OPERATION_REJECTED or not payload.operation_id:
        return [read_dead_letters(payload)]
    own = [payload.next_command] if payload.next_command else []
    return list(dict.fromkeys([*_looking(kind, outcome, payload), *own, *_acting(kind, payload)]))


def read_dead_letters(payload: NotificationPayload) -> str:
    """A refused message has no operation: its dead letter is the record."""
    queue = f"bbws-wp-site-operations-dlq-{payload.environment}"
    url = f"$(aws sqs get-queue-url --queue-name {queue} --query QueueUrl --output text)"
    options = "--message-attribute-names All --visibility-timeout 0"
    return f'aws sqs receive-message --queue-url "{url}" {options}'


# --- private -------------------------------------------------------------------------------


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
