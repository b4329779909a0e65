"""One sample of every message, made by the models themselves; upstream teams can copy them.

Written to events/samples by `python -m events.schemas`.
"""

import json
from datetime import UTC, datetime
from typing import Any, Final

from events import identity
from events.error_codes import ErrorCode
from events.formats import Environment
from events.notifications import ANNOUNCED, Notification, dlq_replay_finished, notification_for
from events.progress import EventData, EventMetadata, FleetEvent, StepPoll, WakeUp
from events.requests import REQUEST_MODELS, encode
from events.vocabulary import DetailType, MessageType, NotificationType, OperationType

SITE: Final = "site-550e8400-e29b-41d4-a716-446655440000"
TENANT: Final = "tenant-1"
CORRELATION: Final = "3f1d2c4b-5a69-4788-9a0b-1c2d3e4f5a6b"
PLAN_HASH: Final = "sha256:" + "9f86d081884c7d65" * 4
AT: Final = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
OPERATION: Final = identity.operation_id(
    Environment.PROD,
    TENANT,
    MessageType.SITE_PROMOTION_REQUEST,
    f"{MessageType.SITE_PROMOTION_REQUEST}#{SITE}#{CORRELATION}",
)


def samples() -> dict[str, str]:
    """The text of each sample by its name."""
    found = {kind.value: _pretty(json.loads(encode_sample(kind))) for kind in MessageType}
    found["STEP_POLL"] = _pretty(json.loads(sample_poll().queue_body()))
    found["WAKE_UP"] = _pretty(json.loads(sample_wake_up().queue_body()))
    for detail_type in DetailType:
        found[detail_type.value] = _pretty(json.loads(sample_event(detail_type).queue_body()))
    for kind in NotificationType:
        found[kind.value] = _pretty(_as_received(sample_notification(kind)))
    return found


def encode_sample(kind: MessageType) -> str:
    """The queue body of a sample request."""
    request = REQUEST_MODELS[kind].model_validate(
        {
            "messageType": kind,
            "correlationId": CORRELATION,
            "timestamp": AT,
            "requestedBy": "jane.doe@example.com",
            "payload": _PAYLOADS[kind],
        }
    )
    return encode(request)


def sample_poll() -> StepPoll:
    """A poll of a waiting step."""
    event_id = sample_event(DetailType.STEP_COMPLETED).metadata.event_id
    return StepPoll(
        operation_id=OPERATION, event_id=event_id, wait_number=3, correlation_id=CORRELATION
    )


def sample_wake_up() -> WakeUp:
    """A wake-up that a part of the fleet sends itself."""
    return WakeUp(operation_id=OPERATION, step="export", reason="the job's result was written")


def sample_event(
    detail_type: DetailType, operation_type: OperationType = OperationType.SITE_PROMOTION
) -> FleetEvent:
    """A sample event, as the bus delivers it."""
    step = _STEPS.get(detail_type)
    phase = "undo" if detail_type is DetailType.OPERATION_ROLLBACK_FAILED else "forward"
    event_id = identity.event_id(OPERATION, phase, step, 0, detail_type)
    metadata = {
        "event_id": event_id,
        "occurred_at": AT,
        "operation_id": OPERATION,
        "operation_type": operation_type,
        "phase": phase,
        "step": step,
        "tenant_id": TENANT,
        "site_id": SITE,
        "environment": Environment.PROD,
        "correlation_id": CORRELATION,
        "causation_id": identity.event_id(OPERATION, phase, "plan", 0, "SiteStepCompleted"),
    }
    return FleetEvent(
        detail_type=detail_type,
        metadata=EventMetadata.model_validate(metadata),
        data=EventData.model_validate(_DATA.get(detail_type, {})),
    )


def sample_notification(kind: NotificationType) -> Notification:
    """A sample announcement, made from the event that leads to it."""
    if kind is NotificationType.DLQ_REPLAY_FINISHED:
        return _sample_replay()
    for operation_type, announced in ANNOUNCED.items():
        for detail_type in (*announced, *_ALWAYS):
            event = sample_event(detail_type, operation_type)
            notification = notification_for(event)
            if notification is not None and notification.event_type is kind:
                return notification
    raise LookupError(f"no event is announced as {kind}")


# --- private -------------------------------------------------------------------------------

_ALWAYS: Final = (DetailType.OPERATION_REJECTED, DetailType.OPERATION_STALLED)


def _sample_replay() -> Notification:
    return dlq_replay_finished(
        event_id=identity.event_id(OPERATION, "forward", "replay", 0, "DLQ_REPLAY_FINISHED"),
        correlation_id=CORRELATION,
        timestamp=AT,
        environment=Environment.PROD,
        replayed=12,
        failed=1,
        requested_by="jane.doe@example.com",
        reason="the database was unreachable between 07:00 and 07:20",
    )


def _as_received(notification: Notification) -> dict[str, Any]:
    forms = json.loads(notification.sns_message())
    return {
        "attributes": notification.attributes(),
        "subject": notification.subject(),
        "default": json.loads(forms["default"]),
        "email": forms["email"].splitlines(),
        "sms": forms["sms"],
    }


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


_SITE: Final[dict[str, Any]] = {"siteId": SITE, "tenantId": TENANT}
_PROOF: Final[dict[str, Any]] = {
    "headers": {
        "authorization": "AWS4-HMAC-SHA256 Credential=EXAMPLE/20261121/af-south-1/sts/aws4_request,"
        " SignedHeaders=content-type;host;x-amz-date;x-sitefleet-decision;x-sitefleet-environment;"
        "x-sitefleet-operation;x-sitefleet-plan;x-sitefleet-role, Signature=EXAMPLE",
        "x-amz-date": "20261121T073000Z",
        "x-sitefleet-operation": OPERATION,
        "x-sitefleet-plan": PLAN_HASH,
        "x-sitefleet-decision": "approve",
        "x-sitefleet-role": "TECH_LEAD",
        "x-sitefleet-environment": "prod",
    }
}
_DECISION: Final[dict[str, Any]] = {
    "operationId": OPERATION,
    "role": "TECH_LEAD",
    "planHash": PLAN_HASH,
    "comment": "Checked with the customer.",
    "proof": _PROOF,
}
_PAYLOADS: Final[dict[MessageType, dict[str, Any]]] = {
    MessageType.SITE_CREATION_REQUEST: {
        **_SITE,
        "siteName": "Jane's Bakery",
        "subdomain": "janes-bakery",
        "environment": "dev",
        "templateId": "bakery-1",
        "configuration": {
            "wordpressVersion": "6.5",
            "phpVersion": "8.2",
            "plugins": ["woocommerce", {"slug": "wordpress-seo", "version": "22.6"}],
            "theme": "twentytwentythree",
        },
    },
    MessageType.SITE_UPDATE_REQUEST: {
        **_SITE,
        "expectedVersion": 7,
        "changes": {
            "plugins": {
                "install": ["contact-form-7"],
                "configure": {"woocommerce": {"woocommerce_currency": "ZAR"}},
            },
            "scale": {"desiredCount": 2},
        },
    },
    MessageType.SITE_DELETION_REQUEST: {**_SITE, "reason": "The customer has left."},
    MessageType.SITE_RESTORE_REQUEST: {**_SITE, "backupId": "backup-20261120T210000Z"},
    MessageType.SITE_PROMOTION_REQUEST: {
        **_SITE,
        "sourceEnvironment": "sit",
        "targetEnvironment": "prod",
        "changeTicket": "CHG0012345",
        "protect": {"tables": ["wp_wc_orders"]},
    },
    MessageType.PROMOTION_ROLLBACK_REQUEST: {
        "operationId": OPERATION,
        "reason": "Checkout is broken.",
        "incidentId": "INC0004711",
        "environment": "prod",
        "proof": _PROOF,
    },
    MessageType.SITE_CHECK_REQUEST: {**_SITE, "promotionId": OPERATION, "afterHours": 4},
    MessageType.OPERATION_APPROVAL: _DECISION,
    MessageType.OPERATION_REJECTION: {**_DECISION, "comment": "Not before the sale has ended."},
    MessageType.OPERATION_CANCEL_REQUEST: {"operationId": OPERATION, "reason": "Wrong site."},
    MessageType.OPERATION_RETRY_REQUEST: {
        "operationId": OPERATION,
        "reason": "The database is back.",
    },
}
_STEPS: Final = {
    DetailType.STEP_COMPLETED: "export",
    DetailType.STEP_FAILED: "import-database",
    DetailType.OPERATION_STALLED: "start-release",
    DetailType.OPERATION_FAILED: "check-gates",
    DetailType.OPERATION_ROLLBACK_FAILED: "switch",
}
_GATE_ERROR: Final[dict[str, Any]] = {
    "code": ErrorCode.PROM_002,
    "message": "The source had 7 errors in the last 24 hours; fewer than 5 are allowed.",
    "details": {"gate": "health", "errors": 7, "limit": 5},
}
_STEP_ERROR: Final[dict[str, Any]] = {
    "code": ErrorCode.SYS_001,
    "message": "The import reported 3 rows fewer than the export in wp_posts.",
    "details": {"table": "wp_posts", "exported": 1204, "imported": 1201},
}
_DATA: Final[dict[DetailType, dict[str, Any]]] = {
    DetailType.OPERATION_ACCEPTED: {"status": "PENDING", "requested_by": "jane.doe@example.com"},
    DetailType.OPERATION_REJECTED: {
        "status": "REJECTED",
        "error": {"code": ErrorCode.SITE_001, "message": "the message is not valid"},
        "field_errors": [{"field": "payload.changeTicket", "problem": "is missing"}],
    },
    DetailType.OPERATION_STATUS: {"status": "IN_PROGRESS"},
    DetailType.STEP_COMPLETED: {
        "duration_seconds": 141.2,
        "artefacts": {"dump": "sha256:" + "0a" * 32, "files": 1204},
    },
    DetailType.STEP_FAILED: {"duration_seconds": 88.0, "error": _STEP_ERROR},
    DetailType.OPERATION_AWAITING_APPROVAL: {
        "status": "AWAITING_APPROVAL",
        "plan_hash": PLAN_HASH,
        "roles": ["TECH_LEAD", "OPERATIONS_LEAD"],
        "expires_at": datetime(2026, 11, 22, 7, 30, tzinfo=UTC),
    },
    DetailType.OPERATION_STALLED: {
        "status": "IN_PROGRESS",
        "error": {
            "code": ErrorCode.PROM_004,
            "message": "The service is not steady after 300 seconds.",
        },
    },
    DetailType.OPERATION_COMPLETED: {
        "status": "COMPLETED",
        "duration_seconds": 1934.5,
        "release": 12,
        "site_url": "https://janes-bakery.wp.kimmyai.io/",
    },
    DetailType.OPERATION_FAILED: {
        "status": "FAILED",
        "duration_seconds": 63.1,
        "error": _GATE_ERROR,
    },
    DetailType.OPERATION_ROLLED_BACK: {
        "status": "ROLLED_BACK",
        "duration_seconds": 2411.0,
        "release": 11,
        "error": {
            "code": ErrorCode.PROM_002,
            "message": "5xx answers rose above 10% within the monitor window.",
        },
    },
    DetailType.OPERATION_ROLLBACK_FAILED: {"status": "ROLLBACK_FAILED", "error": _STEP_ERROR},
    DetailType.OPERATION_CANCELLED: {"status": "CANCELLED", "duration_seconds": 512.0},
}
