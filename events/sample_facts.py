"""Every kind of fact that is announced, as one sample each: what a subscription can be tried on."""

from __future__ import annotations

from collections.abc import Iterator

from events.formats import UNKNOWN, Environment
from events.notifications import ANNOUNCED, Notification, notification_for
from events.progress import FleetEvent
from events.sample_messages import TENANT, sample_event, sample_notification
from events.vocabulary import DetailType, NotificationType, OperationType


def sample_facts(environment: Environment, tenant_id: str = TENANT) -> list[Notification]:
    """Return one announcement for each way in which its attributes can come together."""
    found: dict[tuple[str, ...], Notification] = {}
    for notification in _all(environment, tenant_id):
        found.setdefault(tuple(notification.attributes().values()), notification)
    return list(found.values())


# --- private -------------------------------------------------------------------------------


def _all(environment: Environment, tenant_id: str) -> Iterator[Notification]:
    for operation_type, announced in ANNOUNCED.items():
        for detail_type in announced:
            yield from _announced(detail_type, operation_type, environment, tenant_id)
    stalled, rejected = DetailType.OPERATION_STALLED, DetailType.OPERATION_REJECTED
    promotion = OperationType.SITE_PROMOTION
    yield from _announced(stalled, promotion, environment, tenant_id)
    for tenant in (tenant_id, UNKNOWN):  # a body that could not be read names no tenant
        yield from _announced(rejected, promotion, environment, tenant)
    replay = sample_notification(NotificationType.DLQ_REPLAY_FINISHED)
    yield replay.model_copy(update={"environment": environment})


def _announced(
    detail_type: DetailType,
    operation_type: OperationType,
    environment: Environment,
    tenant_id: str,
) -> Iterator[Notification]:
    sample = sample_event(detail_type, operation_type)
    about = {"environment": environment, "tenant_id": tenant_id}
    event = FleetEvent(
        detail_type=detail_type,
        metadata=sample.metadata.model_copy(update=about),
        data=sample.data,
    )
    notification = notification_for(event)
    if notification is not None:
        yield notification
