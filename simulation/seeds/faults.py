"""Everything that goes wrong in a simulation, drawn from the seed and counted by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Final

from core.adapters.memory.boundary import Call
from core.ports.clock import Clock


class Fault(StrEnum):
    """A kind of mishap; each seed has some of them."""

    KILLED_BEFORE = "worker killed before a call"
    KILLED_AFTER = "worker killed after a call"
    ANSWER_LOST = "answer of a call lost"
    THROTTLED = "call throttled"
    OUTAGE = "service out for minutes"
    PAUSED = "worker slow within its time limit"
    LATE_WRITE = "write that arrives after its lease"
    DEFECT = "step that raises again and again"
    DEADLY = "step that kills worker after worker"
    IMPATIENT = "cancel just while a step is worked on"
    PARTIAL_PUT = "event of a batch refused"
    LOST_EVENT = "event lost between bus and queue"
    DUPLICATE = "message delivered twice"
    DELAYED = "message late, so out of order"
    NOT_DELETED = "acknowledgement lost"
    OLD_EVENT = "old event delivered again"
    LOST_WAKE_UP = "wake-up lost"
    MISSED_SWEEP = "sweeper run missed"
    STALE_INDEX = "index that lags behind"
    SLOW_JOB = "job slower than the visibility timeout"
    ENDLESS_JOB = "job that never ends"
    DEAD_JOB = "job dead without a result"
    BAD_RESULT = "check or job that finds the site broken"
    CLOCK_FORWARD = "hours in which nothing ran"
    CLOCK_SKEW = "worker whose clock is off by seconds"


AT_CALLS: Final[Mapping[Fault, float]] = {
    Fault.KILLED_BEFORE: 0.008,
    Fault.KILLED_AFTER: 0.008,
    Fault.ANSWER_LOST: 0.012,
    Fault.THROTTLED: 0.012,
    Fault.OUTAGE: 0.003,
    Fault.PAUSED: 0.012,
    Fault.LATE_WRITE: 0.05,
    Fault.DEFECT: 0.006,
    Fault.DEADLY: 0.003,
}
"""How likely each is at one call of a port, in a seed that has it."""
ELSEWHERE: Final[Mapping[Fault, float]] = {
    Fault.IMPATIENT: 0.25,
    Fault.PARTIAL_PUT: 0.06,
    Fault.LOST_EVENT: 0.05,
    Fault.DUPLICATE: 0.1,
    Fault.DELAYED: 0.2,
    Fault.NOT_DELETED: 0.06,
    Fault.OLD_EVENT: 0.05,
    Fault.LOST_WAKE_UP: 0.3,
    Fault.MISSED_SWEEP: 0.4,
    Fault.STALE_INDEX: 0.3,
    Fault.SLOW_JOB: 0.15,
    Fault.ENDLESS_JOB: 0.04,
    Fault.DEAD_JOB: 0.1,
    Fault.BAD_RESULT: 0.12,
    Fault.CLOCK_FORWARD: 0.3,
    Fault.CLOCK_SKEW: 0.3,
}
"""The same at its own occasion: an event, a message, a run of the sweeper, a job."""
HEAT: Final[Mapping[str, int]] = {
    "commit": 3,
    "prepare": 2,
    "publish": 2,
    "start_waiting": 10,
    "leave_queue": 60,
}
"""Calls around which the protocol is most delicate: so many times as likely."""
HEAT_OF_UNDO = 4
MOST_FAULTS = 30
"""In one run: enough for several at once, few enough to come to an end."""
UNTIMED = {
    Fault.DELAYED,
    Fault.CLOCK_SKEW,
    Fault.LOST_WAKE_UP,
    Fault.MISSED_SWEEP,
    Fault.IMPATIENT,
}
"""Mild ones, which use nothing of that up."""
THE_STORE = {"operations", "locks"}
OUTSIDE_STEPS = {"operations", "bus", "queues", "topic", "meter", "mail"}
"""Ports that the engine itself calls; a defect of a step shows at the others."""


@dataclass(kw_only=True)
class Faults:
    """Draws what goes wrong where; `calm` ends all of it."""

    seed: int
    clock: Clock
    chosen: frozenset[Fault]
    counts: Counter[Fault] = field(default_factory=Counter)
    calm: bool = False

    def __post_init__(self) -> None:
        self._random = Random(f"{self.seed}/faults")  # noqa: S311 - a simulation, no secret
        self._at_calls = [(f, p) for f, p in AT_CALLS.items() if f in self.chosen]
        self._none_before = sum(p for _, p in self._at_calls)
        self._out_until: dict[str, datetime] = {}
        self._defects: dict[tuple[str, str], tuple[Fault | None, int]] = {}

    # --- occasions --------------------------------------------------------------------------

    def strikes(self, fault: Fault) -> bool:
        """Tell whether a fault happens at its occasion, now."""
        if self.calm or fault not in self.chosen or self._spent(fault):
            return False
        if self._random.random() >= ELSEWHERE[fault]:
            return False
        self.counts[fault] += 1
        return True

    def at_call(self, call: Call, *, undo: bool) -> Fault | None:
        """Return what happens at a call of a port; mostly nothing, on the way back more."""
        if self.calm:
            return None
        heat = HEAT.get(call.method, 1) * (HEAT_OF_UNDO if undo else 1)
        drawn = self._random.random() / heat
        if drawn >= self._none_before or self._spent(Fault.PAUSED):
            return None
        for fault, chance in self._at_calls:
            drawn -= chance
            if drawn < 0:
                return fault if self._fits(fault, call) else None
        return None

    def seconds(self, least: int, most: int) -> int:
        """Draw a duration."""
        return self._random.randint(least, most)

    def begin_outage(self, port: str) -> int:
        """Let a service answer nothing for a while; return for how many seconds."""
        seconds = self.seconds(20, 400 if port in THE_STORE else 900)
        self._out_until[port] = self.clock.now() + timedelta(seconds=seconds)
        return seconds

    def is_out(self, port: str) -> bool:
        """Tell whether a service does not answer."""
        until = self._out_until.get(port)
        return not self.calm and until is not None and self.clock.now() < until

    def begin_defect(self, fault: Fault, operation_id: str, step: str) -> int:
        """Let a step of an operation, and often its undo, go wrong the next times."""
        times = self.seconds(2, 14)
        self._defects[operation_id, step] = (fault, times)
        if self.seconds(0, 1):
            self._defects[operation_id, step.replace("forward", "undo")] = (fault, times)
        return times

    def defect_of(self, operation_id: str, step: str, call: Call) -> Fault | None:
        """Return what goes wrong with the step at this call, once more."""
        fault, left = self._defects.get((operation_id, step), (None, 0))
        if self.calm or left <= 0 or call.port in OUTSIDE_STEPS:
            return None
        self._defects[operation_id, step] = (fault, left - 1)
        return fault

    # --- inside -----------------------------------------------------------------------------

    def _spent(self, fault: Fault) -> bool:
        if fault in UNTIMED:
            return False
        return sum(n for f, n in self.counts.items() if f not in UNTIMED) >= MOST_FAULTS

    @staticmethod
    def _fits(fault: Fault, call: Call) -> bool:
        if fault is Fault.LATE_WRITE:
            return (call.port, call.method) == ("operations", "commit")
        if fault in {Fault.DEFECT, Fault.DEADLY}:
            return call.port not in OUTSIDE_STEPS
        return call.method != "dead_letters"
