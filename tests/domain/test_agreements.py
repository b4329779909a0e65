"""Who must agree to what: promotions by their own rules, deletions and overrides by theirs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from core.bootstrap import load_policy
from core.domain.approval import Decision
from core.domain.approval_policy import AgreementPolicy
from core.domain.approvals import check_decision, check_request
from core.domain.errors import RefusedError
from core.domain.lifecycle_policy import DeletionPolicy
from core.domain.policy import Policy
from events.vocabulary import OperationType

PROD = load_policy("prod")
DELETION, UPDATE = OperationType.SITE_DELETION, OperationType.SITE_UPDATE
PROMOTION = OperationType.SITE_PROMOTION
NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)


def under(**changes) -> Policy:
    return Policy.model_validate(PROD.model_dump() | changes)


def test_promotions_and_their_rollbacks_keep_their_own_rules():
    for kind in (PROMOTION, OperationType.SITE_ROLLBACK):
        assert PROD.approval_of(kind) is PROD.promotion_rules.approval


@pytest.mark.parametrize("kind", [DELETION, UPDATE])
def test_in_prod_both_leads_agree_and_the_people_are_those_of_promotions(kind):
    rules = PROD.approval_of(kind)
    assert rules.roles == ("TECH_LEAD", "OPERATIONS_LEAD")
    assert rules.requester_required
    assert (rules.wait_seconds, rules.emergency_roles) == (600, ())
    assert rules.people == PROD.promotion_rules.approval.people


@pytest.mark.parametrize("environment", ["dev", "sit", "local-dev", "local-sit"])
def test_elsewhere_nobody_is_asked(environment):
    policy = load_policy(environment)
    for kind in (DELETION, UPDATE, OperationType.SITE_RESTORE, OperationType.SITE_CREATION):
        assert policy.approval_of(kind).roles == ()


def test_a_role_that_nobody_holds_is_refused_when_the_policy_is_read():
    with pytest.raises(ValidationError, match="asks for EMPEROR, which nobody"):
        under(deletion=DeletionPolicy(approval=AgreementPolicy(roles=("EMPEROR",))))


def test_where_nothing_is_promoted_there_are_no_people_to_ask():
    dev = load_policy("dev").model_dump()
    asking = {"approval": {"roles": ["TECH_LEAD"]}}
    with pytest.raises(ValidationError, match="which nobody in"):
        Policy.model_validate(dev | {"deletion": asking})


def test_the_deadline_outlasts_every_approval_of_the_policy():
    long = AgreementPolicy(roles=("CTO",), expires_seconds=400_000)
    with pytest.raises(ValidationError, match=r"steps\.await_approval is reported as stalled"):
        under(deletion=DeletionPolicy(approval=long))


def test_a_request_must_say_who_asks():
    check_request(PROD.approval_of(DELETION), "jane", operation_type=DELETION)
    with pytest.raises(RefusedError, match="Deletion of a site in this environment must say who"):
        check_request(PROD.approval_of(DELETION), None, operation_type=DELETION)


def test_what_is_refused_names_the_operation_and_the_command_to_read_it():
    decision = Decision(
        operation_id="op-1",
        plan_hash="sha256:other",
        role="TECH_LEAD",
        person="tech-lead",
        principal="arn:aws:iam::093646564004:role/bbws-tech-lead",
        approves=True,
        decided_at=NOW,
        proof_digest="d",
    )
    with pytest.raises(RefusedError, match=r"sitefleet operations show op-1\) and decide again"):
        check_decision(
            PROD.approval_of(DELETION),
            decision,
            earlier=(),
            requester="jane",
            plan_hash="sha256:mine",
            asked_at=NOW,
            now=NOW,
            operation_type=DELETION,
        )
