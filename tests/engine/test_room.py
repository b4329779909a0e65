"""The load balancer is full: said before anything is built, whichever of its limits is reached."""

from __future__ import annotations

import pytest

from core.operations.steps.site_survey import BUILDS
from core.operations.update import UPDATE
from events.formats import Environment
from events.vocabulary import ErrorCode, OperationStatus, SiteStatus
from simulation.requests import SITE, TENANT, creation, update
from simulation.scenario import prepared
from tests.engine.creating import ask, fleet_with
from tests.engine.creating import ended as ends
from tests.engine.updating import ended

DEV = Environment.DEV
DONE, FAILED = OperationStatus.COMPLETED, OperationStatus.FAILED
GROUPS = "room for 0 more target groups, and 1 must be free. Nothing was changed. AWS gives no"
RULES = "room for 1 more listener rules, and 2 must be free. Nothing was changed. Raise the"
BUILDING = {
    "another image": {"imageTag": "next"},
    "another size": {"scale": {"memoryMib": 2048}},
    "a domain": {"domain": "banana.example"},
}


def with_room(fleet, *, rules: int, target_groups: int):
    """Leave so much room beside what is there."""
    balancer = fleet.engine.ports.load_balancer
    there = balancer.room(1)
    fleet.world.rule_quota += rules - there.rules
    fleet.world.target_group_quota += target_groups - there.target_groups
    return fleet


class TestCreation:
    @pytest.mark.parametrize(
        ("rules", "target_groups", "sentence"), [(400, 0, GROUPS), (1, 50, RULES), (0, 0, GROUPS)]
    )
    def test_it_ends_before_anything_is_built(self, rules, target_groups, sentence):
        fleet = with_room(fleet_with(), rules=rules, target_groups=target_groups)
        ask(fleet, SITE)
        failed = ends(fleet)[SITE]
        assert (failed.status, failed.failure.step) == (FAILED, "reserve_release")
        assert failed.failure.code is ErrorCode.SYS_001
        assert sentence in failed.failure.message
        assert (fleet.world.target_groups, fleet.world.services, fleet.world.rules) == ({}, {}, {})
        assert not fleet.world.places.get(TENANT)
        assert fleet.world.subdomains == {}
        assert fleet.store.locks == {}

    def test_the_last_room_is_enough(self):
        fleet = with_room(fleet_with(), rules=2, target_groups=1)
        ask(fleet, SITE)
        assert ends(fleet)[SITE].status is DONE


class TestUpdate:
    @pytest.mark.parametrize("changes", BUILDING.values(), ids=BUILDING)
    def test_one_that_builds_beside_the_live_release_ends_at_once(self, changes):
        fleet = with_room(prepared(DEV, creation()), rules=400, target_groups=0)
        failed = ended(fleet, update(changes=changes))
        assert (failed.status, failed.failure.step) == (FAILED, "survey_site")
        assert GROUPS in failed.failure.message
        assert fleet.world.sites[TENANT, SITE].status is SiteStatus.ACTIVE

    @pytest.mark.parametrize("changes", BUILDING.values(), ids=BUILDING)
    def test_one_group_and_one_rule_are_enough(self, changes):
        fleet = with_room(prepared(DEV, creation()), rules=1, target_groups=1)
        assert ended(fleet, update(changes=changes)).status is DONE

    def test_one_that_builds_nothing_needs_no_room(self):
        fleet = with_room(prepared(DEV, creation()), rules=0, target_groups=0)
        assert ended(fleet, update(changes={"scale": {"desiredCount": 3}})).status is DONE

    def test_the_steps_that_make_a_target_group_are_known_by_their_names(self):
        assert {step.name for step in UPDATE.steps} >= BUILDS
