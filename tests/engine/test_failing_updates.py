"""Whatever step of an update fails, even after its work is done, the site is as it was before."""

from __future__ import annotations

import pytest

from core.adapters.memory.boundary import Boundary
from core.operations.steps.wordpress_changes import WORDPRESS_CHANGES
from events.vocabulary import OperationStatus, OperationType
from simulation.failures import WHY, workflows_failing_at
from simulation.scenario import Scenario
from simulation.update_scenarios import UPDATES
from tests.engine.test_failing_steps import seen

DONE = [scenario for scenario in UPDATES if scenario.ends is OperationStatus.COMPLETED]
WORDPRESS = {step.name for step in WORDPRESS_CHANGES}
CUT_OVER = {"roll_out", "open_site", "close_site", "close_for_move", "switch_domain"} | WORDPRESS
"""Steps of which visitors see something."""


def plan_of(scenario: Scenario) -> tuple[str, ...]:
    """Return the steps as they are planned when the request is accepted."""
    fleet = scenario.start(Boundary())
    known = set(fleet.store.operations)
    while not (fresh := fleet.store.operations.keys() - known):
        fleet.step()
    return fleet.store.operations[fresh.pop()].plan


CASES = [
    pytest.param(scenario, step, id=f"{scenario.name}-{step}".replace(" ", "-"))
    for scenario in DONE
    for step in plan_of(scenario)
]


@pytest.mark.parametrize(("scenario", "step"), CASES)
def test_a_step_that_fails_after_its_work_leaves_the_site_as_it_was(scenario, step):
    """Only release 1, which lay out of reach and has been retired, does not come back."""
    workflows = workflows_failing_at(OperationType.SITE_UPDATE, step)
    fleet = scenario.start(Boundary(), workflows)
    before, known = seen(fleet, of_retired=step != "retire_releases"), set(fleet.store.operations)
    fleet.run()
    operation = next(o for name, o in fleet.store.operations.items() if name not in known)
    assert (operation.failure.message, operation.failure.step) == (WHY, step)
    plan = operation.plan
    is_seen = CUT_OVER.intersection(plan[: plan.index(step) + 1])
    ends = OperationStatus.ROLLED_BACK if is_seen else OperationStatus.FAILED
    assert operation.status is ends
    assert fleet.store.locks == {}
    after = seen(fleet, of_retired=step != "retire_releases")
    assert {name: after[name] for name in after if after[name] != before[name]} == {}


def test_each_kind_of_change_is_there():
    steps = {step for scenario in DONE for step in plan_of(scenario)}
    assert steps >= CUT_OVER | {"start_service", "start_trial", "rest_service", "await_approval"}
