"""What an operation has done, does and will do: rows from its record and its steps' records.

Pure: nothing is read here, so that `--watch`, `operations show`, a test and a demo see the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from core.bootstrap import WORKFLOWS
from core.domain.operation import Failure, Operation, StepRecord
from events.vocabulary import OperationStatus, OperationType, Phase, StepStatus
from ops.wording import one_line


class Mark(StrEnum):
    """How a row stands."""

    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"  # for something outside, or for another attempt
    STALLED = "stalled"  # nothing happens until a person acts
    FAILED = "failed"
    UNDONE = "undone"
    NEXT = "next"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One step in one phase."""

    phase: Phase
    step: str
    mark: Mark
    since: datetime | None = None
    """When the step began; None while it has not."""
    seconds: float | None = None
    """How long it took, or how long it has been at it."""
    failed_attempts: int = 0
    note: str = ""
    """What it waits for, or why it failed: one printable line."""


_RECORDED: Final[Mapping[StepStatus, Mark]] = {
    StepStatus.COMPLETED: Mark.DONE,
    StepStatus.UNDONE: Mark.UNDONE,
    StepStatus.FAILED: Mark.FAILED,
}


def timeline(operation: Operation, steps: Sequence[StepRecord], now: datetime) -> list[Row]:
    """Return the plan's rows in order, then, on the way back, the undo rows, newest first.

    Steps that were never reached before an operation turned back have no row.
    """
    records = {(record.phase, record.step): record for record in steps}
    return [*_forward(operation, records, now), *_undo(operation, records, now)]


def stands_still(operation: Operation) -> bool:
    """Tell whether the operation moves by itself no more: ended, stalled, or given up undoing."""
    if operation.is_terminal:
        return True
    gave_up = operation.status is OperationStatus.ROLLBACK_FAILED
    return operation.lease_owner is None and (gave_up or operation.stalled_since is not None)


# --- inside ---------------------------------------------------------------------------------

type _Records = Mapping[tuple[Phase, str], StepRecord]


def _forward(operation: Operation, records: _Records, now: datetime) -> list[Row]:
    rows = []
    under_way = operation.phase is Phase.FORWARD and not operation.is_terminal
    for index, step in enumerate(operation.plan):
        record = records.get((Phase.FORWARD, step))
        if record is not None:
            rows.append(_recorded(record))
        elif under_way and index == operation.cursor:
            rows.append(_current(operation, step, now))
        elif under_way:
            rows.append(Row(phase=Phase.FORWARD, step=step, mark=Mark.NEXT))
    return rows


def _undo(operation: Operation, records: _Records, now: datetime) -> list[Row]:
    undone = sorted(
        (record for (phase, _), record in records.items() if phase is Phase.UNDO),
        key=lambda record: record.completed_at,
    )
    under_way = operation.phase is Phase.UNDO and not operation.is_terminal
    again = under_way and not stands_still(operation)
    rows = [
        _recorded(record)
        for record in undone
        if not (again and record.step == operation.step and record.status is StepStatus.FAILED)
    ]
    told = {row.step for row in rows}
    if under_way and operation.step is not None and operation.step not in told:
        rows.append(_current(operation, operation.step, now))
    if under_way:
        rows += [
            Row(phase=Phase.UNDO, step=step, mark=Mark.NEXT)
            for step in reversed(operation.plan[: max(0, operation.cursor)])
            if step not in told and _has_undo(operation.operation_type, step)
        ]
    return rows


def _recorded(record: StepRecord) -> Row:
    return Row(
        phase=record.phase,
        step=record.step,
        mark=_RECORDED.get(record.status, Mark.DONE),
        since=record.started_at,
        seconds=record.duration_seconds,
        failed_attempts=record.attempt,
        note=_reason(record.failure),
    )


def _current(operation: Operation, step: str, now: datetime) -> Row:
    since = operation.step_since
    mark, note = _standing(operation, now)
    return Row(
        phase=operation.phase,
        step=step,
        mark=mark,
        since=since,
        seconds=None if since is None else max(0.0, (now - since).total_seconds()),
        failed_attempts=operation.attempt,
        note=one_line(note),
    )


def _standing(operation: Operation, now: datetime) -> tuple[Mark, str]:
    if operation.stalled_since is not None:
        return Mark.STALLED, operation.waiting_for or "every attempt failed"
    if operation.waiting_for is not None:
        return Mark.WAITING, operation.waiting_for
    if operation.step_since is None:
        return Mark.NEXT, ""
    if operation.lease_owner is None:
        return Mark.WAITING, "it will be tried again"
    if operation.lease_until is not None and operation.lease_until <= now:
        return Mark.WAITING, "its worker no longer answers; the sweeper starts it again"
    return Mark.RUNNING, ""


def _reason(failure: Failure | None) -> str:
    return "" if failure is None else one_line(f"{failure.code}: {failure.message}")


def _has_undo(operation_type: OperationType, name: str) -> bool:
    """Tell whether this version would take the step back; one it does not know is left out."""
    workflow = WORKFLOWS.get(operation_type)
    steps = workflow.steps if workflow is not None else ()
    return any(step.name == name and step.undo is not None for step in steps)
