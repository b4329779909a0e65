"""The notifier: each fact once to the topic and the metrics, however often its event arrives."""

from __future__ import annotations

from datetime import datetime

import structlog

from core.domain.errors import SitefleetError
from core.domain.measurements import ENDED, Measurement, measurements_of
from core.domain.notices import Notice
from core.domain.replays import Fate
from core.engine.message import (
    Acknowledged,
    Disposition,
    QueueMessage,
    TryAgain,
    backoff_seconds,
    dead_letter_of,
)
from core.ports.announcements import ANNOUNCING, Mark
from core.ports.clock import Clock
from core.ports.measuring import Meter
from core.ports.messaging import Topic, WorkQueues
from core.ports.operation_store import OperationStore
from events.decode import DecodeError, decode
from events.notifications import Notification, notification_for
from events.progress import EventMetadata, FleetEvent

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Notifier:
    """Turns milestones into notifications; the fact's mark keeps a repeat from being announced.

    The mark is set before the announcement and closed after it: a crash in between announces
    again (subscribers know a fact by its eventId), never not at all. A copy of the event that
    arrives meanwhile waits, so that two workers do not announce side by side. Metrics, which
    nobody can count down again, follow once the mark is closed: a crash may lose a value, never
    double it.
    """

    def __init__(
        self,
        *,
        store: OperationStore,
        topic: Topic,
        queues: WorkQueues,
        meter: Meter,
        clock: Clock,
    ) -> None:
        self._store = store
        self._topic = topic
        self._queues = queues
        self._meter = meter
        self._clock = clock

    def handle(self, message: QueueMessage) -> Disposition:
        """Announce what one event of the notifier's queue says."""
        try:
            event = decode(message.body)
        except DecodeError as error:
            return self._bury(message, str(error))
        if not isinstance(event, FleetEvent):
            return self._bury(
                message, "This is no event of the fleet; the notifier announces only those."
            )
        try:
            return self._announce(event, message.message_id)
        except SitefleetError as error:
            log.warning("failing_attempt", exceptionType=type(error).__name__, exc_info=error)
            return TryAgain(after_seconds=backoff_seconds(message.receive_count, None))

    def _announce(self, event: FleetEvent, message_id: str) -> Disposition:
        meta = event.metadata
        structlog.contextvars.bind_contextvars(
            operationId=meta.operation_id,
            step=meta.step,
            attempt=meta.attempt,
            tenantId=meta.tenant_id,
            siteId=meta.site_id,
            correlationId=meta.correlation_id,
        )
        notification = notification_for(event)
        if notification is None:
            return self._only_measure(event, message_id)
        mark = self._store.announce(meta.event_id, self._clock.now(), by=message_id)
        if mark is Mark.TAKEN:
            log.info("waiting_for_another_copy", eventId=meta.event_id)
            return TryAgain(after_seconds=int(ANNOUNCING.total_seconds()))
        if mark is Mark.DONE:
            log.info("skipping_announced_fact", eventId=meta.event_id)
            return Acknowledged(fate=Fate.NOTHING, why="It was announced before.")
        measurements = self._measurements(event)
        self._topic.announce(notification)
        self._store.announced(_notice(notification, meta, self._clock.now()))
        log.info("announcing", eventId=meta.event_id, eventType=notification.event_type.value)
        self._meter.record(measurements, _about(meta))
        return Acknowledged(fate=Fate.ANNOUNCED, why=f"{notification.event_type} is announced.")

    def _only_measure(self, event: FleetEvent, message_id: str) -> Disposition:
        """Count once what nobody needs to hear of: a look that finds a site in order, say.

        Its mark is never closed, nor ever too old for a copy to respect: it has the time of the
        fact. Each handling asks for it as another, because the one before may have counted.
        """
        measurements, meta = self._measurements(event), event.metadata
        if measurements:
            handling = f"{message_id} at {self._clock.now().isoformat()}"
            mark = self._store.announce(meta.event_id, meta.occurred_at, by=handling)
            if mark is Mark.MINE:
                self._meter.record(measurements, _about(meta))
        return Acknowledged(fate=Fate.NOTHING, why="Nobody needs to hear of it.")

    def _measurements(self, event: FleetEvent) -> list[Measurement]:
        """What the fact adds to the metrics; read before anything is announced."""
        if event.detail_type not in ENDED:
            return measurements_of(event, ())
        history = self._store.history(event.metadata.operation_id)
        return measurements_of(event, history.steps)

    def _bury(self, message: QueueMessage, reason: str) -> Acknowledged:
        attributes = {
            "reason": reason[:1000],
            "errorCode": "SITE_001",
            "originQueue": "notifier",
            "messageId": message.message_id,
        }
        self._queues.dead_letter(dead_letter_of(message, attributes))
        return Acknowledged(fate=Fate.REFUSED, why=reason)


def _notice(notification: Notification, meta: EventMetadata, now: datetime) -> Notice:
    return Notice(
        mark=meta.event_id,
        event_id=meta.event_id,
        event_type=notification.event_type.value,
        outcome=notification.outcome.value,
        severity=notification.severity.value,
        correlation_id=meta.correlation_id,
        tenant_id=meta.tenant_id,
        site_id=meta.site_id,
        operation_id=meta.operation_id,
        replay_of=meta.replay_of,
        announced_at=now,
    )


def _about(meta: EventMetadata) -> dict[str, str | None]:
    """What leads from a value to its fact: the same names as in the logs."""
    return {
        "eventId": meta.event_id,
        "operationId": meta.operation_id,
        "step": meta.step,
        "attempt": str(meta.attempt),
        "tenantId": meta.tenant_id,
        "siteId": meta.site_id,
        "correlationId": meta.correlation_id,
    }
