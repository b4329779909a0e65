"""Rollbacks of prod on request: with an incident and a proof bound to this very request."""

from __future__ import annotations

import json

import pytest

from core.domain.proof import ProofBinding, ProofDecision
from events import identity
from events.decode import decode
from events.formats import Environment
from events.requests import canonical_hash, effective_idempotency_key
from events.vocabulary import OperationStatus, OperationType
from simulation.requests import SITE, TENANT, rollback
from tests.engine.deciding import STRANGER, Desk, to_prod, until

FIRST, SECOND = to_prod(correlation="first"), to_prod(correlation="second")
INCIDENT = "INC0012345"
PROD = Environment.PROD


def promotion_id(correlation: str) -> str:
    key = f"SITE_PROMOTION_REQUEST#{SITE}#{correlation}"
    return identity.operation_id(PROD, TENANT, "SITE_PROMOTION_REQUEST", key)


@pytest.fixture
def prod():
    """Two promotions are behind it: release 2 is live, release 1 is kept."""
    return Desk.of(PROD, FIRST, SECOND)


def asked(**payload) -> str:
    return rollback(**{"operationId": promotion_id("second"), "incidentId": INCIDENT, **payload})


def signed(desk: Desk, body: str, person="tech-lead", role="TECH_LEAD", **binding) -> str:
    """Return the request with a proof: of its operation's id, and of its payload's hash."""
    unsigned = {"headers": {"host": "nobody"}}
    message = json.loads(body)
    message["payload"]["proof"] = unsigned
    request = decode(json.dumps(message))
    bound = {
        "operation_id": identity.operation_id(
            PROD, TENANT, request.message_type, effective_idempotency_key(request)
        ),
        "plan_hash": canonical_hash(request),
        "decision": ProofDecision.ROLLBACK,
        "role": role,
        "environment": PROD,
        **binding,
    }
    message["payload"]["proof"] = {"headers": desk.proof(person, ProofBinding(**bound))}
    return json.dumps(message)


def rollbacks(desk: Desk):
    kind = OperationType.SITE_ROLLBACK
    return [o for o in desk.fleet.store.operations.values() if o.operation_type is kind]


def pointer(desk: Desk) -> str:
    groups = {arn: name for name, arn in desk.fleet.world.target_groups.items()}
    (rule,) = desk.fleet.world.rules.values()
    return groups[rule.target_group_arn].rpartition("-")[2]


def test_with_incident_and_proof_it_goes_back(prod):
    prod.send(signed(prod, asked()))
    prod.end()
    (done,) = rollbacks(prod)
    assert (done.status, pointer(prod)) == (OperationStatus.COMPLETED, "r1")
    (kept,) = [
        d for d in prod.fleet.world.decisions.values() if d.operation_id == done.operation_id
    ]
    assert (kept.person, kept.role, kept.comment) == ("tech-lead", "TECH_LEAD", "broken")


def test_the_same_request_again_is_the_same_rollback(prod):
    body = signed(prod, asked())
    prod.send(body)
    prod.send(body)
    prod.end()
    prod.send(body)
    assert (len(rollbacks(prod)), prod.letters) == (1, [])


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ({"incidentId": None}, "incidentId"),
        ({"proof": None}, "proof"),
        ({"proof": None, "incidentId": None}, "incidentId and proof"),
    ],
    ids=["incident", "proof", "both"],
)
def test_what_prod_asks_for_is_asked_for(prod, missing, named):
    message = json.loads(signed(prod, asked()))
    payload = {k: v for k, v in message["payload"].items() if k not in missing}
    prod.send(json.dumps({**message, "payload": payload}))
    prod.refused(f"needs {named}", code="SITE_001")
    assert (rollbacks(prod), pointer(prod)) == ([], "r2")


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"role": "OPERATIONS_LEAD"}, "does not hold the role OPERATIONS_LEAD"),
        ({"role": "DEV_LEAD"}, "Nobody asks DEV_LEAD"),
        ({"person": STRANGER}, "lists nobody by that principal"),
        ({"decision": ProofDecision.APPROVE}, "x-sitefleet-decision"),
        ({"environment": Environment.SIT}, "x-sitefleet-environment"),
        ({"operation_id": "550e8400-e29b-41d4-a716-446655440001"}, "x-sitefleet-operation"),
        ({"plan_hash": f"sha256:{'b' * 64}"}, "x-sitefleet-plan"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_proof_of_something_else_is_refused(prod, how, reason):
    prod.send(signed(prod, asked(), **how))
    prod.refused(reason)
    assert (rollbacks(prod), pointer(prod)) == ([], "r2")


def test_a_proof_does_not_fit_the_request_once_its_goal_is_changed(prod):
    message = json.loads(signed(prod, asked()))
    message["payload"]["toRelease"] = 1
    prod.send(json.dumps(message))
    prod.refused("x-sitefleet-plan")


def test_a_proof_is_not_spent_again_on_another_request(prod):
    proof = json.loads(signed(prod, asked()))["payload"]["proof"]
    prod.send(asked(correlation="another", proof=proof))
    prod.refused("x-sitefleet-operation")


def test_whoever_asked_for_the_promotion_may_take_it_back(prod):
    """A rollback needs one proof, and is no approval of one's own work."""
    body = json.dumps({**json.loads(asked()), "requestedBy": "tech-lead"})
    prod.send(signed(prod, body))
    assert len(rollbacks(prod)) == 1


class TestOfARunningPromotion:
    @pytest.fixture
    def running(self, prod):
        """A third promotion holds the site."""
        prod.ask(to_prod(correlation="third"))
        prod.decide("tech-lead", "TECH_LEAD")
        prod.decide("operations-lead", "OPERATIONS_LEAD")
        until(prod.fleet, lambda: prod.operation.lock_held)
        return prod

    @pytest.mark.parametrize("goal", ["the promotion", "the site"])
    def test_without_a_proof_nothing_is_cancelled(self, running, goal):
        named = {"operationId": promotion_id("third")}
        site = {"tenantId": TENANT, "siteId": SITE, "toRelease": 1}
        running.send(rollback(incidentId=INCIDENT, **(named if "promotion" in goal else site)))
        running.refused("needs proof", code="SITE_001")
        third = running.fleet.store.operations[promotion_id("third")]
        assert not third.cancel_requested

    def test_with_a_proof_it_is_cancelled_and_a_repeat_only_answered(self, running):
        body = signed(running, rollback(operationId=promotion_id("third"), incidentId=INCIDENT))
        running.send(body)
        running.end()
        third = running.fleet.store.operations[promotion_id("third")]
        assert third.status is OperationStatus.CANCELLED
        running.send(body)
        assert (running.letters, rollbacks(running)) == ([], [])
        assert running.fleet.world.events[-1].detail_type == "SiteOperationStatus"

    def test_a_late_repeat_of_a_done_rollback_does_not_cancel_the_next_promotion(self, prod):
        body = signed(
            prod, rollback(tenantId=TENANT, siteId=SITE, toRelease=1, incidentId=INCIDENT)
        )
        prod.send(body)
        prod.end()
        assert pointer(prod) == "r1"
        prod.ask(to_prod(correlation="third"))
        prod.decide("tech-lead", "TECH_LEAD")
        prod.decide("operations-lead", "OPERATIONS_LEAD")
        until(prod.fleet, lambda: prod.operation.lock_held)
        prod.send(body)
        assert not prod.operation.cancel_requested
        assert len(rollbacks(prod)) == 1
