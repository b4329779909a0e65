"""Proofs that must not count: forged, tampered with, replayed; and none is kept anywhere."""

from __future__ import annotations

import json

import pytest
import structlog

from core.domain.proof import ProofDecision, StsEndpoint
from events.formats import Environment
from events.vocabulary import DetailType, OperationStatus
from simulation.requests import TENANT
from tests.engine.deciding import (
    OPS,
    OTHER_PLAN,
    STRANGER,
    TECH,
    Desk,
    message_to,
    to_prod,
)

AWAITING = OperationStatus.AWAITING_APPROVAL
OTHER_OPERATION = "550e8400-e29b-41d4-a716-446655440001"


@pytest.fixture
def prod():
    """A promotion to prod that two roles are asked about."""
    desk = Desk.of(Environment.PROD)
    desk.ask(to_prod())
    return desk


class TestForgery:
    """What the body says is not believed; the signed headers and AWS's answer are."""

    @pytest.mark.parametrize(
        ("signed", "reason"),
        [
            ({"role": "OPERATIONS_LEAD"}, "x-sitefleet-role"),
            ({"operation_id": OTHER_OPERATION}, "x-sitefleet-operation"),
            ({"plan_hash": OTHER_PLAN}, "x-sitefleet-plan"),
            ({"decision": ProofDecision.REJECT}, "x-sitefleet-decision"),
            ({"decision": ProofDecision.ROLLBACK}, "x-sitefleet-decision"),
            ({"environment": Environment.SIT}, "x-sitefleet-environment"),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
    )
    def test_a_body_that_claims_something_else_than_was_signed_is_refused(
        self, prod, signed, reason
    ):
        prod.send(prod.decision(*TECH, binding=signed))
        prod.refused(reason)
        assert (prod.decisions, prod.operation.status) == ([], AWAITING)

    @pytest.mark.parametrize(
        ("signed", "tampered"),
        [
            ({"role": "TECH_LEAD"}, {"x-sitefleet-role": "OPERATIONS_LEAD"}),
            ({"operation_id": OTHER_OPERATION}, None),
            ({"plan_hash": OTHER_PLAN}, None),
            ({"decision": ProofDecision.REJECT}, {"x-sitefleet-decision": "approve"}),
        ],
        ids=["role", "operation", "plan", "decision"],
    )
    def test_a_header_changed_after_signing_no_longer_has_its_signature(
        self, prod, signed, tampered
    ):
        operation = prod.operation
        changed = tampered or {
            "x-sitefleet-operation": operation.operation_id,
            "x-sitefleet-plan": str(operation.summary["planHash"]),
        }
        role = changed.get("x-sitefleet-role", "TECH_LEAD")
        prod.send(prod.decision("tech-lead", role, binding=signed, headers=changed))
        prod.refused("SignatureDoesNotMatch")
        assert (prod.decisions, prod.operation.status) == ([], AWAITING)

    def test_a_younger_date_does_not_make_an_old_proof_young(self, prod):
        message = json.loads(prod.decision(*TECH))
        prod.wait(16 * 60)
        headers = message["payload"]["proof"]["headers"]
        headers["x-amz-date"] = prod.fleet.clock.now().strftime("%Y%m%dT%H%M%SZ")
        prod.send(json.dumps(message))
        prod.refused("SignatureDoesNotMatch")

    @pytest.mark.parametrize(
        ("endpoint", "reason"),
        [
            (StsEndpoint(region="af-south-1", url="https://sts.amazonaws.com/"), "another host"),
            (StsEndpoint.of_region("eu-west-1"), "another host"),
            (StsEndpoint(region="af-south-1", url="https://evil.example/"), "another host"),
            (
                StsEndpoint(region="eu-west-1", url="https://sts.af-south-1.amazonaws.com/"),
                "another region",
            ),
        ],
        ids=["global", "another region", "another host", "signed for another region"],
    )
    def test_a_proof_for_another_endpoint_is_refused_before_anything_is_asked(
        self, prod, endpoint, reason
    ):
        before = len(prod.fleet.boundary.calls)
        prod.decide(*TECH, endpoint=endpoint)
        prod.refused(reason)
        asked = [c for c in prod.fleet.boundary.calls[before:] if c.port == "identities"]
        assert (asked, prod.decisions) == ([], [])

    def test_a_genuine_proof_is_shown_to_sts_exactly_once(self, prod):
        body = prod.decision(*TECH)
        before = len(prod.fleet.boundary.calls)
        for _ in range(3):
            prod.send(body)
        asked = [c for c in prod.fleet.boundary.calls[before:] if c.port == "identities"]
        assert [(c.port, c.method) for c in asked] == [("identities", "ask")]

    def test_a_proof_older_than_15_minutes_is_refused_and_one_of_14_counts(self, prod):
        old, young = prod.decision(*TECH), prod.decision(*OPS)
        prod.wait(14 * 60)
        prod.send(young)
        assert prod.decisions == [(*OPS, True)]
        prod.wait(61)
        prod.send(old)
        prod.refused("older than 15 minutes")

    def test_a_header_beyond_the_allowed_ones_is_refused(self, prod):
        prod.send(prod.decision(*TECH, headers={"x-forwarded-host": "evil.example"}))
        prod.refused("headers beyond those")


class TestReplay:
    def test_the_same_message_again_counts_once_and_is_answered(self, prod):
        body = prod.decision(*TECH)
        for _ in range(3):
            prod.send(body)
        assert prod.decisions == [(*TECH, True)]
        assert prod.letters == []
        answers = [
            e for e in prod.fleet.world.events if e.detail_type is DetailType.OPERATION_STATUS
        ]
        assert len(answers) == 3

    def test_the_same_proof_in_the_name_of_another_role_is_refused(self, prod):
        first = json.loads(prod.decision(*TECH))
        prod.send(json.dumps(first))
        first["payload"]["role"] = "OPERATIONS_LEAD"
        prod.send(json.dumps(first))
        prod.refused("x-sitefleet-role")
        assert prod.decisions == [(*TECH, True)]

    def test_the_same_proof_as_a_rejection_is_refused(self, prod):
        first = json.loads(prod.decision(*TECH))
        prod.send(json.dumps(first))
        prod.send(json.dumps({**first, "messageType": "OPERATION_REJECTION"}))
        prod.refused("x-sitefleet-decision")
        assert prod.operation.status is AWAITING

    def test_a_proof_does_not_fit_another_operation(self, prod):
        message = json.loads(prod.decision(*TECH))
        prod.send(message_to("OPERATION_CANCEL_REQUEST", prod.operation.operation_id))
        other = prod.ask(to_prod(correlation="another"))
        message["payload"] |= {
            "operationId": other.operation_id,
            "planHash": other.summary["planHash"],
        }
        prod.send(json.dumps(message))
        prod.refused("x-sitefleet-operation")
        assert prod.decisions == []

    def test_after_the_end_the_same_message_is_answered_and_changes_nothing(self, prod):
        body = prod.decision(*TECH)
        prod.send(body)
        prod.send(message_to("OPERATION_CANCEL_REQUEST", prod.operation.operation_id))
        ended = prod.operation
        prod.send(body)
        assert (prod.operation, prod.letters) == (ended, [])


class TestSecrets:
    def test_no_signature_is_anywhere_afterwards(self, prod, capsys):
        """Accepted, refused for every kind of reason, unreadable: searched for in the world."""
        with structlog.testing.capture_logs() as lines:
            prod.decide(*TECH)
            prod.send(prod.decision(*OPS, binding={"role": "TECH_LEAD"}))
            prod.send(prod.decision(*OPS, headers={"x-sitefleet-role": "TECH_LEAD"}))
            prod.send(prod.decision(STRANGER, "OPERATIONS_LEAD"))
            prod.send(prod.decision("operations-lead", "no role at all"))
            prod.send(prod.decision(*OPS)[:-1])
            prod.send(prod.decision(*OPS, headers={"x-unknown": "1"}))
            prod.decide(*OPS)
            prod.end()
        assert prod.operation.status is OperationStatus.COMPLETED
        assert len(prod.letters) == 6
        fleet = prod.fleet
        places = {
            "world": repr(vars(fleet.world)),
            "store": repr(vars(fleet.store)),
            "events": "".join(event.queue_body() for event in fleet.world.events),
            "notifications": "".join(n.sns_message() for n in fleet.world.notifications),
            "letters": repr([(letter.body, letter.attributes) for letter in prod.letters]),
            "log": repr(lines) + "".join(capsys.readouterr()),
            "evidence": repr(fleet.world.objects),
        }
        assert len(prod.sent) == 8
        assert TENANT in places["world"]
        found = [
            (place, signature[:8])
            for place, text in places.items()
            for signature in prod.sent
            if signature in text
        ]
        assert found == []
        assert "Signature=" not in "".join(places.values())
