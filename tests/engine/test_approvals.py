"""Approvals driven by messages: who may decide about which plan, and what never counts."""

from __future__ import annotations

from typing import ClassVar

import pytest

from core.domain.approval_policy import Person
from core.domain.proof import ProofDecision
from core.ports.messaging import QueueName
from events.formats import Environment
from events.vocabulary import OperationStatus
from simulation.promises import snapshot, visible
from tests.engine.deciding import (
    OPS,
    OTHER_PLAN,
    STRANGER,
    TECH,
    Desk,
    message_to,
    to_prod,
    to_sit,
    until,
)

AWAITING = OperationStatus.AWAITING_APPROVAL


@pytest.fixture
def prod():
    """A promotion to prod that two roles are asked about."""
    desk = Desk.of(Environment.PROD)
    desk.ask(to_prod())
    return desk


@pytest.fixture
def sit():
    desk = Desk.of(Environment.SIT)
    desk.ask(to_sit())
    return desk


def with_people(desk: Desk, **people: Person) -> Desk:
    """Let the policy name other people as well."""
    policy = desk.fleet.policy
    approval = policy.promotion.approval
    everybody = approval.model_copy(update={"people": {**approval.people, **people}})
    rules = policy.promotion.model_copy(update={"approval": everybody})
    return desk.under(policy.model_copy(update={"promotion": rules}))


def steps_of(desk: Desk) -> list[str]:
    history = desk.fleet.store.history(desk.operation.operation_id)
    return [record.step for record in history.steps]


class TestWhoCounts:
    def test_in_sit_the_dev_lead_is_enough_and_the_work_begins_at_once(self, sit):
        sit.decide("dev-lead", "DEV_LEAD")
        assert sit.decisions == [("dev-lead", "DEV_LEAD", True)]
        assert sit.operation.status is OperationStatus.IN_PROGRESS

    def test_in_prod_one_of_two_is_not_enough(self, prod):
        prod.decide(*TECH)
        prod.wait(3600)
        assert prod.operation.status is AWAITING
        assert "as OPERATIONS_LEAD" in prod.operation.waiting_for

    def test_two_decisions_under_one_correlation_id_both_count(self, prod):
        prod.decide(*TECH, correlation="one-meeting")
        prod.decide(*OPS, correlation="one-meeting")
        assert prod.decisions == [(*TECH, True), (*OPS, True)]
        prod.wait(601)
        assert "await_approval" in steps_of(prod)

    @pytest.mark.parametrize(
        "spelt",
        [
            "tech-lead",
            "TECH-LEAD",
            "Tech-Lead",
            "arn:aws:iam::093646564004:role/bbws-tech-lead",
            "arn:aws:sts::093646564004:assumed-role/bbws-tech-lead/anything",
            "arn:aws:sts::093646564004:assumed-role/bbws-tech-lead/tech-lead",
            "ARN:AWS:IAM::093646564004:ROLE/BBWS-TECH-LEAD",
        ],
    )
    def test_nobody_approves_a_request_of_their_own_however_they_spell_themselves(self, spelt):
        desk = Desk.of(Environment.PROD)
        desk.ask(to_prod(requested_by=spelt))
        desk.decide(*TECH)
        desk.refused("asked for this promotion", "request of their own")
        assert desk.decisions == []
        desk.decide(*OPS)
        assert desk.decisions == [(*OPS, True)]

    @pytest.mark.parametrize("spelt", ["jane.doe@example.com", "Jane.Doe@Example.com"])
    def test_the_name_of_the_approvers_own_session_is_a_spelling_too(self, spelt):
        """Several people take on the role; the session says which of them asked and approves."""
        desk = Desk.of(Environment.PROD)
        desk.ask(to_prod(requested_by=spelt))
        arn = "arn:aws:sts::093646564004:assumed-role/bbws-tech-lead/jane.doe@example.com"
        jane = type(STRANGER)(arn=arn, access_key_id="ASIAJANE000000000000", secret_access_key="s")
        desk.keys([*desk.fleet.world.callers, jane])
        desk.send(desk.decision(jane, "TECH_LEAD"))
        desk.refused("request of their own")
        assert desk.decisions == []

    def test_the_requester_may_reject(self):
        desk = Desk.of(Environment.PROD)
        desk.ask(to_prod(requested_by="tech-lead"))
        desk.decide(*TECH, decision=ProofDecision.REJECT)
        assert desk.operation.status is OperationStatus.REJECTED

    @pytest.mark.parametrize(
        ("person", "role", "reason"),
        [
            ("tech-lead", "OPERATIONS_LEAD", "does not hold the role OPERATIONS_LEAD"),
            ("cto", "CTO", "Nobody asks CTO"),
            ("cto", "TECH_LEAD", "does not hold the role TECH_LEAD"),
            ("tech-lead", "EMPEROR", "Nobody asks EMPEROR"),
        ],
    )
    def test_a_wrong_role_is_refused(self, prod, person, role, reason):
        prod.decide(person, role)
        prod.refused(reason)
        assert (prod.decisions, prod.operation.status) == ([], AWAITING)

    def test_one_person_under_two_roles_counts_once(self):
        desk = with_people(
            Desk.of(Environment.PROD),
            both=Person(
                principals=("arn:aws:iam::093646564004:role/bbws-both",),
                roles=("TECH_LEAD", "OPERATIONS_LEAD"),
            ),
        )
        desk.ask(to_prod())
        desk.decide("both", "TECH_LEAD")
        desk.decide("both", "OPERATIONS_LEAD")
        desk.wait(7200)
        assert desk.operation.status is AWAITING
        assert "both approved under more than one role and counts once" in (
            desk.operation.waiting_for
        )
        desk.decide(*OPS)
        desk.wait(601)
        done = desk.fleet.store.history(desk.operation.operation_id).steps
        (facts,) = [record.facts for record in done if record.step == "await_approval"]
        assert facts["by_role"] == {"TECH_LEAD": "both", "OPERATIONS_LEAD": "operations-lead"}

    def test_an_unknown_principal_is_refused_and_not_named(self, prod):
        prod.send(prod.decision(STRANGER, "TECH_LEAD"))
        prod.refused("an IAM user of account 093646564004", "lists nobody by that principal")
        assert "mallory" not in prod.letters[-1].attributes["reason"]
        assert prod.decisions == []

    def test_somebody_whose_key_aws_does_not_know_is_refused(self, prod):
        prod.keys([STRANGER])
        prod.decide(*TECH)
        prod.refused("InvalidClientTokenId")


class TestWhen:
    def test_an_approval_of_another_plan_is_refused(self, prod):
        prod.send(prod.decision(*TECH, binding={"plan_hash": OTHER_PLAN}, planHash=OTHER_PLAN))
        prod.refused(OTHER_PLAN, "Read the plan")
        assert prod.decisions == []

    def test_before_the_plan_is_ready_there_is_nothing_to_decide(self):
        desk = Desk.of(Environment.PROD)
        desk.fleet.send(QueueName.PROMOTION, to_prod())
        until(desk.fleet, lambda: bool(desk.fleet.store.operations))
        desk.send(desk.decision(*TECH))
        desk.refused("there is nothing to decide", code="SITE_005")
        assert desk.operation.status is AWAITING
        assert desk.decisions == []

    def test_once_everybody_has_agreed_no_further_approval_is_taken(self, prod):
        prod.decide(*TECH)
        prod.decide(*OPS)
        prod.wait(1)
        prod.decide(*TECH)
        prod.refused("no approval is missing")
        prod.wait(600)
        prod.decide(*TECH)
        prod.refused("there is nothing to decide", code="SITE_005")

    def test_the_time_to_object_is_kept_to_the_second(self, prod):
        prod.wait(100)
        prod.decide(*TECH)
        prod.wait(1000)
        prod.decide(*OPS)
        agreed_at = prod.fleet.clock.now()
        prod.wait(599)
        assert prod.operation.status is AWAITING
        prod.wait(2)
        assert prod.operation.status is OperationStatus.IN_PROGRESS
        done = prod.fleet.store.history(prod.operation.operation_id).steps
        (record,) = [r for r in done if r.step == "await_approval"]
        assert 600 <= (record.completed_at - agreed_at).total_seconds() <= 601

    def test_an_objection_in_that_time_ends_it(self, prod):
        prod.decide(*TECH)
        prod.decide(*OPS)
        prod.wait(300)
        prod.decide(*OPS, decision=ProofDecision.REJECT)
        assert prod.operation.status is OperationStatus.REJECTED

    def test_it_expires_and_says_who_was_missing(self, prod):
        before = visible(snapshot(prod.fleet))
        prod.decide(*TECH)
        late = prod.decision(*OPS)
        prod.end()
        operation = prod.operation
        assert (operation.status, operation.failure.code) == (OperationStatus.FAILED, "PROM_003")
        assert "missing: OPERATIONS_LEAD" in operation.failure.message
        assert (operation.completed_at - operation.created_at).total_seconds() == pytest.approx(
            172_800, abs=5
        )
        assert visible(snapshot(prod.fleet)) == before
        prod.send(late)
        prod.refused("there is nothing to decide", code="SITE_005")

    def test_an_approval_in_the_moment_of_expiry_comes_too_late(self, prod):
        prod.decide(*TECH)
        prod.fleet.world.queues[QueueName.PROMOTION].clear()
        prod.fleet.clock.advance(172_800)
        prod.decide(*OPS)
        prod.refused("The time to decide was over")
        assert prod.decisions == [(*TECH, True)]


class TestRejection:
    def test_it_ends_the_operation_and_leaves_nothing_behind(self, prod):
        before = visible(snapshot(prod.fleet))
        prod.decide(*TECH)
        prod.decide(*OPS, decision=ProofDecision.REJECT, comment="Not before the sale.")
        prod.end()
        operation = prod.operation
        assert (operation.status, operation.failure.code) == (OperationStatus.REJECTED, "PROM_003")
        assert operation.failure.message == (
            "OPERATIONS_LEAD rejected the plan: Not before the sale."
        )
        assert visible(snapshot(prod.fleet)) == before
        assert prod.fleet.store.locks == {}
        told = prod.fleet.world.notifications[-1]
        assert (told.event_type, told.outcome) == ("OPERATION_REJECTED", "rejected")
        assert "Not before the sale." in told.email()

    def test_nobody_without_an_asked_role_can_reject(self, prod):
        prod.decide("cto", "CTO", decision=ProofDecision.REJECT)
        prod.refused("Nobody asks CTO")
        assert prod.operation.status is AWAITING

    def test_a_second_opinion_after_it_is_refused(self, prod):
        prod.decide(*TECH, decision=ProofDecision.REJECT)
        prod.decide(*OPS)
        prod.refused("there is nothing to decide", code="SITE_005")


class TestEmergency:
    EMERGENCY: ClassVar = {"emergency": {"incidentId": "INC0012345", "reason": "The shop is down."}}

    def test_it_asks_other_roles_and_waits_for_no_objection(self):
        desk = Desk.of(Environment.PROD)
        asked = desk.ask(to_prod(**self.EMERGENCY))
        assert asked.summary["roles"] == ["TECH_LEAD", "CTO"]
        desk.decide(*OPS)
        desk.refused("Nobody asks OPERATIONS_LEAD")
        desk.decide(*TECH)
        assert desk.operation.status is AWAITING
        desk.decide("cto", "CTO")
        assert desk.operation.status is OperationStatus.IN_PROGRESS

    def test_it_does_not_wait_for_the_window(self):
        desk = Desk.of(Environment.PROD)
        desk.ask(to_prod(**self.EMERGENCY))
        desk.decide(*TECH)
        desk.decide("cto", "CTO")
        desk.end()
        assert desk.operation.status is OperationStatus.COMPLETED
        assert (desk.operation.completed_at - desk.operation.created_at).total_seconds() < 2 * 3600

    def test_there_is_none_into_sit(self):
        desk = Desk.of(Environment.SIT)
        desk.send(to_sit(**self.EMERGENCY))
        desk.refused("no emergency path")
        assert desk.fleet.store.operations == {}


class TestChangedPlan:
    def test_a_source_that_changed_after_the_approval_voids_it(self, prod):
        play = prod.fleet.jobs.play

        def with_a_new_plugin(job):
            result = play(job)
            if job.step == "decide_again":
                facts = {**result.facts, "plugins": {"akismet": "5.3"}}
                return result.model_copy(update={"facts": facts})
            return result

        before = visible(snapshot(prod.fleet))
        prod.decide(*TECH)
        prod.decide(*OPS)
        prod.fleet.jobs.play = with_a_new_plugin
        prod.end()
        operation = prod.operation
        assert (operation.status, operation.failure.code) == (OperationStatus.FAILED, "PROM_003")
        assert operation.failure.step == "decide_again"
        assert "no longer hold" in operation.failure.message
        assert visible(snapshot(prod.fleet)) == before

    def test_approvals_of_the_former_attempt_do_not_count_for_the_next(self, prod):
        prod.decide(*TECH)
        prod.decide(*OPS)
        prod.send(message_to("OPERATION_CANCEL_REQUEST", prod.operation.operation_id))
        prod.ask(to_prod(correlation="another"))
        prod.wait(3600)
        assert prod.operation.status is AWAITING
