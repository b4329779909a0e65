"""What the body of a dead letter says: whose it is, about which operation, in which step. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.domain.operation import Operation
from events.decode import DecodeError, Message
from events.json_text import UnreadableError, parse
from events.progress import FleetEvent, StepPoll, WakeUp
from events.requests import Request
from events.vocabulary import OperationType


@dataclass(frozen=True, kw_only=True)
class About:
    """What the body says."""

    message_type: str
    readable: bool
    operation_id: str | None = None
    operation_type: OperationType | None = None
    tenant_id: str | None = None
    site_id: str | None = None
    correlation_id: str | None = None
    step: str | None = None
    is_notification: bool = False

    @property
    def asked_operation(self) -> str | None:
        """The operation that alone knows the site: polls, wake-ups and wishes name none."""
        return self.operation_id if self.readable and self.site_id is None else None

    def completed_by(self, operation: Operation) -> About:
        """Return the same, with what only the operation knows that it names."""
        return replace(
            self,
            operation_type=self.operation_type or operation.operation_type,
            tenant_id=self.tenant_id or operation.tenant_id,
            site_id=self.site_id or operation.site_id,
        )


def about_of(body: str, message: Message | DecodeError) -> About:
    """Return what a body says; `message`: what it was decoded to, or why it cannot be."""
    match message:
        case DecodeError():
            return _about_unreadable(body, message)
        case FleetEvent():
            meta = message.metadata
            return About(
                message_type=message.detail_type,
                readable=True,
                operation_id=meta.operation_id,
                operation_type=meta.operation_type,
                tenant_id=meta.tenant_id,
                site_id=meta.site_id,
                correlation_id=meta.correlation_id,
                step=meta.step,
            )
        case StepPoll():
            return About(
                message_type=message.message_type,
                readable=True,
                operation_id=message.operation_id,
                correlation_id=message.correlation_id,
            )
        case WakeUp():
            return About(
                message_type="WAKE_UP",
                readable=True,
                operation_id=message.operation_id,
                step=message.step,
            )
        case _:
            return _about_request(message)


def object_of(value: Any) -> Mapping[str, Any]:
    """Return a JSON object, from its text too; empty where it is none."""
    if isinstance(value, str):
        try:
            value = parse(value)
        except UnreadableError:
            return {}
    return value if isinstance(value, dict) else {}


# --- inside ---------------------------------------------------------------------------------


def _about_request(request: Request) -> About:
    payload = request.payload
    return About(
        message_type=request.message_type,
        readable=True,
        operation_id=getattr(payload, "operation_id", None),
        tenant_id=getattr(payload, "tenant_id", None),
        site_id=getattr(payload, "site_id", None),
        correlation_id=request.correlation_id,
        step="accept",
    )


def _about_unreadable(text: str, error: DecodeError) -> About:
    body = object_of(text)
    inner = object_of(body.get("Message")) if body.get("Type") == "Notification" else body
    if "eventType" in inner and "eventId" in inner:
        payload = object_of(inner.get("payload"))
        return About(
            message_type=str(inner["eventType"]),
            readable=True,
            is_notification=True,
            operation_id=_string(payload.get("operationId")),
            tenant_id=_string(payload.get("tenantId")),
            site_id=_string(payload.get("siteId")),
            correlation_id=_string(inner.get("correlationId")),
        )
    hints = error.hints
    return About(
        message_type=hints.message_type or "not a request",
        readable=False,
        operation_id=hints.operation_id,
        tenant_id=hints.tenant_id,
        site_id=hints.site_id,
        correlation_id=hints.correlation_id,
        step="accept",
    )


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None
