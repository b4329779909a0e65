"""Approvals for real: IAM users sign, the one machine's STS verifies, and only that counts."""

import json

import pytest

from tests.acceptance.approvals import TABLE
from tests.acceptance.log_lines import log_lines

pytestmark = pytest.mark.machine


@pytest.mark.parametrize(
    ("tried", "reason"),
    [
        ("self-approval", "request of their own"),
        ("tampered header", "SignatureDoesNotMatch"),
        ("claimed role", "does not hold the role OPERATIONS_LEAD"),
        ("another's key id", "SignatureDoesNotMatch"),
        ("another operation", "x-sitefleet-operation is not the operation"),
        ("global STS", "addressed to another host"),
    ],
)
def test_what_must_not_count_is_refused_with_its_reason(approvals, tried, reason):
    answer = approvals.answers[tried]
    assert answer["data"]["error"]["code"] == "PROM_003"
    assert reason in answer["data"]["error"]["message"]
    assert answer["metadata"]["operationId"] == approvals.operation_id


def test_a_genuine_proof_is_kept_with_the_person_whom_aws_names(approvals):
    (kept,) = approvals.kept
    assert (kept["person"], kept["role"]) == ("operations-lead", "OPERATIONS_LEAD")
    assert kept["principal"] == "arn:aws:iam::093646564004:user/operations-lead"


def test_the_same_message_again_counts_once(approvals):
    assert approvals.replayed == approvals.kept


def test_a_no_ends_it_and_is_announced(world, approvals):
    assert approvals.end["data"]["status"] == "REJECTED"
    assert "Not before the sale." in approvals.end["data"]["error"]["message"]
    told = world.notifications["prod"].wait_for_operation(
        approvals.operation_id, "OPERATION_REJECTED"
    )
    assert told["MessageAttributes"]["outcome"]["Value"] == "rejected"


def test_prod_is_as_it_was(world, approvals):
    prod = world.inventory["prod"]
    assert {kind: dict(found) for kind, found in prod.releases().items()} == {
        kind: {} for kind in prod.releases()
    }
    items = prod.items(TABLE)
    assert [item["PK"] for item in items if item["SK"] == "LOCK"] == []


def test_no_signature_is_anywhere(world, approvals):
    account = world.accounts["prod"]
    places = {
        "logs": "\n".join(line for log in log_lines(account) for line in log.lines),
        "events": json.dumps(world.events["prod"].messages),
        "notifications": json.dumps(world.notifications["prod"].messages),
        "dead letters": json.dumps(world.letters["prod"].messages),
        "operations": json.dumps(world.inventory["prod"].items(TABLE)),
        "machine": "\n".join(p.read_text() for p in world.home.glob("local/logs/*.log")),
    }
    assert all(len(text) > 500 for text in places.values())
    assert len(approvals.signatures) == 8
    found = [place for place, text in places.items() for s in approvals.signatures if s in text]
    assert found == []
