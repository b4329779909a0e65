"""`promotions approve` and `reject`: what is shown, signed and sent, and how it is taken."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest
import typer

from core.adapters.memory.clock import ManualClock, SeededIds
from core.domain.approval import Decision
from core.domain.errors import RefusedError
from core.domain.proof import (
    ProofBinding,
    ProofDecision,
    StsEndpoint,
    check_proof,
    proof_digest,
)
from events.decode import decode
from events.formats import Environment
from events.vocabulary import OperationStatus
from ops.desk import Desk
from ops.errors import BadInputError, ExitCode, NotTakenError, RequestRefusedError
from ops.place import Options
from ops.promotion.deciding import approve, reject
from tests.ops.promotion_records import AWAITING, DECISION, PLAN_HASH, store_promotion
from tests.ops.records import ID, RUNNING, at

CALLER = "arn:aws:sts::123456789012:user/moto"
KEY = "AKIAABCDEFGHIJKLMNOP"
SECRETS = ("do-not-print-me", KEY, "Signature=", "AWS4-HMAC-SHA256")
BINDING = ProofBinding(
    operation_id=ID,
    plan_hash=PLAN_HASH,
    decision=ProofDecision.APPROVE,
    role="OPERATIONS_LEAD",
    environment=Environment.SIT,
)
SHOWN = f"""\
You are about to approve this plan:
  site         site-1 (tenant-1)
  path         dev -> sit
  moves        r3 of dev
  replaces     r2
  plan hash    {PLAN_HASH}
  asked by     jane.doe@example.com
  missing      OPERATIONS_LEAD
  expires      2026-11-23T08:00:20Z
  in the role  OPERATIONS_LEAD
  signed as    {CALLER}
  comment      Fine.
"""


@dataclass
class Fleet:
    """Plays the promotion queue's consumer, once, when the command first waits."""

    cloud: object
    clock: ManualClock
    refuses: str | None = None
    decides: bool = True

    def __call__(self, seconds):
        self.clock.advance(seconds)
        if not self.decides:
            return
        for message in self.cloud.messages("site-promotion"):
            if self.refuses is not None:
                self.bury(message)
            else:
                self.store(decode(message["Body"]))

    def store(self, request):
        headers = request.payload.proof.revealed()
        approves = request.message_type == "OPERATION_APPROVAL"
        self.cloud.decisions.put(
            Decision(
                operation_id=ID,
                plan_hash=request.payload.plan_hash,
                role=request.payload.role,
                person="lerato",
                principal=CALLER,
                approves=approves,
                comment=request.payload.comment,
                decided_at=self.clock.now(),
                proof_digest=proof_digest(headers),
            )
        )

    def bury(self, message):
        values = {
            "messageId": message["MessageId"],
            "errorCode": "PROM_003",
            "reason": self.refuses,
        }
        self.cloud.sqs.send_message(
            QueueUrl=self.cloud.queue_url("site-operations-dlq"),
            MessageBody="{}",
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in values.items()
            },
        )


@pytest.fixture(autouse=True)
def _key_of_a_person(cloud, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)


@pytest.fixture
def desk_of(cloud):
    def make(*, as_json=False, **behaviour):
        clock = ManualClock(at(600))
        fleet = Fleet(cloud, clock, **behaviour)
        options = Options(env=Environment.SIT, as_json=as_json)
        return Desk(options, {"AWS_ACCESS_KEY_ID": "x"}, clock, SeededIds(), fleet)

    return make


def sent(cloud):
    """Return what is on the queue, visible again for the next reader."""
    url = cloud.queue_url("site-promotion")
    answer = cloud.sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)
    [message] = answer["Messages"]
    return decode(message["Body"])


# --- approve --------------------------------------------------------------------------------


def test_an_approval_is_shown_signed_sent_and_answered(cloud, desk_of, capsys):
    store_promotion(cloud)
    approve(desk_of(), ID, role="OPERATIONS_LEAD", comment="Fine.", yes=True)
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        "Stored: lerato approved as OPERATIONS_LEAD at 2026-11-21T08:10:02Z: Fine.",
        "Still missing: nobody.",
    ]
    assert err == (
        f"{SHOWN}"
        "Sent OPERATION_APPROVAL to the promotion queue of sit.\n"
        f"Look at it: sitefleet promotions show {ID} --env sit --watch\n"
    )


def test_the_proof_is_one_that_the_fleet_accepts_and_bound_to_this_decision(cloud, desk_of):
    store_promotion(cloud)
    with pytest.raises(NotTakenError):
        approve(desk_of(decides=False), ID, role="OPERATIONS_LEAD", yes=True)
    request = sent(cloud)
    headers = request.payload.proof.revealed()
    endpoint = StsEndpoint.of_region("af-south-1")
    check_proof(headers, binding=BINDING, endpoint=endpoint, now=at(600))
    assert request.requested_by == CALLER
    other = replace(BINDING, decision=ProofDecision.REJECT)
    with pytest.raises(RefusedError, match="not the decision that is decided here"):
        check_proof(headers, binding=other, endpoint=endpoint, now=at(600))


def test_neither_credentials_nor_proof_are_ever_printed(cloud, desk_of, capsys):
    store_promotion(cloud)
    approve(desk_of(as_json=True), ID, role="OPERATIONS_LEAD", comment="Fine.", yes=True)
    printed = "".join(capsys.readouterr())
    assert not [secret for secret in SECRETS if secret in printed]


def test_json_tells_the_decision_and_who_is_missing(cloud, desk_of, capsys):
    store_promotion(cloud, decisions=())
    approve(desk_of(as_json=True), ID, role="OPERATIONS_LEAD", yes=True)
    document = json.loads(capsys.readouterr().out)
    assert document["missingRoles"] == ["TECH_LEAD"]
    assert document["status"] == "AWAITING_APPROVAL"
    assert document["decision"] == {
        "role": "OPERATIONS_LEAD",
        "person": "lerato",
        "principal": CALLER,
        "approves": True,
        "planHash": PLAN_HASH,
        "comment": None,
        "decidedAt": "2026-11-21T08:10:02.000Z",
    }


def test_a_refused_approval_says_why(cloud, desk_of):
    store_promotion(cloud)
    desk = desk_of(refuses="Nobody approves a request of their own.")
    with pytest.raises(RequestRefusedError) as refused:
        approve(desk, ID, role="OPERATIONS_LEAD", yes=True)
    assert str(refused.value) == (
        "The fleet refused the request. PROM_003: Nobody approves a request of their own."
    )


def test_the_decision_of_somebody_else_is_not_taken_for_ones_own(cloud, desk_of):
    store_promotion(cloud, decisions=(DECISION,))
    with pytest.raises(NotTakenError):
        approve(desk_of(decides=False), ID, role="TECH_LEAD", yes=True)


def test_watch_follows_the_promotion_to_its_end(cloud, desk_of, capsys):
    store_promotion(cloud)
    desk = desk_of()

    def end(seconds):
        fleet(seconds)
        client = cloud.operations._client
        client.delete_item(TableName="bbws-wp-operations-sit", Key=cloud.operations._key(ID))
        cloud.store(ended)

    fleet = desk.sleep
    ended = replace(AWAITING, status=OperationStatus.COMPLETED, cursor=9, completed_at=at(700))
    with pytest.raises(typer.Exit) as exited:
        approve(replace(desk, sleep=end), ID, role="OPERATIONS_LEAD", yes=True, watch=True)
    assert exited.value.exit_code == ExitCode.COMPLETED
    assert "COMPLETED after 11 min 40 s" in capsys.readouterr().err


# --- reject ---------------------------------------------------------------------------------


def test_a_rejection_carries_its_comment(cloud, desk_of, capsys):
    store_promotion(cloud)
    reject(desk_of(), ID, role="OPERATIONS_LEAD", comment="Month end.", yes=True)
    out, err = capsys.readouterr()
    assert out == "Stored: lerato rejected as OPERATIONS_LEAD at 2026-11-21T08:10:02Z: Month end.\n"
    assert err.startswith("You are about to reject this plan:\n")
    assert "Sent OPERATION_REJECTION to the promotion queue of sit.\n" in err


def test_a_rejection_needs_a_comment(cloud, sitefleet):
    store_promotion(cloud)
    answer = sitefleet("promotions", "reject", ID, "--env=sit", "--role=TECH_LEAD", "--yes")
    assert answer.code == ExitCode.BAD_INPUT
    assert "--comment" in answer.err
    assert cloud.messages("site-promotion") == []


# --- what is refused here, before anything is signed ----------------------------------------


@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        ("n\n", "Nothing was sent.\n"),
        (None, "Nobody answered, and nothing was sent. Where nobody sits, say --yes.\n"),
    ],
)
def test_without_a_yes_nothing_is_sent(cloud, sitefleet, stdin, said):
    store_promotion(cloud)
    answer = sitefleet(
        "promotions", "approve", ID, "--env=sit", "--role=OPERATIONS_LEAD", stdin=stdin
    )
    assert answer.code == ExitCode.BAD_INPUT
    assert answer.err.endswith(said)
    assert cloud.messages("site-promotion") == []


def test_a_role_that_nobody_asked_for_is_refused_here(cloud, desk_of):
    store_promotion(cloud)
    with pytest.raises(BadInputError, match=r"needs TECH_LEAD, OPERATIONS_LEAD, not CTO\."):
        approve(desk_of(), ID, role="CTO", yes=True)
    assert cloud.messages("site-promotion") == []


def test_what_waits_for_nobody_is_not_approved(cloud, desk_of):
    cloud.store(RUNNING)
    with pytest.raises(BadInputError) as refused:
        approve(desk_of(), ID, role="TECH_LEAD", yes=True)
    assert str(refused.value) == (
        f"Operation {ID} is IN_PROGRESS and waits for nobody's approval. Look at it: sitefleet "
        f"promotions show {ID} --env sit"
    )


def test_on_aws_nobody_signs_as_somebody_else(cloud, desk_of):
    store_promotion(cloud)
    with pytest.raises(BadInputError, match="--as names a person of the one-machine runtime"):
        approve(desk_of(), ID, role="TECH_LEAD", as_person="tech-lead", yes=True)
