"""Following an operation until it stands still: a live picture, or one line per change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from core.domain.errors import NotFoundError, TransientError
from core.domain.operation import Operation, StepRecord
from core.ports.clock import Clock
from core.ports.operation_store import OperationStore
from events.vocabulary import OperationStatus, Phase
from ops.errors import ExitCode
from ops.picture import UNDO_TITLE, Line, ending, headline, picture, remarks
from ops.timeline import Mark, Row, stands_still, timeline
from ops.wording import duration

MOST_MISSED_LOOKS: Final = 5
"""Reads in a row that may fail before the watcher gives up."""

type Sleep = Callable[[float], None]
type Show = Callable[[Operation, Sequence[Row], datetime], None]


def watch(
    store: OperationStore,
    operation_id: str,
    console: Console,
    clock: Clock,
    interval_seconds: float,
    *,
    sleep: Sleep = time.sleep,
) -> Operation:
    """Print what happens until the operation is terminal, stalled or given up; return it.

    Raises NotFoundError when there is no such operation.
    """
    reader = _Reader(store=store, operation_id=operation_id)
    with _screen(console) as show:
        while True:
            operation = reader.look()
            if operation is not None:
                now = clock.now()
                show(operation, timeline(operation, reader.steps, now), now)
                if stands_still(operation):
                    return operation
            sleep(interval_seconds)


def exit_code_of(operation: Operation) -> ExitCode:
    """Return the exit code of a command that has watched this operation."""
    if operation.status is OperationStatus.COMPLETED:
        return ExitCode.COMPLETED
    if operation.is_terminal:
        return ExitCode.NOT_SUCCEEDED
    return ExitCode.STALLED if stands_still(operation) else ExitCode.COMPLETED


# --- inside ---------------------------------------------------------------------------------


@dataclass(kw_only=True)
class _Reader:
    """Reads the item at each look, the steps only when the item has moved."""

    store: OperationStore
    operation_id: str
    steps: tuple[StepRecord, ...] = ()
    _seen: tuple[datetime, int] | None = None
    _missed: int = 0

    def look(self) -> Operation | None:
        """Return the operation; None when this one read did not succeed."""
        try:
            operation = self._read()
        except TransientError:
            self._missed += 1
            if self._missed >= MOST_MISSED_LOOKS:
                raise
            return None
        self._missed = 0
        return operation

    def _read(self) -> Operation:
        operation = self.store.get(self.operation_id)
        if operation is None:
            raise NotFoundError(f"There is no operation {self.operation_id}.")
        if self._seen != (operation.updated_at, operation.fence):
            self.steps = self.store.history(self.operation_id).steps
            self._seen = (operation.updated_at, operation.fence)
        return operation


@contextmanager
def _screen(console: Console) -> Iterator[Show]:
    if not console.is_terminal:
        yield _Changes(console=console).show
        return
    with Live(console=console, auto_refresh=False) as live:

        def show(operation: Operation, rows: Sequence[Row], now: datetime) -> None:
            live.update(_text(picture(operation, rows, now)), refresh=True)

        yield show


def _text(lines: Sequence[Line]) -> Text:
    return Text("\n").join(Text(line.text, style=line.style) for line in lines)


@dataclass(kw_only=True)
class _Changes:
    """One line per change, for logs and pipes: `elapsed  mark  step  how long  remarks`."""

    console: Console
    _told: dict[tuple[Phase, str], tuple[Mark, str]] = field(default_factory=dict)
    _undoing: bool = False
    _begun: bool = False

    def show(self, operation: Operation, rows: Sequence[Row], now: datetime) -> None:
        """Print what is new."""
        if not self._begun:
            self._print(headline(operation, now))
            self._begun = True
        elapsed = ((operation.completed_at or now) - operation.created_at).total_seconds()
        for row in rows:
            self._tell(row, duration(elapsed))
        self._print(ending(operation))

    def _tell(self, row: Row, elapsed: str) -> None:
        state = (row.mark, remarks(row))
        if row.mark is Mark.NEXT or self._told.get((row.phase, row.step)) == state:
            return
        self._told[row.phase, row.step] = state
        if row.phase is Phase.UNDO and not self._undoing:
            self._undoing = True
            self._print([Line(text=f"{elapsed:>10}  -- {UNDO_TITLE} --")])
        finished = row.mark in {Mark.DONE, Mark.FAILED, Mark.UNDONE}
        took = duration(row.seconds) if finished and row.seconds is not None else ""
        text = f"{elapsed:>10}  {row.mark:<7}  {row.step}"
        more = "  ".join(part for part in (took, remarks(row)) if part)
        self._print([Line(text=f"{text}  {more}".rstrip())])

    def _print(self, lines: Sequence[Line]) -> None:
        for line in lines:
            self.console.print(Text(line.text), soft_wrap=True)
