"""Whatever step of a creation fails, even after its work is done, nothing of the site is left.

Resource by resource: records, places, names, secrets, access points, groups, task definitions,
services, target groups, rules, DNS, objects, schemas, users, directories. A record of the site
stays and says why.
"""

from __future__ import annotations

import pytest

from core.adapters.memory.boundary import Boundary
from events.vocabulary import DetailType, OperationStatus, OperationType, SiteStatus
from simulation.failures import WHY, workflows_failing_at
from simulation.fleet import SimulatedFleet
from simulation.promises import Snapshot, snapshot, visible
from simulation.requests import SITE, TENANT, queue_of
from simulation.scenario import Scenario
from simulation.scenarios import SCENARIOS

KINDS = {"creation", "creation, clone"}
CREATIONS = [scenario for scenario in SCENARIOS if scenario.name in KINDS]


def plan_of(scenario: Scenario) -> tuple[str, ...]:
    """Return the steps, in order, as they are planned when the request is accepted."""
    fleet = scenario.start(Boundary())
    known = set(fleet.store.operations)
    while not (fresh := fleet.store.operations.keys() - known):
        fleet.step()
    return fleet.store.operations[fresh.pop()].plan


def seen(fleet: SimulatedFleet) -> Snapshot:
    """Return everything but the record that says why the site is not there."""
    state = visible(snapshot(fleet))
    sites = state["sites"]
    assert isinstance(sites, dict)
    state["sites"] = {name: kept for name, kept in sites.items() if name != SITE}
    return state


CASES = [
    pytest.param(scenario, step, id=f"{scenario.name.replace(', ', '-')}-{step}")
    for scenario in CREATIONS
    for step in plan_of(scenario)
]


def test_both_kinds_of_creation_are_there_and_every_step_of_theirs():
    assert {scenario.name for scenario in CREATIONS} == KINDS
    steps = {case.values[1] for case in CASES}
    assert {"reserve_release", "prepare_network", "install_wordpress", "import_database"} <= steps


@pytest.mark.parametrize(("scenario", "step"), CASES)
def test_a_step_that_fails_after_its_work_leaves_nothing_behind(scenario: Scenario, step: str):
    fleet = scenario.start(Boundary(), workflows_failing_at(OperationType.SITE_CREATION, step))
    before, known = seen(fleet), set(fleet.store.operations)
    fleet.run()
    [operation] = [o for name, o in fleet.store.operations.items() if name not in known]
    assert (operation.failure.message, operation.failure.step) == (WHY, step)
    plan = operation.plan
    seen_live = plan.index(step) >= plan.index("switch")
    ends = OperationStatus.ROLLED_BACK if seen_live else OperationStatus.FAILED
    assert operation.status is ends
    after = seen(fleet)
    assert {name: after[name] for name in after if after[name] != before[name]} == {}
    assert fleet.store.locks == {}
    reserved = plan.index(step) >= plan.index("reserve_release")
    site = fleet.world.sites.get((TENANT, SITE))
    assert (site is not None) is reserved
    if site is not None:
        assert (site.status, site.failure_reason) == (SiteStatus.FAILED, WHY)
    assert "siteUrl" not in operation.summary
    assert created_again(fleet, scenario) is OperationStatus.COMPLETED


@pytest.mark.parametrize("scenario", CREATIONS, ids=lambda s: s.name)
def test_a_creation_that_is_stuck_is_reported_with_the_next_command(scenario: Scenario):
    fleet = scenario.start(Boundary())
    step = "install_wordpress" if scenario.name == "creation" else "import_database"
    fleet.jobs.seconds_of[step] = 10**7
    for _ in range(2000):
        stalled = [e for e in fleet.world.events if e.detail_type is DetailType.OPERATION_STALLED]
        if stalled:
            break
        fleet.step()
    assert (stalled[0].metadata.site_id, stalled[0].metadata.step) == (SITE, step)
    told = stalled[0].model_dump_json()
    assert "sitefleet operations" in told


def created_again(fleet: SimulatedFleet, scenario: Scenario) -> OperationStatus:
    """Send the request once more, with nothing in the way; return how it ends."""
    again = SimulatedFleet(environment=scenario.environment, state=fleet.saved())
    known = set(again.store.operations)
    again.send(queue_of(scenario.body), scenario.body.replace('"create"', '"again"'))
    again.run()
    return next(o.status for name, o in again.store.operations.items() if name not in known)
