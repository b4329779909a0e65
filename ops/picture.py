"""The printed form of a timeline: who and where, one line per step, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core.domain.operation import Operation
from events.notification_phrases import MEANINGS, NEXT_STEPS
from events.vocabulary import ErrorCode, NotificationOutcome, OperationStatus, OperationType, Phase
from ops.timeline import Mark, Row, stands_still
from ops.wording import duration, fields, one_line

UNDO_TITLE: Final = "taking back, newest first"

OUTCOMES: Final[Mapping[OperationStatus, NotificationOutcome]] = {
    OperationStatus.COMPLETED: NotificationOutcome.SUCCEEDED,
    OperationStatus.FAILED: NotificationOutcome.FAILED,
    OperationStatus.ROLLED_BACK: NotificationOutcome.ROLLED_BACK,
    OperationStatus.CANCELLED: NotificationOutcome.CANCELLED,
    OperationStatus.REJECTED: NotificationOutcome.REJECTED,
}
_STYLES: Final[Mapping[Mark, str]] = {
    Mark.DONE: "green",
    Mark.RUNNING: "bold cyan",
    Mark.WAITING: "yellow",
    Mark.STALLED: "bold red",
    Mark.FAILED: "bold red",
    Mark.UNDONE: "magenta",
    Mark.NEXT: "dim",
}
_MARK_WIDTH: Final = max(len(mark) for mark in Mark)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One printed line and its colour on a terminal."""

    text: str
    style: str = ""


def picture(operation: Operation, rows: Sequence[Row], now: datetime) -> list[Line]:
    """Return everything there is to see of an operation at one moment."""
    lines = [*headline(operation, now), Line(text="")]
    width = max((len(row.step) for row in rows), default=0)
    for index, row in enumerate(rows):
        if row.phase is Phase.UNDO and (index == 0 or rows[index - 1].phase is Phase.FORWARD):
            lines.append(Line(text=f"  -- {UNDO_TITLE} --", style="bold magenta"))
        lines.append(row_line(row, width))
    end = ending(operation)
    return [*lines, Line(text=""), *end] if end else lines


def headline(operation: Operation, now: datetime) -> list[Line]:
    """Return what it is, where, how it stands, and for whom."""
    taken = ((operation.completed_at or now) - operation.created_at).total_seconds()
    stalled = ", stalled" if operation.stalled_since is not None else ""
    by = f", requested by {one_line(operation.requested_by)}" if operation.requested_by else ""
    first = (
        f"{operation.operation_type} of {operation.site_id} ({operation.tenant_id}) "
        f"in {operation.environment}: {operation.status}{stalled}, {duration(taken)}"
    )
    lines = [
        Line(text=first, style="bold"),
        Line(text=f"operation {operation.operation_id}{by}"),
    ]
    if operation.cancel_requested and not operation.is_terminal:
        why = one_line(operation.cancel_reason or "no reason given")
        lines.append(Line(text=f"cancel requested: {why}", style="yellow"))
    return lines


def row_line(row: Row, width: int) -> Line:
    """Return one step's line, its name padded to the widest."""
    took = "" if row.seconds is None else duration(row.seconds)
    text = f"  {row.mark:<{_MARK_WIDTH}}  {row.step:<{width}}  {took:>10}  {remarks(row)}"
    return Line(text=text.rstrip(), style=_STYLES[row.mark])


def remarks(row: Row) -> str:
    """Return failed attempts and the note, if there are any."""
    parts = []
    if row.failed_attempts:
        noun = "attempt" if row.failed_attempts == 1 else "attempts"
        parts.append(f"{row.failed_attempts} failed {noun}")
    if row.note:
        parts.append(row.note)
    return "; ".join(parts)


def ending(operation: Operation) -> list[Line]:
    """Return how it ended and what to do next; nothing while it moves."""
    if not stands_still(operation):
        return []
    good = operation.status is OperationStatus.COMPLETED
    lines = [Line(text=_verdict(operation), style="bold green" if good else "bold red")]
    lines += [Line(text=text) for text in _failure(operation)]
    pairs = [
        ("site", served_url(operation)),
        ("release", _summary(operation, "release") if good else None),
        ("plan", _summary(operation, "planHash") if good else None),
        ("advice", None if good else advice(operation)),
        ("next", next_command(operation)),
    ]
    return lines + [Line(text=text) for text in fields(pairs)]


def served_url(operation: Operation) -> str | None:
    """Return the site's address once an operation has ended; None where nothing is served."""
    completed = operation.status is OperationStatus.COMPLETED
    is_deleted = completed and operation.operation_type is OperationType.SITE_DELETION
    if is_deleted or not operation.is_terminal:
        return None
    return _summary(operation, "siteUrl")


def advice(operation: Operation) -> str:
    """Return what a person can do about it, as a sentence."""
    if not operation.is_terminal:
        return NEXT_STEPS[NotificationOutcome.STALLED]
    failure = operation.failure
    if failure is not None and failure.code in ErrorCode:
        return ErrorCode(failure.code).suggestion
    return NEXT_STEPS[OUTCOMES[operation.status]]


def next_command(operation: Operation) -> str:
    """Return the next safe command: look at what is live, or retry what stands still."""
    env = f"--env {operation.environment}"
    if operation.is_terminal:
        return f"sitefleet sites show {operation.site_id} --tenant-id {operation.tenant_id} {env}"
    if stands_still(operation):
        return f'sitefleet operations retry {operation.operation_id} {env} --reason "..."'
    return f"sitefleet operations show {operation.operation_id} {env} --watch"


# --- inside ---------------------------------------------------------------------------------


def _verdict(operation: Operation) -> str:
    if operation.status is OperationStatus.ROLLBACK_FAILED:
        return "ROLLBACK_FAILED: taking it back failed too; a person has to act."
    if not operation.is_terminal:
        return f"STALLED at {operation.step}: {MEANINGS[NotificationOutcome.STALLED]}"
    took = ""
    if operation.completed_at is not None:
        seconds = (operation.completed_at - operation.created_at).total_seconds()
        took = f" after {duration(seconds)}"
    return f"{operation.status}{took}: {MEANINGS[OUTCOMES[operation.status]]}"


def _failure(operation: Operation) -> list[str]:
    failure = operation.failure
    if failure is None:
        return []
    place = f" (step {failure.step})" if failure.step else ""
    if failure.code not in ErrorCode:
        return [f"{one_line(failure.message)}{place}"]
    return [f"{failure.code}{place}: {one_line(failure.message)}"]


def _summary(operation: Operation, name: str) -> str | None:
    value = operation.summary.get(name)
    return None if value is None else str(value)
