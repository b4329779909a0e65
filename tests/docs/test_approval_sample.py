"""The approval that approve.md sends with botocore alone is one that the fleet accepts."""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws
from pages import ROOT, Page

from core.adapters.system import SystemClock
from core.domain.errors import RefusedError
from core.domain.proof import ProofBinding, ProofDecision, StsEndpoint, check_proof
from events.decode import decode
from events.formats import Environment
from events.requests import OperationApproval

PATH = ROOT / "docs/howto/approve.md"
SCRIPTS = [b for b in Page(path=PATH, text=PATH.read_text()).blocks if b.language == "python"]
REGION = "af-south-1"


@pytest.fixture(params=["user", "session"])
def approval(request, monkeypatch) -> OperationApproval:
    """What the script sends, with a user's key and with a role session's."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    [script] = SCRIPTS
    with mock_aws():
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAABCDEFGHIJKLMNOP")
        if request.param == "session":
            monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
        else:
            monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
        sqs = boto3.client("sqs", region_name=REGION)
        url = sqs.create_queue(QueueName="bbws-wp-site-promotion-prod")["QueueUrl"]
        exec(compile(script.text, script.page, "exec"), {})
        [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    return decode(message["Body"])


def check(approval: OperationApproval, decision: ProofDecision) -> None:
    binding = ProofBinding(
        operation_id=approval.payload.operation_id,
        plan_hash=approval.payload.plan_hash,
        decision=decision,
        role=approval.payload.role,
        environment=Environment.PROD,
    )
    check_proof(
        approval.payload.proof.revealed(),
        binding=binding,
        endpoint=StsEndpoint.of_region(REGION),
        now=SystemClock().now(),
    )


def test_the_fleet_accepts_the_proof_and_for_nothing_else(approval):
    assert isinstance(approval, OperationApproval)
    check(approval, ProofDecision.APPROVE)
    with pytest.raises(RefusedError, match="not the decision that is decided here"):
        check(approval, ProofDecision.REJECT)
