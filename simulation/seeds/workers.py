"""A worker's life: killed, held up, answered late or wrongly, with a clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from core.adapters.memory.boundary import AnswerLostError, Call, Crashed
from core.domain.errors import TransientError
from core.engine.message import Disposition
from core.ports.clock import Clock
from simulation.seeds.faults import Fault, Faults
from simulation.seeds.story import Story
from simulation.seeds.watch import Watch

FUNCTION_SECONDS = 60
"""The functions' time limit: a worker that is slower is killed."""
MOST_WORKERS = 3
"""Held up at the same time, one within the other."""


@dataclass(kw_only=True)
class Worker:
    """One invocation that is at work."""

    since: datetime
    skew: timedelta
    held_up_seconds: int = 0


class SkewedClock:
    """The time as the worker at work takes it to be."""

    def __init__(self, clock: Clock, workers: list[Worker]) -> None:
        self._clock = clock
        self._workers = workers

    def now(self) -> datetime:
        """Return the time, off by what the worker's clock is off."""
        now = self._clock.now()
        return now + self._workers[-1].skew if self._workers else now


@dataclass(kw_only=True)
class Disturber:
    """What happens to a worker at each call of a port."""

    faults: Faults
    story: Story
    watch: Watch
    workers: list[Worker]
    others: Callable[[int], None]
    """Lets everybody else go on for so many seconds."""
    cancel: Callable[[str], None]
    """Lets somebody cancel an operation."""
    _after: Fault | None = field(default=None, init=False)

    def before(self, call: Call) -> None:
        """Count nothing, change nothing: let the call come, or not."""
        self.watch.before(call)
        self._after = None
        if self.faults.calm:
            return
        self._be_broken(call)
        fault = self.faults.at_call(call, undo=_at_work()[1].startswith("undo"))
        if fault is None:
            return
        match fault:
            case Fault.KILLED_AFTER | Fault.ANSWER_LOST:
                self._after = fault
            case Fault.KILLED_BEFORE:
                self._tell(fault, call)
                raise Crashed(f"before {call.port}.{call.method}")
            case Fault.THROTTLED:
                self._tell(fault, call)
                raise TransientError(f"{call.port}: throttled.")
            case Fault.OUTAGE:
                self._tell(fault, call, f"{self.faults.begin_outage(call.port)} s")
            case Fault.DEFECT | Fault.DEADLY:
                self._begin_defect(fault, call)
            case _:
                self._hold_up(fault, call)

    def after(self, call: Call) -> None:
        """Let the answer come, or not."""
        fault, self._after = self._after, None
        if fault is Fault.KILLED_AFTER:
            self._tell(fault, call)
            raise Crashed(f"after {call.port}.{call.method}")
        if fault is Fault.ANSWER_LOST:
            self._tell(fault, call)
            raise AnswerLostError(f"The answer of {call.port}.{call.method} is lost.")

    # --- inside -----------------------------------------------------------------------------

    def _be_broken(self, call: Call) -> None:
        if self.faults.is_out(call.port):
            raise TransientError(f"{call.port} does not answer.")
        operation_id, step = _at_work()
        defect = self.faults.defect_of(operation_id, step, call)
        if defect is None:
            return
        self.story.tell(f"{step} goes wrong at {call.port}.{call.method}")
        if defect is Fault.DEADLY:
            raise Crashed(f"of {step}")
        raise RuntimeError(f"A defect of {step}.")

    def _begin_defect(self, fault: Fault, call: Call) -> None:
        operation_id, step = _at_work()
        if step:
            times = self.faults.begin_defect(fault, operation_id, step)
            self._tell(fault, call, f"{step}, {times} times")

    def _hold_up(self, fault: Fault, call: Call) -> None:
        """Let others go on; a late write alone outlives the function's time limit."""
        if len(self.workers) >= MOST_WORKERS or not self.workers:
            return
        worker = self.workers[-1]
        late = fault is Fault.LATE_WRITE
        seconds = self.faults.seconds(95, 500) if late else self.faults.seconds(0, 55)
        self._tell(fault, call, f"{seconds} s")
        worker.held_up_seconds += seconds
        depth = len(self.workers)
        if self.faults.strikes(Fault.IMPATIENT):
            self.cancel(_at_work()[0])
        self.others(seconds)
        del self.workers[depth:]
        self._after = None
        self.story.tell(f"goes on at {call.port}.{call.method}")
        if not late and worker.held_up_seconds >= FUNCTION_SECONDS:
            raise Crashed(f"out of time at {call.port}.{call.method}")

    def _tell(self, fault: Fault, call: Call, more: str = "") -> None:
        self.faults.counts[fault] += 1
        self.story.tell(f"FAULT {fault}: {call.port}.{call.method} {more}".rstrip())


def afresh(work: Callable[[], Disposition]) -> Disposition:
    """Run a worker's work with a log context of its own."""
    structlog.contextvars.clear_contextvars()
    return work()


def _at_work() -> tuple[str, str]:
    """Return the operation and the step that the worker is at."""
    context = structlog.contextvars.get_contextvars()
    step = f"{context.get('phase')} {context['step']}" if context.get("step") else ""
    return str(context.get("operationId")), step
