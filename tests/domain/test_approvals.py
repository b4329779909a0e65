"""Approvals: who counts, for which plan, until when; and every way in which one does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from core.domain.approval import Decision
from core.domain.approval_policy import ApprovalPolicy
from core.domain.approvals import (
    Approved,
    Expired,
    Pending,
    Rejected,
    check_decision,
    check_request,
    check_rollback_role,
    weigh,
)
from core.domain.errors import RefusedError
from events.vocabulary import ErrorCode

ASKED = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
PLAN = "sha256:" + "a" * 64
OTHER_PLAN = "sha256:" + "b" * 64
EXPIRES = ASKED + timedelta(hours=48)


def person(key, *roles):
    return {"principals": [f"arn:aws:iam::093646564004:role/{key}"], "roles": list(roles)}


def policy(**changes):
    rules = {
        "roles": ["TECH_LEAD", "OPERATIONS_LEAD"],
        "emergency_roles": ["TECH_LEAD", "CTO"],
        "rollback_roles": ["TECH_LEAD", "CTO"],
        "requester_required": True,
        "wait_seconds": 600,
        "expires_seconds": 172_800,
        "people": {
            "thabo": person("thabo", "TECH_LEAD"),
            "lerato": person("lerato", "OPERATIONS_LEAD"),
            "naledi": person("naledi", "TECH_LEAD", "OPERATIONS_LEAD"),
            "sipho": person("sipho", "CTO"),
        },
    }
    return ApprovalPolicy.model_validate({**rules, **changes})


def at(minutes):
    return ASKED + timedelta(minutes=minutes)


def decision(who, role, minutes=1, *, yes=True, plan=PLAN, comment=None, proof=None):
    return Decision(
        operation_id="op-1",
        plan_hash=plan,
        role=role,
        person=who,
        principal=f"arn:aws:sts::093646564004:assumed-role/{who}/session",
        approves=yes,
        comment=comment,
        decided_at=at(minutes),
        proof_digest=proof or f"{who}{role}{minutes}{yes}{plan}",
    )


def weighed(*decisions, now=30, rules=None, requester="jane", emergency=False):
    return weigh(
        rules or policy(),
        decisions,
        requester=requester,
        plan_hash=PLAN,
        asked_at=ASKED,
        now=now if isinstance(now, datetime) else at(now),
        emergency=emergency,
    )


TECH = decision("thabo", "TECH_LEAD", 1)
OPS = decision("lerato", "OPERATIONS_LEAD", 5)


class TestWhoCounts:
    def test_two_people_in_two_roles_and_the_wait_is_over(self):
        assert weighed(TECH, OPS, now=15) == Approved(
            at=at(15), by={"TECH_LEAD": "thabo", "OPERATIONS_LEAD": "lerato"}
        )

    @pytest.mark.parametrize("order", list(permutations((TECH, OPS))))
    def test_the_order_of_the_decisions_does_not_matter(self, order):
        assert weighed(*order, now=15) == weighed(TECH, OPS, now=15)

    def test_one_is_missing(self):
        stands = weighed(TECH)
        assert isinstance(stands, Pending)
        assert stands.missing == ("OPERATIONS_LEAD",)
        assert stands.until == EXPIRES
        assert stands.why == (
            "Waits until 2026-11-26 08:00 UTC for an approval as OPERATIONS_LEAD."
        )

    def test_nobody_has_decided(self):
        stands = weighed()
        assert isinstance(stands, Pending)
        assert stands.missing == ("TECH_LEAD", "OPERATIONS_LEAD")

    def test_the_same_person_under_two_roles_counts_once(self):
        stands = weighed(
            decision("naledi", "TECH_LEAD", 1), decision("naledi", "OPERATIONS_LEAD", 2)
        )
        assert isinstance(stands, Pending)
        assert len(stands.missing) == 1
        assert "naledi approved under more than one role and counts once" in stands.why

    def test_whoever_holds_two_roles_fills_the_one_that_is_left(self):
        """Greedy would give TECH_LEAD to naledi, who came first, and find nobody for the other."""
        stands = weighed(
            decision("naledi", "TECH_LEAD", 1),
            decision("naledi", "OPERATIONS_LEAD", 2),
            decision("thabo", "TECH_LEAD", 3),
            now=13,
        )
        assert stands == Approved(at=at(13), by={"TECH_LEAD": "thabo", "OPERATIONS_LEAD": "naledi"})

    def test_the_same_person_twice_in_one_role_counts_once(self):
        stands = weighed(TECH, decision("thabo", "TECH_LEAD", 2))
        assert isinstance(stands, Pending)
        assert stands.missing == ("OPERATIONS_LEAD",)

    def test_the_same_proof_twice_counts_once(self):
        assert isinstance(weighed(TECH, TECH), Pending)

    @pytest.mark.parametrize(
        "ignored",
        [
            decision("thabo", "OPERATIONS_LEAD", 2),  # a role that this person does not hold
            decision("sipho", "CTO", 2),  # a role that nobody asks
            decision("mallory", "OPERATIONS_LEAD", 2),  # a stranger
            decision("lerato", "OPERATIONS_LEAD", 2, plan=OTHER_PLAN),
            decision("lerato", "OPERATIONS_LEAD", 48 * 60),  # at the very moment of expiry
            decision("lerato", "OPERATIONS_LEAD", 48 * 60 + 1),
        ],
    )
    def test_what_does_not_count(self, ignored):
        stands = weighed(TECH, ignored, now=10)
        assert isinstance(stands, Pending)
        assert stands.missing == ("OPERATIONS_LEAD",)

    @pytest.mark.parametrize(
        "requester", ["lerato", "LERATO", "arn:aws:iam::093646564004:role/lerato"]
    )
    def test_nobody_approves_a_request_of_their_own(self, requester):
        stands = weighed(TECH, OPS, requester=requester)
        assert isinstance(stands, Pending)
        assert stands.missing == ("OPERATIONS_LEAD",)

    def test_somebody_who_no_longer_holds_the_role_does_not_count(self):
        people = {
            "thabo": person("thabo", "TECH_LEAD"),
            "naledi": person("naledi", "OPERATIONS_LEAD"),
        }
        rules = policy(people=people, emergency_roles=[], rollback_roles=[])
        assert isinstance(weighed(TECH, OPS, rules=rules), Pending)

    def test_no_roles_no_question(self):
        rules = policy(roles=[], emergency_roles=[])
        assert weighed(rules=rules, now=0) == Approved(at=ASKED, by={})
        assert weighed(rules=rules, now=0, emergency=True) == Approved(at=ASKED, by={})


class TestWhen:
    def test_the_wait_begins_with_the_last_approval_that_was_needed(self):
        late = decision("naledi", "OPERATIONS_LEAD", 12)
        stands = weighed(TECH, OPS, late, now=14.99)
        assert stands == Pending(
            missing=(),
            until=at(15),
            why="Approved by thabo (TECH_LEAD), lerato (OPERATIONS_LEAD); open to objection until "
            "2026-11-24 08:15 UTC.",
        )
        assert weighed(TECH, OPS, late, now=15) == Approved(
            at=at(15), by={"TECH_LEAD": "thabo", "OPERATIONS_LEAD": "lerato"}
        )

    def test_it_expires_at_the_very_second(self):
        before, after = EXPIRES - timedelta(seconds=1), EXPIRES
        assert isinstance(weighed(TECH, now=before), Pending)
        assert weighed(TECH, now=after) == Expired(missing=("OPERATIONS_LEAD",), at=EXPIRES)

    def test_what_was_complete_in_time_does_not_expire_in_the_wait(self):
        last = decision("lerato", "OPERATIONS_LEAD", 48 * 60 - 1)
        assert isinstance(weighed(TECH, last, now=EXPIRES), Pending)
        assert isinstance(weighed(TECH, last, now=EXPIRES + timedelta(minutes=9)), Approved)


class TestRejection:
    def test_one_no_ends_it_with_its_comment(self):
        no = decision("lerato", "OPERATIONS_LEAD", 2, yes=False, comment="prices are wrong")
        assert weighed(TECH, no) == Rejected(
            by="lerato", role="OPERATIONS_LEAD", comment="prices are wrong", at=at(2)
        )

    def test_a_no_beats_the_yes_of_the_same_role(self):
        no = decision("naledi", "TECH_LEAD", 3, yes=False)
        assert isinstance(weighed(TECH, OPS, no), Rejected)

    @pytest.mark.parametrize(
        ("minutes", "outcome"), [(5, Rejected), (14.9, Rejected), (15, Approved), (16, Approved)]
    )
    def test_it_comes_in_time_until_the_wait_is_over(self, minutes, outcome):
        no = decision("naledi", "TECH_LEAD", minutes, yes=False)
        assert isinstance(weighed(TECH, OPS, no, now=60), outcome)

    def test_it_comes_in_time_after_expiry_while_the_wait_runs(self):
        last = decision("lerato", "OPERATIONS_LEAD", 48 * 60 - 1)
        no = decision("naledi", "TECH_LEAD", 48 * 60 + 2, yes=False)
        assert isinstance(weighed(TECH, last, no, now=EXPIRES + timedelta(hours=1)), Rejected)

    @pytest.mark.parametrize(
        "no",
        [
            decision("sipho", "CTO", 2, yes=False),
            decision("mallory", "TECH_LEAD", 2, yes=False),
            decision("thabo", "OPERATIONS_LEAD", 2, yes=False),
            decision("thabo", "TECH_LEAD", 2, yes=False, plan=OTHER_PLAN),
        ],
    )
    def test_a_no_of_somebody_who_is_not_asked_counts_as_little_as_a_yes(self, no):
        assert isinstance(weighed(no), Pending)

    def test_the_requester_may_say_no(self):
        no = decision("thabo", "TECH_LEAD", 2, yes=False)
        assert isinstance(weighed(no, requester="thabo"), Rejected)


class TestEmergency:
    CTO = decision("sipho", "CTO", 2)

    def test_its_own_roles_agree_and_nobody_waits(self):
        assert weighed(TECH, self.CTO, now=2, emergency=True) == Approved(
            at=at(2), by={"TECH_LEAD": "thabo", "CTO": "sipho"}
        )

    def test_the_ordinary_roles_do_not_do(self):
        assert isinstance(weighed(TECH, OPS, emergency=True), Pending)

    def test_the_emergency_roles_do_not_do_for_an_ordinary_promotion(self):
        assert isinstance(weighed(TECH, self.CTO), Pending)

    def test_it_waits_where_policy_says_so(self):
        rules = policy(emergency_wait_seconds=60)
        assert weighed(TECH, self.CTO, now=2, emergency=True, rules=rules).until == at(3)

    def test_where_there_is_no_such_path_it_is_refused(self):
        rules = policy(emergency_roles=[])
        with pytest.raises(RefusedError, match="no emergency path") as refused:
            check_request(rules, "jane", emergency=True)
        assert refused.value.code is ErrorCode.PROM_003
        with pytest.raises(RefusedError, match="no emergency path"):
            weighed(rules=rules, emergency=True)


class TestMayADecisionBeKept:
    def refused(self, candidate, *, earlier=(), now=10, requester="jane", emergency=False):
        with pytest.raises(RefusedError) as refused:
            self.check(candidate, earlier, now, requester, emergency=emergency)
        assert refused.value.code is ErrorCode.PROM_003
        return refused.value.message

    def check(self, candidate, earlier=(), now=10, requester="jane", *, emergency=False):
        check_decision(
            policy(),
            candidate,
            earlier=earlier,
            requester=requester,
            plan_hash=PLAN,
            asked_at=ASKED,
            now=at(now),
            emergency=emergency,
        )

    def test_a_good_one_may(self):
        self.check(TECH)
        self.check(OPS, earlier=(TECH,))

    def test_the_same_proof_delivered_again_may_even_when_all_is_over(self):
        self.check(TECH, earlier=(TECH, OPS), now=60)

    def test_the_same_proof_for_something_else_may_not(self):
        other = decision("naledi", "TECH_LEAD", 30, proof=TECH.proof_digest)
        assert "approved" in self.refused(other, earlier=(TECH, OPS), now=60)

    @pytest.mark.parametrize(
        ("candidate", "told"),
        [
            (decision("mallory", "TECH_LEAD"), "knows nobody called mallory"),
            (decision("sipho", "CTO"), "Nobody asks CTO: TECH_LEAD, OPERATIONS_LEAD must agree"),
            (decision("thabo", "OPERATIONS_LEAD"), "thabo does not hold the role OPERATIONS_LEAD"),
            (decision("thabo", "TECH_LEAD", plan=OTHER_PLAN), "sitefleet promotions plan op-1"),
            (decision("thabo", "TECH_LEAD", yes=False, plan=OTHER_PLAN), "decide again"),
        ],
    )
    def test_who_what_and_which_plan(self, candidate, told):
        assert told in self.refused(candidate)

    def test_self_approval_may_not(self):
        assert "nobody approves a request of their own" in self.refused(TECH, requester="thabo")

    def test_self_rejection_may(self):
        self.check(decision("thabo", "TECH_LEAD", yes=False), requester="thabo")

    def test_an_emergency_asks_others(self):
        self.check(decision("sipho", "CTO"), emergency=True)
        assert "Nobody asks OPERATIONS_LEAD" in self.refused(OPS, emergency=True)

    def test_too_late(self):
        assert "over at 2026-11-26 08:00 UTC" in self.refused(TECH, now=48 * 60)

    def test_after_a_rejection(self):
        no = decision("lerato", "OPERATIONS_LEAD", 2, yes=False)
        assert "lerato has rejected this plan" in self.refused(TECH, earlier=(no,))

    def test_after_the_approval(self):
        no = decision("naledi", "TECH_LEAD", 20, yes=False)
        told = self.refused(no, earlier=(TECH, OPS), now=20)
        assert "sitefleet operations cancel op-1" in told

    def test_an_objection_in_the_wait(self):
        self.check(decision("naledi", "TECH_LEAD", 10, yes=False), earlier=(TECH, OPS), now=10)

    def test_one_more_approval_in_the_wait(self):
        more = decision("naledi", "TECH_LEAD", 10)
        assert "no approval is missing" in self.refused(more, earlier=(TECH, OPS), now=10)


class TestRequestsAndRollbacks:
    def test_a_request_must_say_who_asks(self):
        with pytest.raises(RefusedError, match="requestedBy is missing") as refused:
            check_request(policy(), None, emergency=False)
        assert refused.value.code is ErrorCode.SITE_001
        check_request(policy(), "jane", emergency=False)
        check_request(ApprovalPolicy(), None, emergency=True)

    def test_a_rollback_is_proved_by_one_of_its_roles(self):
        check_rollback_role(policy(), person="sipho", role="CTO")
        check_rollback_role(policy(rollback_roles=[]), person="anybody", role="ANY")
        with pytest.raises(RefusedError, match="TECH_LEAD, CTO may ask for a rollback"):
            check_rollback_role(policy(), person="lerato", role="OPERATIONS_LEAD")
        with pytest.raises(RefusedError, match="lerato does not hold the role CTO"):
            check_rollback_role(policy(), person="lerato", role="CTO")
