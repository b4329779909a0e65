"""The answer to what cannot be accepted: a dead letter with the reason, and a rejection event."""

from __future__ import annotations

import structlog

from core.domain.errors import RefusedError
from core.domain.operation import Operation
from core.engine.engine import Engine
from core.engine.message import QueueMessage, dead_letter_of
from core.ports.messaging import QueueName
from events.decode import DecodeError
from events.progress import FleetEvent
from events.redaction import redact_body
from events.rejections import rejection_of_body, rejection_of_request
from events.requests import Request
from events.vocabulary import OperationType

CONSUMERS = {
    QueueName.CREATION: OperationType.SITE_CREATION,
    QueueName.UPDATE: OperationType.SITE_UPDATE,
    QueueName.DELETION: OperationType.SITE_DELETION,
    QueueName.PROMOTION: OperationType.SITE_PROMOTION,
}
"""What each queue is for: the operation type of a rejection whose body does not tell."""

MOST_REASON_CHARACTERS = 1000

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Refuser:
    """Keeps a refused message and tells its sender."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def refuse_body(self, message: QueueMessage, error: DecodeError) -> None:
        """Refuse a body that could not be read."""
        event = rejection_of_body(
            error,
            environment=self._engine.policy.environment,
            occurred_at=self._engine.now(),
            consumer=_consumer(message),
            message_id=message.message_id,
        )
        self._refuse(message, event, str(error))

    def refuse_request(
        self,
        message: QueueMessage,
        request: Request,
        refused: RefusedError,
        *,
        about: Operation | None = None,
    ) -> None:
        """Refuse a request that was read but cannot be accepted; `about`: what it was sent to."""
        event = rejection_of_request(
            request,
            refused.code,
            refused.message,
            environment=self._engine.policy.environment,
            occurred_at=self._engine.now(),
            consumer=_consumer(message),
            details=dict(refused.details),
            tenant_id=about.tenant_id if about else None,
            site_id=about.site_id if about else None,
            message_id=message.message_id,
        )
        self._refuse(message, event, refused.message)

    def _refuse(self, message: QueueMessage, rejection: FleetEvent, reason: str) -> None:
        """Tell the sender, then keep the message: what is kept as refused has been answered."""
        meta = rejection.metadata.model_copy(update={"replay_of": message.replay_of})
        event = rejection.model_copy(update={"metadata": meta})
        code = event.data.error.code if event.data.error else "SITE_001"
        log.warning("refusing_message", code=str(code), reason=reason)
        self._engine.bus.publish([event])
        self._engine.queues.dead_letter(
            dead_letter_of(
                message,
                {
                    "reason": reason[:MOST_REASON_CHARACTERS],
                    "errorCode": str(code),
                    "operationId": event.metadata.operation_id,
                    "correlationId": event.metadata.correlation_id,
                    "tenantId": event.metadata.tenant_id,
                    "originQueue": message.queue or "wakeup",
                    "messageId": message.message_id,
                    "rejectionEventId": event.metadata.event_id,
                },
                body=redact_body(message.body),
            )
        )


def _consumer(message: QueueMessage) -> OperationType:
    return CONSUMERS[message.queue or QueueName.PROMOTION]
