"""Decisions: kept once per proof, beside the operation that they are about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.adapters.aws.decisions import DynamoDecisions
from core.adapters.aws.operations import DynamoOperations
from core.adapters.memory.decisions import MemoryDecisions
from core.domain.approval import Decision
from core.ports.decisions import Decisions
from tests.contract.backends import Aws, Backend, Memory
from tests.contract.stored_operations import operation

APPROVAL = Decision(
    operation_id="550e8400-e29b-41d4-a716-446655440000",
    plan_hash="sha256:" + "1" * 64,
    role="TECH_LEAD",
    person="thabo",
    principal="arn:aws:sts::093646564004:assumed-role/AWSReservedSSO_TechLead_0123/thabo",
    approves=True,
    comment="Looks right; the shop's menu is on it.",
    decided_at=datetime(2026, 11, 21, 8, 0, 0, 123456, tzinfo=UTC),
    proof_digest="a" * 64,
)
REJECTION = replace(
    APPROVAL,
    role="BUSINESS_OWNER",
    person="lerato",
    approves=False,
    comment=None,
    decided_at=APPROVAL.decided_at - timedelta(minutes=5),
    proof_digest="b" * 64,
)


@pytest.fixture
def decisions(backend: Backend) -> Decisions:
    if isinstance(backend, Memory):
        return MemoryDecisions(backend.world)
    return DynamoDecisions(
        client=backend.clients.dynamodb, table_name=backend.make_table("operations")
    )


def test_an_operation_nobody_decided_about_has_no_decisions(decisions: Decisions):
    assert list(decisions.of(APPROVAL.operation_id)) == []


def test_decisions_come_back_whole_and_oldest_first(decisions: Decisions):
    assert decisions.put(APPROVAL) == APPROVAL
    assert decisions.put(REJECTION) == REJECTION
    assert list(decisions.of(APPROVAL.operation_id)) == [REJECTION, APPROVAL]


def test_the_same_proof_again_gets_the_decision_that_is_there(decisions: Decisions):
    """Whatever it says now: a verdict is stored once and never rewritten."""
    decisions.put(APPROVAL)
    later = APPROVAL.decided_at + timedelta(hours=1)
    changed = replace(APPROVAL, approves=False, person="somebody-else", decided_at=later)
    assert decisions.put(changed) == APPROVAL
    assert list(decisions.of(APPROVAL.operation_id)) == [APPROVAL]


def test_a_decision_counts_for_its_own_operation_only(decisions: Decisions):
    other = replace(APPROVAL, operation_id="550e8400-e29b-41d4-a716-446655440001")
    decisions.put(APPROVAL)
    assert list(decisions.of(other.operation_id)) == []
    assert decisions.put(other) == other


def test_decisions_are_no_part_of_what_a_step_reads(aws: Aws):
    """They share the operation's partition; the history must not take one for a step."""
    store = DynamoOperations(client=aws.clients.dynamodb, table_name=aws.make_table("operations"))
    decisions = DynamoDecisions(client=aws.clients.dynamodb, table_name="operations")
    accepted = replace(operation(), operation_id=APPROVAL.operation_id)
    store.accept(accepted, "{}")
    decisions.put(APPROVAL)
    assert store.history(accepted.operation_id).steps == ()
    assert store.get(accepted.operation_id) == accepted
