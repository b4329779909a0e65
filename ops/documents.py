"""The JSON that commands print: camelCase, times in RFC 3339, nothing confidential."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from core.domain.operation import Failure, Operation
from core.domain.site import Release, Site
from events.formats import format_timestamp
from events.vocabulary import ErrorCode
from ops.picture import next_command
from ops.sending import Sent
from ops.timeline import Row

type Document = dict[str, Any]


def operation_document(operation: Operation, now: datetime) -> Document:
    """Return an operation without its steps."""
    elapsed = ((operation.completed_at or now) - operation.created_at).total_seconds()
    return {
        "operationId": operation.operation_id,
        "operationType": operation.operation_type,
        "tenantId": operation.tenant_id,
        "siteId": operation.site_id,
        "environment": operation.environment,
        **_standing(operation),
        "summary": dict(operation.summary),
        "requestedBy": operation.requested_by,
        "correlationId": operation.correlation_id,
        "createdAt": _time(operation.created_at),
        "updatedAt": _time(operation.updated_at),
        "completedAt": _time(operation.completed_at),
        "elapsedSeconds": round(elapsed, 3),
        "nextCommand": next_command(operation),
    }


def timeline_document(operation: Operation, rows: Sequence[Row], now: datetime) -> Document:
    """Return an operation with its timeline."""
    steps = [
        {
            "phase": row.phase,
            "step": row.step,
            "mark": row.mark,
            "since": _time(row.since),
            "seconds": None if row.seconds is None else round(row.seconds, 3),
            "failedAttempts": row.failed_attempts,
            "note": row.note,
        }
        for row in rows
    ]
    return {**operation_document(operation, now), "steps": steps}


def sent_document(sent: Sent) -> Document:
    """Return what was sent where."""
    return {
        "operationId": sent.operation_id,
        "environment": sent.environment,
        "queue": sent.queue,
        "messageId": sent.message_id,
        "correlationId": sent.correlation_id,
    }


def site_document(site: Site) -> Document:
    """Return a site's record."""
    return _camel(vars(site))


def release_document(release: Release) -> Document:
    """Return a release's record."""
    return _camel(vars(release))


# --- inside ---------------------------------------------------------------------------------


def _standing(operation: Operation) -> Document:
    return {
        "status": operation.status,
        "phase": operation.phase,
        "step": operation.step,
        "attempt": operation.attempt,
        "waitingFor": operation.waiting_for,
        "stalledSince": _time(operation.stalled_since),
        "cancelRequested": operation.cancel_requested,
        "cancelReason": operation.cancel_reason,
        "error": _failure(operation.failure),
    }


def _failure(failure: Failure | None) -> Document | None:
    if failure is None:
        return None
    known = failure.code in ErrorCode
    return {
        "code": failure.code,
        "message": failure.message,
        "step": failure.step,
        "details": dict(failure.details),
        "suggestion": ErrorCode(failure.code).suggestion if known else "",
    }


def _time(value: datetime | None) -> str | None:
    return None if value is None else format_timestamp(value)


def _camel(values: Mapping[str, Any]) -> Document:
    document = {}
    for name, value in values.items():
        first, *rest = name.split("_")
        shown = format_timestamp(value) if isinstance(value, datetime) else value
        document["".join([first, *(word.capitalize() for word in rest)])] = shown
    return document
