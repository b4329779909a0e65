"""What upstream services may send: one envelope and one payload per messageType."""

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from events.decisions import (
    DecisionPayload,
    OperationApprovalPayload,
    OperationCancelPayload,
    OperationPayload,
    OperationRejectionPayload,
    OperationRetryPayload,
    PromotionRollbackPayload,
    Proof,
)
from events.formats import (
    SCHEMA_VERSION,
    CorrelationId,
    IdempotencyKey,
    Requester,
    SchemaVersion,
    Timestamp,
    WireModel,
)
from events.payloads import (
    Emergency,
    Override,
    Payload,
    PluginChanges,
    PluginRef,
    Protection,
    Scale,
    Selection,
    SiteChanges,
    SiteCheckPayload,
    SiteConfiguration,
    SiteCreationPayload,
    SiteDeletionPayload,
    SitePayload,
    SitePromotionPayload,
    SiteRestorePayload,
    SiteUpdatePayload,
)
from events.vocabulary import ALIASES, MessageType

__all__ = [
    "REQUEST_MODELS",
    "DecisionPayload",
    "Emergency",
    "OperationApproval",
    "OperationApprovalPayload",
    "OperationCancelPayload",
    "OperationCancelRequest",
    "OperationPayload",
    "OperationRejection",
    "OperationRejectionPayload",
    "OperationRetryPayload",
    "OperationRetryRequest",
    "Override",
    "Payload",
    "PluginChanges",
    "PluginRef",
    "PromotionRollbackPayload",
    "PromotionRollbackRequest",
    "Proof",
    "Protection",
    "Request",
    "RequestEnvelope",
    "Scale",
    "Selection",
    "SiteChanges",
    "SiteCheckPayload",
    "SiteCheckRequest",
    "SiteConfiguration",
    "SiteCreationPayload",
    "SiteCreationRequest",
    "SiteDeletionPayload",
    "SiteDeletionRequest",
    "SitePayload",
    "SitePromotionPayload",
    "SitePromotionRequest",
    "SiteRestorePayload",
    "SiteRestoreRequest",
    "SiteUpdatePayload",
    "SiteUpdateRequest",
    "canonical_hash",
    "effective_idempotency_key",
    "encode",
    "without_proof",
]


class RequestEnvelope(WireModel):
    """What every request carries around its payload."""

    correlation_id: CorrelationId
    timestamp: Timestamp
    idempotency_key: IdempotencyKey | None = Field(
        None, description="Default: messageType, siteId (or operationId) and correlationId."
    )
    requested_by: Requester | None = None
    schema_version: SchemaVersion = SCHEMA_VERSION


def _without_alias(value: object) -> object:
    return ALIASES.get(value, value) if isinstance(value, str) else value


_APPROVAL = BeforeValidator(
    _without_alias, json_schema_input_type=Literal["OPERATION_APPROVAL", "PROMOTION_APPROVAL"]
)
_REJECTION = BeforeValidator(
    _without_alias, json_schema_input_type=Literal["OPERATION_REJECTION", "PROMOTION_REJECTION"]
)


class SiteCreationRequest(RequestEnvelope):
    """Create a site; adopts its own PROVISIONING record if the API has written one."""

    message_type: Literal[MessageType.SITE_CREATION_REQUEST] = MessageType.SITE_CREATION_REQUEST
    payload: SiteCreationPayload


class SiteUpdateRequest(RequestEnvelope):
    """Change a site."""

    message_type: Literal[MessageType.SITE_UPDATE_REQUEST] = MessageType.SITE_UPDATE_REQUEST
    payload: SiteUpdatePayload


class SiteDeletionRequest(RequestEnvelope):
    """Delete a site."""

    message_type: Literal[MessageType.SITE_DELETION_REQUEST] = MessageType.SITE_DELETION_REQUEST
    payload: SiteDeletionPayload


class SiteRestoreRequest(RequestEnvelope):
    """Build a site anew from a backup."""

    message_type: Literal[MessageType.SITE_RESTORE_REQUEST] = MessageType.SITE_RESTORE_REQUEST
    payload: SiteRestorePayload


class SitePromotionRequest(RequestEnvelope):
    """Promote a site; sent to the TARGET environment's queue."""

    message_type: Literal[MessageType.SITE_PROMOTION_REQUEST] = MessageType.SITE_PROMOTION_REQUEST
    payload: SitePromotionPayload


class PromotionRollbackRequest(RequestEnvelope):
    """Take a finished promotion back."""

    message_type: Literal[MessageType.PROMOTION_ROLLBACK_REQUEST] = (
        MessageType.PROMOTION_ROLLBACK_REQUEST
    )
    payload: PromotionRollbackPayload


class SiteCheckRequest(RequestEnvelope):
    """Look at a live site as a visitor does; nothing is changed."""

    message_type: Literal[MessageType.SITE_CHECK_REQUEST] = MessageType.SITE_CHECK_REQUEST
    payload: SiteCheckPayload


class OperationApproval(RequestEnvelope):
    """Say yes to a plan; PROMOTION_APPROVAL is an older name."""

    message_type: Annotated[Literal[MessageType.OPERATION_APPROVAL], _APPROVAL] = (
        MessageType.OPERATION_APPROVAL
    )
    payload: OperationApprovalPayload


class OperationRejection(RequestEnvelope):
    """Say no to a plan; PROMOTION_REJECTION is an older name."""

    message_type: Annotated[Literal[MessageType.OPERATION_REJECTION], _REJECTION] = (
        MessageType.OPERATION_REJECTION
    )
    payload: OperationRejectionPayload


class OperationCancelRequest(RequestEnvelope):
    """Cancel a running operation."""

    message_type: Literal[MessageType.OPERATION_CANCEL_REQUEST] = (
        MessageType.OPERATION_CANCEL_REQUEST
    )
    payload: OperationCancelPayload


class OperationRetryRequest(RequestEnvelope):
    """Try a stalled operation again."""

    message_type: Literal[MessageType.OPERATION_RETRY_REQUEST] = MessageType.OPERATION_RETRY_REQUEST
    payload: OperationRetryPayload


Request = (
    SiteCreationRequest
    | SiteUpdateRequest
    | SiteDeletionRequest
    | SiteRestoreRequest
    | SitePromotionRequest
    | PromotionRollbackRequest
    | SiteCheckRequest
    | OperationApproval
    | OperationRejection
    | OperationCancelRequest
    | OperationRetryRequest
)
"""Discriminated by messageType; `isinstance(message, Request)` and `match` both work."""

REQUEST_MODELS: Final[Mapping[MessageType, type[Request]]] = MappingProxyType(
    {
        MessageType.SITE_CREATION_REQUEST: SiteCreationRequest,
        MessageType.SITE_UPDATE_REQUEST: SiteUpdateRequest,
        MessageType.SITE_DELETION_REQUEST: SiteDeletionRequest,
        MessageType.SITE_RESTORE_REQUEST: SiteRestoreRequest,
        MessageType.SITE_PROMOTION_REQUEST: SitePromotionRequest,
        MessageType.PROMOTION_ROLLBACK_REQUEST: PromotionRollbackRequest,
        MessageType.SITE_CHECK_REQUEST: SiteCheckRequest,
        MessageType.OPERATION_APPROVAL: OperationApproval,
        MessageType.OPERATION_REJECTION: OperationRejection,
        MessageType.OPERATION_CANCEL_REQUEST: OperationCancelRequest,
        MessageType.OPERATION_RETRY_REQUEST: OperationRetryRequest,
    }
)


def effective_idempotency_key(request: Request) -> str:
    """The sender's key, or messageType#siteId#correlationId; none of the three can hold a `#`.

    For a message directed at an operation, operationId stands for siteId; a decision adds its role.
    """
    if request.idempotency_key is not None:
        return request.idempotency_key
    return "#".join((request.message_type, _subject(request), request.correlation_id))


def canonical_hash(request: Request) -> str:
    """`sha256:<hex>` over the payload after defaults, as JSON with sorted keys and no spaces.

    Fields that are not given do not count, so a later minor version that adds an optional field
    leaves every old hash as it is. A proof does not count: signing again is not another request.
    """
    payload = request.payload.model_dump(mode="json", exclude_none=True)
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def without_proof(request: Request) -> Request:
    """The request as it may be stored: a rollback's proof is verified once and kept nowhere.

    Its environment goes too, because a payload that names prod has to carry a proof.
    """
    if not isinstance(request, PromotionRollbackRequest):
        return request
    payload = request.payload.model_copy(update={"proof": None, "environment": None})
    return request.model_copy(update={"payload": payload})


def encode(request: Request) -> str:
    """The queue body of a request. The one place where proof headers leave the model."""
    body = request.model_dump(mode="json", exclude_none=True)
    proof = getattr(request.payload, "proof", None)
    if isinstance(proof, Proof):
        body["payload"]["proof"] = {"headers": proof.revealed()}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def _subject(request: Request) -> str:
    payload = request.payload
    if isinstance(payload, DecisionPayload):  # two people may decide under one correlation id
        return f"{payload.operation_id}#{payload.role}"
    if isinstance(payload, OperationPayload):
        return payload.operation_id
    if isinstance(payload, PromotionRollbackPayload):
        return payload.operation_id or payload.site_id or ""
    return payload.site_id
