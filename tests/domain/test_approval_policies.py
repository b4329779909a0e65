"""Rules for approvals that cannot be loaded, and how people are matched with roles."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from core.domain.matching import distinct_people
from tests.domain.test_approvals import person, policy


class TestRefusedWhenLoaded:
    """A policy that nobody could satisfy."""

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"roles": ["TECH_LEAD", "QA"]}, "approval.roles asks for QA, which nobody"),
            ({"emergency_roles": ["PRESIDENT"]}, "approval.emergency_roles asks for PRESIDENT"),
            ({"rollback_roles": ["PRESIDENT"]}, "approval.rollback_roles asks for PRESIDENT"),
            ({"roles": ["TECH_LEAD", "TECH_LEAD"]}, "names a role twice"),
            ({"requester_required": False}, "requester_required = true"),
            ({"roles": []}, "asks for more than approval.roles"),
            ({"expires_seconds": 0}, "expires_seconds"),
            ({"wait_seconds": -1}, "wait_seconds"),
        ],
    )
    def test_roles_that_cannot_be_filled(self, changes, told):
        with pytest.raises(ValidationError, match=told):
            policy(**changes)

    def test_one_person_for_two_roles(self):
        people = {"naledi": person("naledi", "TECH_LEAD", "OPERATIONS_LEAD")}
        with pytest.raises(ValidationError, match="only 1 of these roles can be filled"):
            policy(people=people, emergency_roles=[], rollback_roles=[])

    def test_two_people_for_three_roles(self):
        people = {
            "naledi": person("naledi", "TECH_LEAD", "OPERATIONS_LEAD", "CTO"),
            "thabo": person("thabo", "TECH_LEAD", "OPERATIONS_LEAD", "CTO"),
        }
        roles = ["TECH_LEAD", "OPERATIONS_LEAD", "CTO"]
        with pytest.raises(ValidationError, match="asks for 3 different people"):
            policy(people=people, roles=roles)

    def test_people_are_enough_when_only_a_clever_choice_fills_all_roles(self):
        people = {
            "naledi": person("naledi", "TECH_LEAD", "OPERATIONS_LEAD"),
            "thabo": person("thabo", "TECH_LEAD"),
        }
        rules = policy(people=people, emergency_roles=[], rollback_roles=[])
        assert rules.holders("TECH_LEAD") == ("naledi", "thabo")


ROLES = ("A", "B", "C", "D")


@settings(deadline=None)
@given(
    st.fixed_dictionaries({role: st.lists(st.sampled_from("pqrs"), unique=True) for role in ROLES})
)
def test_the_matching_is_the_largest_there_is(candidates):
    found = distinct_people(candidates)
    assert len(set(found.values())) == len(found)
    assert all(person in candidates[role] for role, person in found.items())
    best = max(
        sum(who in candidates[role] for role, who in zip(ROLES, people, strict=True))
        for people in permutations("pqrs")
    )
    assert len(found) == best
