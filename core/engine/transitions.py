"""How an operation moves: pure functions from a claimed operation and an outcome to its next state.

Forward, the cursor climbs through the plan; after a failure it comes down again, undoing what has
an undo, beginning with the step that failed. Every state names the event that it derives (`head`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from core.domain.operation import Fact, Facts, Failure, Operation
from core.engine.outcome import Done, Failed, Wait
from core.engine.workflow import Workflow
from events.vocabulary import DetailType, OperationStatus, Phase

CANCELLED = "CANCELLED"
"""Stands as the failure's code when nothing failed but somebody cancelled."""

TERMINAL_EVENTS = {
    OperationStatus.COMPLETED: DetailType.OPERATION_COMPLETED,
    OperationStatus.FAILED: DetailType.OPERATION_FAILED,
    OperationStatus.ROLLED_BACK: DetailType.OPERATION_ROLLED_BACK,
    OperationStatus.CANCELLED: DetailType.OPERATION_CANCELLED,
    OperationStatus.ROLLBACK_FAILED: DetailType.OPERATION_ROLLBACK_FAILED,
    OperationStatus.REJECTED: DetailType.OPERATION_REJECTED,
}


def after_done(
    operation: Operation, done: Done, workflow: Workflow, now: datetime, *, cuts_over: bool
) -> Operation:
    """Return the state after a step that succeeded (or was undone)."""
    moved = _released(operation, now)
    fact = _fact(operation, DetailType.STEP_COMPLETED)
    common = replace(
        moved,
        head=fact,
        cause_event_id=operation.event_id,
        head_seconds=_seconds_at_cursor(operation, now),
        summary=_merged(operation.summary, done.summary),
        cut_over=operation.cut_over or (cuts_over and operation.phase is Phase.FORWARD),
    )
    if operation.phase is Phase.UNDO:
        return _next_undo(common, workflow, now, below=operation.cursor)
    if operation.cancel_requested and workflow.turns_back(operation):
        return _turn_back(common, _cancelled(operation), workflow, now)
    if operation.cursor + 1 == len(operation.plan):
        return _terminal(replace(common, cursor=operation.cursor + 1), _COMPLETED, now)
    following = workflow.step(operation.plan[operation.cursor + 1])
    status = _AWAITING if following.awaits_approval else OperationStatus.IN_PROGRESS
    return replace(common, cursor=operation.cursor + 1, status=status)


def after_failed(
    operation: Operation, failed: Failed, workflow: Workflow, now: datetime
) -> Operation:
    """Return the state after a step that cannot succeed, or an undo that could not."""
    failure = Failure(
        code=failed.code,
        message=failed.why,
        step=operation.step,
        details=failed.details,
        ends_as=failed.ends_as or _decided_end(operation),
    )
    common = replace(
        _released(operation, now),
        head=_fact(operation, DetailType.STEP_FAILED),
        cause_event_id=operation.event_id,
        head_seconds=_seconds_at_cursor(operation, now),
        cut_over=operation.cut_over or failed.cut_over,
    )
    resumes = operation.cut_over and workflow.resumes_after_cut_over
    if operation.phase is Phase.UNDO or resumes:
        return replace(
            common,
            attempt=operation.attempt + 1,
            status=OperationStatus.ROLLBACK_FAILED,
            failure=failure,
            due_at=None,
        )
    return _turn_back(common, failure, workflow, now)


def after_cancel(operation: Operation, workflow: Workflow, now: datetime) -> Operation:
    """Return the state of a claimed operation whose cancel came before the step ran."""
    common = replace(
        _released(operation, now),
        head=_fact(operation, DetailType.STEP_FAILED),
        cause_event_id=operation.event_id,
    )
    return _turn_back(common, _cancelled(operation), workflow, now)


def after_wait(operation: Operation, wait: Wait, now: datetime, *, keeps_poll: bool) -> Operation:
    """Return the state of a step that waits.

    A wake-up that finds "not yet" leaves the poll that is under way in force.
    """
    return replace(
        operation,
        lease_owner=None,
        lease_until=None,
        waiting_for=wait.why,
        updated_at=now,
        status=_running(operation),
        wait_number=operation.wait_number + (0 if keeps_poll else 1),
    )


def after_exception(operation: Operation, now: datetime) -> Operation:
    """Return the state after an attempt that broke: the lease is free, the attempt counted."""
    return replace(
        operation,
        lease_owner=None,
        lease_until=None,
        attempt=operation.attempt + 1,
        updated_at=now,
        status=_running(operation),
    )


def after_retry(operation: Operation) -> Operation:
    """Return a claimed operation whose step is to be tried anew, as another attempt."""
    return replace(operation, attempt=operation.attempt + 1)


def after_stall(operation: Operation, now: datetime) -> Operation:
    """Return the state of an operation that does not move by itself any more."""
    return replace(
        operation,
        lease_owner=None,
        lease_until=None,
        stalled_since=operation.stalled_since or now,
        updated_at=now,
    )


def due_after(operation: Operation, earliest: datetime, slack: timedelta) -> datetime:
    """Return when the sweeper should look: not before `earliest`, and unchanged when it still fits.

    The index entry costs two writes whenever it changes, so a `dueAt` that lies in
    [earliest, earliest + slack] stays as it is.
    """
    current = operation.due_at
    if current is not None and earliest <= current <= earliest + slack:
        return current
    return earliest + slack / 2


def undone_status(operation: Operation) -> OperationStatus:
    """Return how an operation ends once everything is undone: by what turned it round first."""
    if operation.failure is not None and operation.failure.ends_as is not None:
        return operation.failure.ends_as
    return OperationStatus.ROLLED_BACK if operation.cut_over else OperationStatus.FAILED


# --- inside ---------------------------------------------------------------------------------

_COMPLETED = OperationStatus.COMPLETED
_AWAITING = OperationStatus.AWAITING_APPROVAL


def _turn_back(
    operation: Operation, failure: Failure, workflow: Workflow, now: datetime
) -> Operation:
    turned = replace(operation, phase=Phase.UNDO, failure=failure)
    return _next_undo(turned, workflow, now, below=operation.cursor + 1)


def _next_undo(operation: Operation, workflow: Workflow, now: datetime, *, below: int) -> Operation:
    for index in range(min(below, len(operation.plan)) - 1, -1, -1):
        if workflow.step(operation.plan[index]).undo is not None:
            return replace(operation, cursor=index, status=OperationStatus.ROLLING_BACK)
    return _terminal(replace(operation, cursor=-1), undone_status(operation), now)


def _merged(summary: Facts, changes: Facts) -> Facts:
    return {k: v for k, v in {**summary, **changes}.items() if v is not None}


def _terminal(operation: Operation, status: OperationStatus, now: datetime) -> Operation:
    return replace(operation, status=status, completed_at=now, due_at=None)


def _released(operation: Operation, now: datetime) -> Operation:
    return replace(
        operation,
        lease_owner=None,
        lease_until=None,
        step_since=None,
        wait_number=0,
        attempt=0,
        waiting_for=None,
        stalled_since=None,
        updated_at=now,
    )


def _fact(operation: Operation, detail_type: DetailType) -> Fact:
    return Fact(
        detail_type=detail_type,
        phase=operation.phase,
        step=operation.step,
        attempt=operation.attempt,
    )


def _seconds_at_cursor(operation: Operation, now: datetime) -> float:
    return max(0.0, (now - (operation.step_since or now)).total_seconds())


def _running(operation: Operation) -> OperationStatus:
    if operation.phase is Phase.UNDO:
        return OperationStatus.ROLLING_BACK
    return _AWAITING if operation.status is _AWAITING else OperationStatus.IN_PROGRESS


def _cancelled(operation: Operation) -> Failure:
    reason = operation.cancel_reason or "no reason given"
    return Failure(
        code=CANCELLED,
        message=f"Cancelled on request: {reason}",
        step=operation.step,
        ends_as=OperationStatus.CANCELLED,
    )


def _decided_end(operation: Operation) -> OperationStatus | None:
    """Return the end that what turned the operation round has fixed; a failing undo keeps it."""
    if operation.phase is Phase.FORWARD or operation.failure is None:
        return None
    return operation.failure.ends_as
