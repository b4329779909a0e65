"""The events that a record derives: the record is its own outbox.

Nothing but the operation item goes in, so that whoever finds a record whose events were never
published derives the very same ones again, with the same ids.
"""

from __future__ import annotations

from dataclasses import replace

from core.domain.operation import Fact, Operation
from core.engine.transitions import CANCELLED, TERMINAL_EVENTS
from events.formats import format_timestamp
from events.progress import EventData, EventError, EventMetadata, FleetEvent
from events.vocabulary import DetailType, ErrorCode, OperationStatus, OperationType

MILESTONES = {
    **TERMINAL_EVENTS,
    OperationStatus.AWAITING_APPROVAL: DetailType.OPERATION_AWAITING_APPROVAL,
}
"""Statuses that people hear of, beside the step's own event."""


def derive_events(operation: Operation) -> list[FleetEvent]:
    """Return the step's event and, at its end or while it waits for people, the operation's."""
    events = [_event(operation, operation.head, _step_data(operation))]
    milestone = MILESTONES.get(operation.status)
    if milestone is not None:
        fact = replace(operation.head, detail_type=milestone)
        events.append(_event(operation, fact, _outcome_data(operation)))
    return events


def derive_stalled(operation: Operation) -> FleetEvent:
    """Return the report that an operation does not move by itself any more."""
    fact = Fact(
        detail_type=DetailType.OPERATION_STALLED,
        phase=operation.phase,
        step=operation.step,
        attempt=operation.attempt,
    )
    waiting = f" It waits for: {operation.waiting_for}" if operation.waiting_for else ""
    since = format_timestamp(operation.step_since) if operation.step_since else None
    return _event(
        operation,
        fact,
        EventData(
            status=operation.status,
            error=EventError(
                code=ErrorCode.PROM_004,
                message=f"Step {operation.step} has not finished in time.{waiting} A retry tries "
                "it anew; a cancel takes the operation back.",
                details={
                    "step": operation.step,
                    "since": since,
                    "waitingFor": operation.waiting_for,
                    "attempts": operation.attempt + 1,
                },
            ),
            stalled_since=operation.stalled_since,
            next_command=_retry(operation),
        ),
    )


def derive_status(operation: Operation) -> FleetEvent:
    """Return the answer to a repeated request: how its operation stands."""
    fact = Fact(
        detail_type=DetailType.OPERATION_STATUS,
        phase=operation.phase,
        step=operation.step,
        attempt=operation.attempt,
    )
    return _event(operation, fact, _outcome_data(operation))


def _event(operation: Operation, fact: Fact, data: EventData) -> FleetEvent:
    return FleetEvent(
        detail_type=fact.detail_type,
        metadata=EventMetadata(
            event_id=operation.event_id_of(fact),
            occurred_at=operation.updated_at,
            operation_id=operation.operation_id,
            operation_type=operation.operation_type,
            phase=fact.phase,
            step=fact.step,
            attempt=fact.attempt,
            tenant_id=operation.tenant_id,
            site_id=operation.site_id,
            environment=operation.environment,
            correlation_id=operation.correlation_id,
            causation_id=operation.cause_event_id,
            replay_of=operation.replay_of,
        ),
        data=data,
    )


def _step_data(operation: Operation) -> EventData:
    failed = operation.head.detail_type is DetailType.STEP_FAILED
    return EventData(
        status=operation.status,
        duration_seconds=operation.head_seconds,
        error=_error(operation) if failed else None,
    )


def _outcome_data(operation: Operation) -> EventData:
    duration = None
    if operation.completed_at is not None:
        elapsed = (operation.completed_at - operation.created_at).total_seconds()
        duration = max(0.0, elapsed)  # the workers' clocks may differ by more than it took
    return EventData.model_validate(
        {
            **operation.summary,
            "status": operation.status,
            "durationSeconds": duration,
            "error": _error(operation),
            "cancelReason": operation.cancel_reason,
            "stalledSince": operation.stalled_since,
            "nextCommand": _next_command(operation),
        }
    )


def _error(operation: Operation) -> EventError | None:
    if operation.failure is None or operation.failure.code == CANCELLED:
        return None
    return EventError(
        code=ErrorCode(operation.failure.code),
        message=operation.failure.message,
        details={**operation.failure.details, "step": operation.failure.step},
    )


def _next_command(operation: Operation) -> str:
    if operation.status is OperationStatus.AWAITING_APPROVAL:
        is_promotion = operation.operation_type is OperationType.SITE_PROMOTION
        read = "promotions plan" if is_promotion else "operations show"
        return _command(read, operation.operation_id, operation)
    if operation.status is OperationStatus.ROLLBACK_FAILED:
        return _retry(operation)
    backup = operation.summary.get("backupId")
    is_deletion = operation.operation_type is OperationType.SITE_DELETION
    if operation.status is OperationStatus.COMPLETED and is_deletion and backup:
        return _command("sites restore", str(backup), operation)
    if operation.status is OperationStatus.COMPLETED:
        what = f"{operation.site_id} --tenant-id {operation.tenant_id}"
        return _command("sites show", what, operation)
    return _command("operations show", operation.operation_id, operation)


def _retry(operation: Operation) -> str:
    return _command("operations retry", operation.operation_id, operation) + ' --reason "..."'


def _command(command: str, what: str, operation: Operation) -> str:
    return f"sitefleet {command} {what} --env {operation.environment}"
