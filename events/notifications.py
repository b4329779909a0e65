"""What subscribers hear: which facts are announced, how loudly, and in which form."""

import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from pydantic.alias_generators import to_camel

from events.formats import UNKNOWN, Environment, Timestamp, WireModel
from events.notification_text import NotificationPayload, email_of, sms_of, subject_of
from events.progress import FleetEvent
from events.vocabulary import (
    DetailType,
    NotificationOutcome,
    NotificationType,
    OperationStatus,
    OperationType,
    Severity,
)

__all__ = [
    "ATTRIBUTE_NAMES",
    "Notification",
    "NotificationPayload",
    "dlq_replay_finished",
    "notification_for",
]

ATTRIBUTE_NAMES: Final = ("eventType", "environment", "tenantId", "severity", "outcome")
"""The message attributes that subscribers filter on: exactly these."""
_DEFAULT_LIMIT: Final = 128 * 1024
"""Bytes of the JSON form, so that the three forms together stay below SNS's 256 KiB."""


class Notification(WireModel):
    """One announcement."""

    event_type: NotificationType
    event_id: str
    correlation_id: str
    timestamp: Timestamp
    payload: NotificationPayload
    severity: Severity
    outcome: NotificationOutcome
    environment: Environment
    tenant_id: str = UNKNOWN

    def attributes(self) -> dict[str, str]:
        """The five SNS message attributes, each of data type String."""
        return {
            "eventType": self.event_type.value,
            "environment": self.environment.value,
            "tenantId": self.tenant_id,
            "severity": self.severity.value,
            "outcome": self.outcome.value,
        }

    def subject(self) -> str:
        """The subject of the e-mail: at most 100 ASCII characters in one line."""
        return subject_of(self.event_type, self.payload)

    def email(self) -> str:
        """The text of the e-mail, for a person who has to act on it."""
        return email_of(
            self.event_type,
            self.outcome,
            self.payload,
            event_id=self.event_id,
            correlation_id=self.correlation_id,
            at=self.timestamp,
        )

    def default_json(self) -> str:
        """The form for programs: {eventType, eventId, correlationId, timestamp, payload}."""
        body = self._body(self.payload)
        if len(body.encode()) <= _DEFAULT_LIMIT:
            return body
        kept = {name: getattr(self.payload, name) for name in NotificationPayload.model_fields}
        short = NotificationPayload.model_validate({**kept, **_SHORTENED})
        return self._body(short)

    def sns_message(self) -> str:
        """The `Message` for MessageStructure=json."""
        forms = {
            "default": self.default_json(),
            "email": self.email(),
            "sms": sms_of(self.event_type, self.outcome, self.payload),
        }
        return json.dumps(forms, ensure_ascii=False)

    def _body(self, payload: NotificationPayload) -> str:
        head = self.model_dump(
            mode="json", include={"event_type", "event_id", "correlation_id", "timestamp"}
        )
        facts = payload.model_dump(mode="json", exclude_none=True)
        text = {**head, "payload": facts}
        return json.dumps(text, ensure_ascii=False, separators=(",", ":"))


_SHORTENED: Final[Mapping[str, Any]] = MappingProxyType(
    {"error": None, "release": None, "field_errors": None, "shortened": True}
)

# --- which fact is announced as what --------------------------------------------------------

_Detail = DetailType
_Type = NotificationType
_Outcome = NotificationOutcome

OUTCOMES: Final[Mapping[DetailType, NotificationOutcome]] = MappingProxyType(
    {
        _Detail.OPERATION_ACCEPTED: _Outcome.STARTED,
        _Detail.OPERATION_AWAITING_APPROVAL: _Outcome.WAITING,
        _Detail.OPERATION_COMPLETED: _Outcome.SUCCEEDED,
        _Detail.OPERATION_FAILED: _Outcome.FAILED,
        _Detail.OPERATION_ROLLED_BACK: _Outcome.ROLLED_BACK,
        _Detail.OPERATION_ROLLBACK_FAILED: _Outcome.FAILED,
        _Detail.OPERATION_CANCELLED: _Outcome.CANCELLED,
        _Detail.OPERATION_REJECTED: _Outcome.REJECTED,
        _Detail.OPERATION_STALLED: _Outcome.STALLED,
    }
)

_RESERVED: Final = frozenset(to_camel(name) for name in NotificationPayload.model_fields)
"""Names with a meaning of their own here; an event's further facts may not take them over."""

_STATUSES: Final = {
    _Detail.OPERATION_ACCEPTED: OperationStatus.PENDING,
    _Detail.OPERATION_AWAITING_APPROVAL: OperationStatus.AWAITING_APPROVAL,
    _Detail.OPERATION_COMPLETED: OperationStatus.COMPLETED,
    _Detail.OPERATION_FAILED: OperationStatus.FAILED,
    _Detail.OPERATION_ROLLED_BACK: OperationStatus.ROLLED_BACK,
    _Detail.OPERATION_ROLLBACK_FAILED: OperationStatus.ROLLBACK_FAILED,
    _Detail.OPERATION_CANCELLED: OperationStatus.CANCELLED,
    _Detail.OPERATION_REJECTED: OperationStatus.REJECTED,
    _Detail.OPERATION_STALLED: OperationStatus.IN_PROGRESS,
}


def _pair(name: str) -> dict[DetailType, NotificationType]:
    failed = _Type(f"{name}_FAILED")
    return {
        _Detail.OPERATION_AWAITING_APPROVAL: _Type.OPERATION_AWAITING_APPROVAL,
        _Detail.OPERATION_COMPLETED: _Type(f"{name}_COMPLETE"),
        _Detail.OPERATION_FAILED: failed,
        _Detail.OPERATION_ROLLED_BACK: failed,
        _Detail.OPERATION_ROLLBACK_FAILED: failed,
        _Detail.OPERATION_CANCELLED: failed,
    }


ANNOUNCED: Final[Mapping[OperationType, Mapping[DetailType, NotificationType]]] = MappingProxyType(
    {
        OperationType.SITE_CREATION: _pair("SITE_CREATION"),
        OperationType.SITE_UPDATE: _pair("SITE_UPDATE"),
        OperationType.SITE_DELETION: _pair("SITE_DELETION"),
        OperationType.SITE_RESTORE: _pair("SITE_RESTORE"),
        OperationType.SITE_PROMOTION: {
            _Detail.OPERATION_ACCEPTED: _Type.SITE_PROMOTION_STARTED,
            _Detail.OPERATION_AWAITING_APPROVAL: _Type.SITE_PROMOTION_AWAITING_APPROVAL,
            _Detail.OPERATION_COMPLETED: _Type.SITE_PROMOTION_COMPLETE,
            _Detail.OPERATION_FAILED: _Type.SITE_PROMOTION_FAILED,
            _Detail.OPERATION_ROLLED_BACK: _Type.SITE_PROMOTION_ROLLED_BACK,
            _Detail.OPERATION_ROLLBACK_FAILED: _Type.SITE_PROMOTION_ROLLBACK_FAILED,
            _Detail.OPERATION_CANCELLED: _Type.SITE_PROMOTION_CANCELLED,
        },
        # A rollback is announced in the words of the promotion that it takes back.
        OperationType.SITE_ROLLBACK: {
            _Detail.OPERATION_AWAITING_APPROVAL: _Type.SITE_PROMOTION_AWAITING_APPROVAL,
            _Detail.OPERATION_COMPLETED: _Type.SITE_PROMOTION_ROLLED_BACK,
            _Detail.OPERATION_FAILED: _Type.SITE_PROMOTION_ROLLBACK_FAILED,
            _Detail.OPERATION_ROLLED_BACK: _Type.SITE_PROMOTION_ROLLBACK_FAILED,
            _Detail.OPERATION_ROLLBACK_FAILED: _Type.SITE_PROMOTION_ROLLBACK_FAILED,
            _Detail.OPERATION_CANCELLED: _Type.SITE_PROMOTION_ROLLBACK_FAILED,
        },
        # A look that finds everything in order is nothing to hear of.
        OperationType.SITE_CHECK: {_Detail.OPERATION_FAILED: _Type.SITE_CHECK_FAILED},
    }
)

_ALWAYS: Final = {
    _Detail.OPERATION_REJECTED: _Type.OPERATION_REJECTED,
    _Detail.OPERATION_STALLED: _Type.OPERATION_STALLED,
}


def notification_for(event: FleetEvent) -> Notification | None:
    """What to announce of a fact, or None when nobody needs to hear of it."""
    meta = event.metadata
    kind = _ALWAYS.get(event.detail_type) or ANNOUNCED[meta.operation_type].get(event.detail_type)
    if kind is None:
        return None
    outcome = _outcome(event)
    return Notification(
        event_type=kind,
        event_id=meta.event_id,
        correlation_id=meta.correlation_id,
        timestamp=meta.occurred_at,
        payload=_payload(event),
        severity=_severity(kind, event.detail_type, outcome, meta.environment),
        outcome=outcome,
        environment=meta.environment,
        tenant_id=meta.tenant_id,
    )


def dlq_replay_finished(
    *,
    event_id: str,
    correlation_id: str,
    timestamp: datetime,
    environment: Environment,
    replayed: int,
    failed: int,
    requested_by: str,
    reason: str,
) -> Notification:
    """Announce the end of a replay of dead letters, whose own id is the correlation id."""
    payload = NotificationPayload(
        environment=environment,
        requested_by=requested_by,
        reason=reason,
        replay_id=correlation_id,
        replayed=replayed,
        failed=failed,
    )
    return Notification(
        event_type=_Type.DLQ_REPLAY_FINISHED,
        event_id=event_id,
        correlation_id=correlation_id,
        timestamp=timestamp,
        payload=payload,
        severity=Severity.WARNING if failed else Severity.INFO,
        outcome=_Outcome.FAILED if failed else _Outcome.SUCCEEDED,
        environment=environment,
    )


# --- private -------------------------------------------------------------------------------


def _outcome(event: FleetEvent) -> NotificationOutcome:
    """A completed rollback says rolled_back; everything else follows from the fact alone."""
    outcome = OUTCOMES[event.detail_type]
    if event.metadata.operation_type is not OperationType.SITE_ROLLBACK:
        return outcome
    swapped = {_Outcome.SUCCEEDED: _Outcome.ROLLED_BACK, _Outcome.ROLLED_BACK: _Outcome.FAILED}
    return swapped.get(outcome, outcome)


def _severity(
    kind: NotificationType,
    detail_type: DetailType,
    outcome: NotificationOutcome,
    environment: Environment,
) -> Severity:
    """Critical: a person has to act now, or visitors of a prod site saw it."""
    if outcome in {_Outcome.STARTED, _Outcome.WAITING, _Outcome.SUCCEEDED, _Outcome.CANCELLED}:
        return Severity.INFO
    if detail_type is _Detail.OPERATION_ROLLBACK_FAILED:
        return Severity.CRITICAL
    seen = outcome in {_Outcome.ROLLED_BACK, _Outcome.STALLED}
    acting = kind in {_Type.SITE_PROMOTION_ROLLBACK_FAILED, _Type.SITE_CHECK_FAILED}
    if environment is Environment.PROD and (seen or acting):
        return Severity.CRITICAL
    return Severity.WARNING


def _payload(event: FleetEvent) -> NotificationPayload:
    meta = event.metadata
    facts = event.data.model_dump(mode="json", exclude_none=True)
    for name in _RESERVED.intersection(event.data.model_extra or ()):
        del facts[name]
    facts.setdefault("status", _STATUSES[event.detail_type].value)
    return NotificationPayload.model_validate(
        {
            **facts,
            "operationId": meta.operation_id,
            "operationType": meta.operation_type,
            "siteId": meta.site_id,
            "tenantId": meta.tenant_id,
            "environment": meta.environment,
            "step": meta.step,
            "replayOf": meta.replay_of,
            "adminUrl": _admin_url(event),
        }
    )


def _admin_url(event: FleetEvent) -> str | None:
    """Where the site's owner signs in; a deleted site has no such place any more."""
    site_url = event.data.site_url
    if site_url is None or event.metadata.operation_type is OperationType.SITE_DELETION:
        return None
    return f"{site_url.rstrip('/')}/wp-admin/"
