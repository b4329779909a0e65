"""A site that was suspended, or has a domain of its own, is deleted like any other one."""

from __future__ import annotations

import pytest

from core.adapters.memory.boundary import Boundary
from events.vocabulary import OperationStatus, OperationType, SiteStatus
from simulation.failures import WHY, workflows_failing_at
from simulation.promises import snapshot, visible
from simulation.requests import CREATED, OWN_DOMAIN, SUSPENSION, TENANT, deletion
from simulation.scenario import DEV, DONE, FAILED, Scenario

CHANGED = {"suspended": SUSPENSION, "own domain": OWN_DOMAIN}


def scenario(change: str) -> Scenario:
    return Scenario(
        name=change, environment=DEV, earlier=(CREATED, change), body=deletion(), ends=DONE
    )


@pytest.fixture(params=CHANGED.values(), ids=CHANGED.keys())
def change(request) -> str:
    return request.param


def ended(fleet) -> OperationStatus:
    deletions = OperationType.SITE_DELETION
    found = [o for o in fleet.store.operations.values() if o.operation_type is deletions]
    return found[-1].status


def test_it_is_gone_with_its_names_certificate_place_and_group(change):
    fleet = scenario(change).start(Boundary())
    fleet.run()
    assert ended(fleet) is DONE
    (site,) = fleet.world.sites.values()
    assert (site.status, site.domain, site.live_release) == (SiteStatus.DELETED, None, None)
    assert not fleet.world.rules
    assert not fleet.world.pages
    assert not fleet.world.subdomains
    assert not fleet.world.certificates
    assert not fleet.world.listener_certificates
    assert not fleet.world.task_definitions
    state = snapshot(fleet)
    assert not state["places"].get(TENANT)
    assert not state["tenant groups"]


@pytest.mark.parametrize("step", ["prove_backup", "take_name_down"])
def test_when_a_step_fails_before_the_name_is_down_it_is_as_it_was(change, step):
    workflows = workflows_failing_at(OperationType.SITE_DELETION, step)
    fleet = scenario(change).start(Boundary(), workflows)
    before = visible(snapshot(fleet))
    fleet.run()
    operation = list(fleet.store.operations.values())[-1]
    assert operation.failure.message == WHY
    assert operation.status in {FAILED, OperationStatus.ROLLED_BACK}
    after = visible(snapshot(fleet))
    assert {name: after[name] for name in after if after[name] != before[name]} == {}
