"""Whatever step of a promotion fails, even after its work is done, the target is as it was before.

Every step of every plan, in memory; tests/failures does the same with real databases and sites.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from core.adapters.memory.boundary import Boundary
from core.domain.job_facts import JobError, JobResult
from core.domain.jobs import CutOverJob, JobDescription
from events.vocabulary import OperationStatus, OperationType
from simulation.failures import WHY, workflows_failing_at
from simulation.fleet import SimulatedFleet
from simulation.promises import Snapshot, snapshot, visible
from simulation.requests import queue_of
from simulation.scenario import Scenario
from simulation.scenarios import SCENARIOS

KINDS = {
    "promotion, first",
    "promotion",
    "promotion, third",
    "promotion to prod, first",
    "promotion to prod",
}
PROMOTIONS = [scenario for scenario in SCENARIOS if scenario.name in KINDS]
ANOTHER = "sha256:" + "9" * 64
RETIRED = re.compile(r"[-_/ ]r1(/|$)")
"""Release 1 lies out of reach at a third promotion to sit."""


def plan_of(scenario: Scenario) -> tuple[str, ...]:
    """Return the steps, in order, as they are planned when the request is accepted."""
    fleet = scenario.start(Boundary())
    known = set(fleet.store.operations)
    while not (fresh := fleet.store.operations.keys() - known):
        fleet.step()
    return fleet.store.operations[fresh.pop()].plan


def seen(fleet: SimulatedFleet, *, of_retired: bool) -> Snapshot:
    """Return what must be the same; without release 1 when that has been retired."""
    state = visible(snapshot(fleet))
    return state if of_retired else {name: without_retired(kept) for name, kept in state.items()}


def without_retired(kept: object) -> object:
    match kept:
        case dict():
            return {name: value for name, value in kept.items() if not RETIRED.search(str(name))}
        case list():
            return [name for name in kept if not RETIRED.search(str(name))]
    return kept


def run_an_older_wordpress(fleet: SimulatedFleet) -> None:
    """Let the target's record tell another version than the one that comes from the source."""
    for key, site in fleet.world.sites.items():
        fleet.world.sites[key] = replace(site, wordpress_version="6.4", read_only=False)


def promoted_again(fleet: SimulatedFleet, scenario: Scenario) -> OperationStatus:
    """Promote once more, with nothing in the way; return how it ends."""
    again = SimulatedFleet(environment=scenario.environment, state=fleet.saved())
    known = set(again.store.operations)
    body = scenario.body.replace('"promote"', '"again"')
    again.send(queue_of(body), body)
    again.run()
    return next(o.status for name, o in again.store.operations.items() if name not in known)


CASES = [
    pytest.param(scenario, step, id=f"{scenario.name.replace(', ', '-')}-{step}")
    for scenario in PROMOTIONS
    for step in plan_of(scenario)
]


def test_every_kind_of_promotion_is_there():
    assert {scenario.name for scenario in PROMOTIONS} == KINDS


@pytest.mark.parametrize(("scenario", "step"), CASES)
def test_a_step_that_fails_after_its_work_leaves_the_target_as_it_was(scenario, step):
    """Only what lay out of reach and has been retired, by the last step but one, is gone."""
    retires = scenario.name == "promotion, third" and step in {"retire_releases", "seal_record"}
    workflows = workflows_failing_at(OperationType.SITE_PROMOTION, step)
    fleet = scenario.start(Boundary(), workflows)
    run_an_older_wordpress(fleet)
    before, known = seen(fleet, of_retired=not retires), set(fleet.store.operations)
    fleet.run()
    operation = next(o for name, o in fleet.store.operations.items() if name not in known)
    assert (operation.failure.message, operation.failure.step) == (WHY, step)
    plan = operation.plan
    seen_live = plan.index(step) >= plan.index("cut_over")
    ends = OperationStatus.ROLLED_BACK if seen_live else OperationStatus.FAILED
    assert operation.status is ends
    assert fleet.store.locks == {}
    after = seen(fleet, of_retired=not retires)
    assert {name: after[name] for name in after if after[name] != before[name]} == {}
    assert promoted_again(fleet, scenario) is OperationStatus.COMPLETED


@pytest.mark.parametrize("moved", [True, False])
def test_a_cut_over_that_fails_ends_by_whether_visitors_had_seen_the_release(moved):
    """Its job moves the pointer itself, and may fail before or after that."""
    (scenario,) = (s for s in PROMOTIONS if s.name == "promotion")
    fleet = scenario.start(Boundary())
    known, play = set(fleet.store.operations), fleet.jobs.play

    def play_and_fail(job: JobDescription) -> JobResult | None:
        if not isinstance(job, CutOverJob):
            return play(job)
        done = play(job) if moved else play(job.model_copy(update={"rule_arn": None}))
        error = JobError(code="SYS_001", message="The rows differ.", retryable=False)
        return done and done.model_copy(update={"facts": {}, "error": error})

    fleet.jobs.play = play_and_fail
    before = visible(snapshot(fleet))
    fleet.run()
    operation = next(o for name, o in fleet.store.operations.items() if name not in known)
    ends = OperationStatus.ROLLED_BACK if moved else OperationStatus.FAILED
    assert (operation.status, operation.failure.step) == (ends, "cut_over")
    assert visible(snapshot(fleet)) == before


def test_the_environments_tag_stays_where_another_sites_promotion_has_moved_it():
    (scenario,) = (s for s in PROMOTIONS if s.name == "promotion")
    fleet = scenario.start(
        Boundary(), workflows_failing_at(OperationType.SITE_PROMOTION, "seal_record")
    )
    known = set(fleet.store.operations)

    def completed() -> bool:
        running = (o for name, o in fleet.store.operations.items() if name not in known)
        return any(o.plan.index("complete") < o.cursor for o in running)

    while not completed():
        fleet.step()
    fleet.world.images[ANOTHER] = "another site's image"
    fleet.world.image_tags["sit-latest"] = ANOTHER
    fleet.run()
    assert fleet.world.image_tags["sit-latest"] == ANOTHER
