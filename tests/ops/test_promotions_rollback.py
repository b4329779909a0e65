"""`promotions rollback`: what would be live again, what is proved, and what is refused here."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import boto3
import pytest

from core.adapters.aws.operations import DynamoOperations
from core.adapters.aws.sites import DynamoSites
from core.adapters.memory.clock import ManualClock, SeededIds
from core.domain.proof import ProofBinding, ProofDecision, StsEndpoint, check_proof
from core.domain.site import ReleaseStatus
from events import identity
from events.decode import decode
from events.formats import Environment
from events.requests import canonical_hash
from events.vocabulary import OperationStatus, OperationType
from ops.desk import Desk
from ops.errors import BadInputError, ExitCode, RequestRefusedError
from ops.place import Options
from ops.promotion.taking_back import rollback
from tests.ops.conftest import REGION, make_platform
from tests.ops.promotion_records import BASE_ID
from tests.ops.records import COMPLETED, ID, RUNNING, SITE, at, operation, release

CALLER = "arn:aws:sts::123456789012:user/moto"
FORMER = replace(release(1, ReleaseStatus.SUPERSEDED), operation_id=BASE_ID)
LIVE = release(2, ReleaseStatus.LIVE)
SHOWN = """\
You are about to take a release back:
  site        site-1 (tenant-1) in sit
  live now    r2
  live again  r1
  reason      Checkout is broken.
  Its service is started first where it rests, which takes minutes; the switch itself takes seconds.
  Rows written to r2 since its switch are exported and counted, not carried back.
"""


@pytest.fixture(autouse=True)
def _key_of_a_person(cloud, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAABCDEFGHIJKLMNOP")


@dataclass
class Fleet:
    """Accepts the rollback when the command first waits, or answers why not."""

    cloud: object
    clock: ManualClock
    environment: Environment = Environment.SIT

    def __call__(self, seconds):
        self.clock.advance(seconds)
        request = request_on(self.cloud, self.environment)
        payload = request.payload
        tenant = payload.tenant_id or "tenant-1"
        key = f"{request.message_type}#{payload.operation_id or payload.site_id}"
        self.cloud.store(
            operation(
                operation_id=identity.operation_id(
                    self.environment,
                    tenant,
                    request.message_type,
                    f"{key}#{request.correlation_id}",
                ),
                operation_type=OperationType.SITE_ROLLBACK,
                environment=self.environment,
            )
        )


def request_on(cloud, environment=Environment.SIT):
    url = cloud.queue_url("site-promotion", environment)
    [message] = cloud.sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]
    return decode(message["Body"])


@pytest.fixture
def desk():
    clock = ManualClock(at(600))
    return Desk(
        Options(env=Environment.SIT), {"AWS_ACCESS_KEY_ID": "x"}, clock, SeededIds(), clock.advance
    )


@pytest.fixture
def live(cloud):
    """Store a site whose second release is live, and the promotion that built it."""

    def store(*, site=SITE, releases=(FORMER, LIVE), promotion=COMPLETED):
        cloud.sites.put(site, expected_version=None)
        for one in releases:
            cloud.sites.put_release(one)
        cloud.store(promotion)

    return store


# --- sit ------------------------------------------------------------------------------------


def test_a_finished_promotion_is_taken_back(cloud, desk, live, capsys):
    live()
    fleet = replace(desk, sleep=Fleet(cloud, desk.clock))
    rollback(fleet, ID, reason="Checkout is broken.", yes=True)
    request = request_on(cloud)
    assert request.payload.model_dump(exclude_none=True, exclude={"proof"}) == {
        "operationId": ID,
        "reason": "Checkout is broken.",
    }
    out, err = capsys.readouterr()
    accepted = cloud.operations.get(out.strip())
    assert accepted.operation_type is OperationType.SITE_ROLLBACK
    assert err == (
        f"{SHOWN}"
        "Sent PROMOTION_ROLLBACK_REQUEST to the promotion queue of sit.\n"
        "The fleet has accepted it. Follow it: sitefleet promotions show "
        f"{out.strip()} --env sit --watch\n"
    )


def test_a_site_goes_back_to_a_kept_release(cloud, sitefleet, live, desk):
    live(releases=(FORMER, LIVE), promotion=replace(COMPLETED, operation_id=BASE_ID))
    fleet = replace(desk, sleep=Fleet(cloud, desk.clock))
    goal = {"site_id": "site-1", "tenant_id": "tenant-1", "to_release": 1}
    rollback(fleet, **goal, reason="Old theme.", yes=True)
    assert request_on(cloud).payload.model_dump(exclude_none=True, exclude={"proof"}) == {
        "siteId": "site-1",
        "tenantId": "tenant-1",
        "toRelease": 1,
        "reason": "Old theme.",
    }


def test_a_running_promotion_is_cancelled_instead(cloud, sitefleet, live):
    live(promotion=RUNNING)
    answer = sitefleet("promotions", "rollback", ID, "--env=sit", "--reason=Wrong site.", "--yes")
    assert (answer.code, answer.out) == (0, f"{ID}\n")
    assert answer.err == (
        f"Operation {ID} still runs (IN_PROGRESS at export_source): it is cancelled, and takes "
        "back by itself what it has made.\n"
        "Sent OPERATION_CANCEL_REQUEST to the promotion queue of sit.\n"
    )
    [sent] = cloud.bodies("site-promotion")
    assert sent["payload"] == {"operationId": ID, "reason": "Wrong site."}


def test_without_a_yes_nothing_is_sent(cloud, sitefleet, live):
    live()
    answer = sitefleet(
        "promotions", "rollback", ID, "--env=sit", "--reason=Checkout is broken.", stdin="n\n"
    )
    assert answer.code == ExitCode.BAD_INPUT
    assert answer.err == f"{SHOWN}Take it back? [y/N]:Nothing was sent.\n"
    assert cloud.messages("site-promotion") == []


def test_a_refused_rollback_says_why(cloud, desk, live):
    live()

    def refuse(seconds):
        desk.clock.advance(seconds)
        url = cloud.queue_url("site-promotion")
        [message] = cloud.sqs.receive_message(QueueUrl=url)["Messages"]
        values = {"messageId": message["MessageId"], "errorCode": "SITE_005", "reason": "Busy."}
        cloud.sqs.send_message(
            QueueUrl=cloud.queue_url("site-operations-dlq"),
            MessageBody="{}",
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in values.items()
            },
        )

    with pytest.raises(RequestRefusedError, match=r"SITE_005: Busy\."):
        rollback(replace(desk, sleep=refuse), ID, reason="x", yes=True)


# --- prod -----------------------------------------------------------------------------------


@pytest.fixture
def prod(cloud, live):
    make_platform("prod")
    client = boto3.client("dynamodb", region_name=REGION)
    cloud.operations = DynamoOperations(client=client, table_name="bbws-wp-operations-prod")
    cloud.sites = DynamoSites(client, "sites")
    live(
        site=replace(SITE, environment=Environment.PROD),
        promotion=replace(COMPLETED, environment=Environment.PROD),
    )
    return cloud


def test_prod_needs_an_incident_and_a_role(prod, sitefleet):
    answer = sitefleet("promotions", "rollback", ID, "--env=prod", "--reason=x", "--yes")
    assert (answer.code, answer.err) == (
        ExitCode.BAD_INPUT,
        "A rollback in prod needs --incident-id and --role. Nothing was sent.\n",
    )


def test_the_proof_of_a_rollback_holds_for_this_very_request(prod, desk, capsys):
    there = replace(
        desk,
        options=Options(env=Environment.PROD),
        sleep=Fleet(prod, desk.clock, Environment.PROD),
    )
    rollback(there, ID, reason="x", incident_id="INC-9", role="CTO", yes=True)
    request = request_on(prod, Environment.PROD)
    binding = ProofBinding(
        operation_id=capsys.readouterr().out.strip(),
        plan_hash=canonical_hash(request),
        decision=ProofDecision.ROLLBACK,
        role="CTO",
        environment=Environment.PROD,
    )
    headers = request.payload.proof.revealed()
    check_proof(headers, binding=binding, endpoint=StsEndpoint.of_region("af-south-1"), now=at(600))
    assert request.payload.incident_id == "INC-9"
    assert request.requested_by == CALLER


# --- what is refused here -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Name either the promotion (ID) or the site (--site-id), not both.\n"),
        (
            (ID, "--site-id=site-1"),
            "Name either the promotion (ID) or the site (--site-id), not both.\n",
        ),
        (
            ("--site-id=site-1",),
            "A rollback by --site-id needs --tenant-id and --to-release too.\n",
        ),
        (
            (ID, "--to-release=7"),
            (
                "There is no r7 of site-1 to go back to. Kept beside the live one: r1. Nothing "
                "was sent.\n"
            ),
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_here(cloud, sitefleet, live, arguments, said):
    live()
    answer = sitefleet("promotions", "rollback", *arguments, "--env=sit", "--reason=x", "--yes")
    assert (answer.code, answer.err) == (ExitCode.BAD_INPUT, said)
    assert cloud.messages("site-promotion") == []


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (
            replace(COMPLETED, operation_type=OperationType.SITE_ROLLBACK),
            "A rollback is not rolled back: promote again instead.",
        ),
        (replace(COMPLETED, cut_over=False), "nothing of it is live"),
        (replace(COMPLETED, status=OperationStatus.ROLLED_BACK), "ended as ROLLED_BACK"),
        (replace(COMPLETED, operation_type=OperationType.SITE_CREATION), "not a promotion"),
    ],
)
def test_what_is_not_live_is_not_taken_back(cloud, desk, live, stored, said):
    live(promotion=stored)
    with pytest.raises(BadInputError, match=said):
        rollback(desk, ID, reason="x", yes=True)


def test_a_promotion_that_is_not_live_any_more_names_the_command_for_the_site(cloud, desk, live):
    live(
        site=replace(SITE, live_release=3),
        releases=(replace(LIVE, status=ReleaseStatus.SUPERSEDED), release(3, ReleaseStatus.LIVE)),
    )
    with pytest.raises(BadInputError) as refused:
        rollback(desk, ID, reason="x", yes=True)
    assert str(refused.value).startswith("r2 of that promotion is not live any more; r3 is.")


def test_nothing_kept_is_nothing_to_go_back_to(cloud, sitefleet, live):
    live(releases=(LIVE,))
    answer = sitefleet("promotions", "rollback", ID, "--env=sit", "--reason=x", "--yes")
    assert answer.err == (
        "There is no former release of site-1 to go back to. Kept beside the live one: none. "
        "Nothing was sent.\n"
    )


def test_an_unknown_site_is_not_found(cloud, sitefleet):
    arguments = ("--site-id=site-9", "--tenant-id=tenant-1", "--to-release=1")
    answer = sitefleet("promotions", "rollback", *arguments, "--env=sit", "--reason=x", "--yes")
    assert answer.code == ExitCode.NOT_FOUND


def test_json_is_the_whole_standard_output(cloud, desk, live, capsys):
    live()
    fleet = replace(
        desk,
        options=Options(env=Environment.SIT, as_json=True),
        sleep=Fleet(cloud, desk.clock),
    )
    rollback(fleet, ID, reason="x", yes=True)
    assert json.loads(capsys.readouterr().out)["queue"] == "promotion"
