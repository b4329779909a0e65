"""Crash enumeration: every boundary call of every workflow, stopped in three ways. Complete.

For call 1..n of an undisturbed run: stop before it, after it, and with its answer lost; let the
queues hand the messages out again; hold the result against the promises.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.adapters.memory.boundary import Boundary, Call, Moment, Stop
from simulation.fleet import SimulatedFleet
from simulation.promises import Run, Snapshot, broken_promises, snapshot, visible
from simulation.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class Point:
    """One place where a run was stopped, and what became of it."""

    scenario: str
    step: str
    call: str
    moment: Moment
    broken: tuple[str, ...]

    @property
    def held(self) -> bool:
        return not self.broken


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """The run that the others are held against."""

    operation_id: str
    calls: tuple[Call, ...]
    steps: tuple[str, ...]
    """For each call, the step it belongs to."""
    after: Snapshot


class HoleError(AssertionError):
    """The undisturbed run already breaks a promise."""


def undisturbed_run(scenario: Scenario) -> Undisturbed:
    """Run a scenario without any stop; raises HoleError if even that breaks a promise."""
    boundary = Boundary()
    fleet = scenario.start(boundary)
    before = visible(snapshot(fleet))
    known = set(fleet.store.operations)
    steps: list[str] = []
    boundary.before = lambda _call: steps.append(_step_of(fleet, known))
    fleet.run()
    boundary.before = lambda _call: None
    operation_id = next(name for name in fleet.store.operations if name not in known)
    after = snapshot(fleet)
    calls = tuple(boundary.calls)
    run = Run(fleet=fleet, operation_id=operation_id, ends=scenario.ends, expected=after)
    broken = list(broken_promises(run))
    if scenario.keeps_target and visible(after) != before:
        broken.append(f"the target changed: {before} became {visible(after)}")
    if broken:
        raise HoleError(f"{scenario.name}, undisturbed: {broken}")
    return Undisturbed(operation_id=operation_id, calls=calls, steps=tuple(steps), after=after)


def enumerate_crashes(
    scenario: Scenario, every: int = 1, also: frozenset[str] = frozenset()
) -> Iterator[Point]:
    """Yield one point per call and moment.

    `every` > 1 takes only each so-manieth call, and all calls of the methods that `also` names.
    """
    baseline = undisturbed_run(scenario)
    calls = zip(baseline.calls, baseline.steps, strict=True)
    for index, (call, step) in enumerate(calls):
        if index % every and call.method not in also:
            continue
        for moment in Moment:
            yield _stopped(scenario, baseline, call, step, moment)


def _stopped(
    scenario: Scenario, baseline: Undisturbed, call: Call, step: str, moment: Moment
) -> Point:
    fleet = scenario.start(Stop(call=call.number, moment=moment).boundary())
    fleet.run()
    fleet.boundary.before = fleet.boundary.after = lambda _call: None
    run = Run(
        fleet=fleet,
        operation_id=baseline.operation_id,
        ends=scenario.ends,
        expected=baseline.after,
    )
    return Point(
        scenario=scenario.name,
        step=step,
        call=f"{call.number} {call.port}.{call.method}",
        moment=moment,
        broken=tuple(broken_promises(run)),
    )


def _step_of(fleet: SimulatedFleet, known: set[str]) -> str:
    """Name what is at work: the operation itself, or what it has set going for later."""
    fresh = [o for name, o in fleet.store.operations.items() if name not in known]
    if not fresh:
        return "accept"
    main, *followers = fresh
    if not main.is_terminal:
        undo = "undo " if main.phase == "undo" else ""
        return f"{undo}{main.step}"
    at_work = next((o for o in followers if not o.is_terminal and o.step_since), None)
    return f"later {at_work.step}" if at_work else "notify"
