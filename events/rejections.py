"""The SiteOperationRejected event: why a message cannot be accepted. Pure; nothing is sent here."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from events import identity
from events.decisions import OperationPayload, PromotionRollbackPayload
from events.error_codes import ErrorCode
from events.formats import UNKNOWN, Environment
from events.progress import EventData, EventError, EventMetadata, FieldError, FleetEvent
from events.refusals import DecodeError
from events.requests import Request, effective_idempotency_key
from events.vocabulary import DetailType, MessageType, OperationStatus, OperationType, Phase

OPERATION_TYPES: Mapping[str, OperationType] = {
    MessageType.SITE_CREATION_REQUEST: OperationType.SITE_CREATION,
    MessageType.SITE_UPDATE_REQUEST: OperationType.SITE_UPDATE,
    MessageType.SITE_DELETION_REQUEST: OperationType.SITE_DELETION,
    MessageType.SITE_RESTORE_REQUEST: OperationType.SITE_RESTORE,
    MessageType.SITE_PROMOTION_REQUEST: OperationType.SITE_PROMOTION,
    MessageType.PROMOTION_ROLLBACK_REQUEST: OperationType.SITE_ROLLBACK,
    MessageType.SITE_CHECK_REQUEST: OperationType.SITE_CHECK,
}
"""The operation that a request starts; the other messages are directed at one."""


def rejection_of_body(
    error: DecodeError,
    *,
    environment: Environment,
    occurred_at: datetime,
    consumer: OperationType,
    message_id: str | None = None,
) -> FleetEvent:
    """Reject a body that could not be read; `consumer` is what its queue is for.

    The operationId is the body's own id (the same body gives the same one) unless it named one.
    """
    hints = error.hints
    digest = hashlib.sha256(error.raw_body.encode("utf-8", "surrogatepass")).hexdigest()
    return _rejected(
        EventError(code=ErrorCode.SITE_001, message=error.reason),
        field_errors=error.field_errors,
        message_type=hints.message_type,
        environment=environment,
        occurred_at=occurred_at,
        operation_id=hints.operation_id or identity.rejection_id(environment, digest),
        operation_type=OPERATION_TYPES.get(hints.message_type or "", consumer),
        tenant_id=hints.tenant_id or UNKNOWN,
        site_id=hints.site_id or UNKNOWN,
        correlation_id=hints.correlation_id or UNKNOWN,
        causation_id=message_id,
        reason_key=digest,
    )


def rejection_of_request(
    request: Request,
    code: ErrorCode,
    message: str,
    *,
    environment: Environment,
    occurred_at: datetime,
    consumer: OperationType,
    tenant_id: str | None = None,
    site_id: str | None = None,
    details: Mapping[str, JsonValue] | None = None,
    message_id: str | None = None,
) -> FleetEvent:
    """Reject a request that was read but cannot be accepted.

    Tenant and site come from the payload; a message directed at an operation has neither, so the
    caller gives those of the operation where it has found it.
    """
    payload = request.payload
    tenant = getattr(payload, "tenant_id", None) or tenant_id or UNKNOWN
    return _rejected(
        EventError(code=code, message=message, details=dict(details or {})),
        message_type=request.message_type,
        environment=environment,
        occurred_at=occurred_at,
        operation_id=_operation_of(request, environment, tenant),
        operation_type=OPERATION_TYPES.get(request.message_type, consumer),
        tenant_id=tenant,
        site_id=getattr(payload, "site_id", None) or site_id or UNKNOWN,
        correlation_id=request.correlation_id,
        causation_id=message_id,
        reason_key=f"{request.message_type}#{effective_idempotency_key(request)}#{code}",
    )


# --- private -------------------------------------------------------------------------------


def _operation_of(request: Request, environment: Environment, tenant_id: str) -> str:
    payload = request.payload
    if isinstance(payload, OperationPayload):
        return payload.operation_id
    if isinstance(payload, PromotionRollbackPayload) and payload.operation_id is not None:
        return payload.operation_id
    key = effective_idempotency_key(request)
    return identity.operation_id(environment, tenant_id, request.message_type, key)


def _rejected(
    error: EventError,
    *,
    message_type: str | None,
    reason_key: str,
    field_errors: tuple[FieldError, ...] = (),
    **metadata: Any,
) -> FleetEvent:
    """`reason_key` tells two refusals at the same operation apart: two approvals, say."""
    event_id = identity.event_id(
        metadata["operation_id"], Phase.FORWARD, reason_key, 0, DetailType.OPERATION_REJECTED
    )
    return FleetEvent(
        detail_type=DetailType.OPERATION_REJECTED,
        metadata=EventMetadata(event_id=event_id, **metadata),
        data=EventData.model_validate(
            {
                "status": OperationStatus.REJECTED,
                "error": error,
                "field_errors": field_errors or None,
                "message_type": message_type,
            }
        ),
    )
