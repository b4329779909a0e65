"""`sitefleet trace`: everything that one correlation id has led to."""

from __future__ import annotations

from dataclasses import replace

import boto3
import pytest

from core.domain.notices import Notice
from core.domain.operation import AttemptFailure
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events.formats import Environment
from ops.errors import ExitCode
from ops.tracing.evidence import jobs_of
from simulation.fleet import SimulatedFleet
from simulation.jobs import DIGEST
from simulation.requests import TENANT, creation
from tests.ops.conftest import REGION
from tests.ops.records import (
    COMPLETED,
    DONE_ALL,
    FAILED,
    FAILED_STEP,
    ID,
    UNDONE_ONE,
    WAITING,
    at,
    operation,
)

CORRELATION = operation().correlation_id
REQUEST = (
    '{"messageType": "SITE_PROMOTION_REQUEST", "timestamp": "2026-11-21T07:59:58Z", '
    '"idempotencyKey": "k-1", "payload": {}}'
)


@pytest.fixture(autouse=True)
def _sit(monkeypatch):
    monkeypatch.setenv("SITEFLEET_ENV", "sit")


def notice(mark="e1", seconds=130, **changes):
    told = Notice(
        mark=mark,
        event_id="e1",
        event_type="SITE_PROMOTION_COMPLETE",
        outcome="succeeded",
        severity="info",
        correlation_id=CORRELATION,
        tenant_id="tenant-1",
        site_id="site-1",
        operation_id=ID,
        announced_at=at(seconds),
    )
    return replace(told, **changes)


def put_letter(cloud, queue, body, **attributes):
    cloud.sqs.send_message(
        QueueUrl=cloud.queue_url(queue),
        MessageBody=body,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    )


@pytest.fixture
def finished(cloud):
    """A promotion with a look at the site after it, a job, an announcement and two mails."""
    cloud.store(COMPLETED, *DONE_ALL, request=REQUEST)
    look = replace(operation(operation_id=ID[:-1] + "9", plan=("check_live",)), created_at=at(120))
    cloud.store(look)
    failure = AttemptFailure(
        message_id="m-1",
        operation_id=ID,
        step="reserve_release",
        attempt=0,
        exception_type="TransientError",
        message="The table\x1b[2J is busy.",
        occurred_at=at(5.5),
    )
    cloud.operations.record_failure(failure)
    cloud.keep(f"jobs/{ID}/export_source/0/job.json", "{}")
    cloud.keep(f"jobs/{ID}/export_source/0/result.json", "{}")
    mail = {"outcome": None, "severity": None}
    cloud.operations.announced(notice())
    cloud.operations.announced(notice("m1", 131, audience="customer", **mail))
    cloud.operations.announced(notice("m2", 132, audience="internal", reached=False, **mail))
    return cloud


def told(answer, kind):
    return [line for line in answer.out.splitlines() if f"  {kind:<11}  " in line]


def test_a_finished_promotion_from_the_request_to_the_mail(finished, sitefleet):
    answer = sitefleet("trace", CORRELATION)
    assert answer.code == 0
    first, *lines = answer.out.splitlines()
    assert first == f"{CORRELATION} in sit: 2 operations, 1 announcement, 2 mails, 0 dead letters"
    assert lines[0].startswith(f"  {ID}  SITE_PROMOTION of site-1 (tenant-1): COMPLETED, 2 min 5 s")
    whose = ID[:8]
    [sent] = told(answer, "sent")
    assert sent.startswith(f"2026-11-21T07:59:58Z         0.0 s  {whose}  sent         ")
    assert sent.endswith("SITE_PROMOTION_REQUEST by jane.doe@example.com")
    assert told(answer, "step")[2].endswith("step         reserve_release done, attempt 2  1.0 s")
    [broken] = told(answer, "attempt")
    assert broken.endswith(
        "reserve_release attempt 1 failed: TransientError: The table [2J is busy."
    )
    assert told(answer, "ended")[0].endswith("COMPLETED after 2 min 5 s")
    assert told(answer, "announced")[0].endswith("SITE_PROMOTION_COMPLETE, succeeded, info")
    assert [line.rpartition(": ")[2] for line in told(answer, "mail")] == [
        "sent to customer",
        "not sent, no address for internal",
    ]
    [job] = told(answer, "job")
    assert "export_source attempt 1: reported" in job


def test_an_operation_id_leads_to_the_whole_request(finished, sitefleet):
    [trace] = sitefleet("trace", ID, "--json").json["traces"]
    [same] = sitefleet("trace", CORRELATION, "--json").json["traces"]
    assert trace["correlationId"] == CORRELATION
    assert trace["entries"] == same["entries"]
    assert [one["operationId"] for one in trace["operations"]] == [ID, ID[:-1] + "9"]


def test_json_tells_the_ids_of_the_events(finished, sitefleet):
    [trace] = sitefleet("trace", CORRELATION, "--json").json["traces"]
    assert trace["notRead"] == []
    steps = [entry for entry in trace["entries"] if entry["kind"] == "step"]
    assert [step["step"] for step in steps] == [record.step for record in DONE_ALL]
    assert steps[2]["attempts"] == 2
    assert steps[2]["detailType"] == "SiteStepCompleted"
    assert len({step["eventId"] for step in steps}) == len(steps)
    [ended] = [entry for entry in trace["entries"] if entry["kind"] == "ended"]
    assert [event["detailType"] for event in ended["events"]][-1] == "SiteOperationCompleted"
    times = [entry["at"] for entry in trace["entries"]]
    assert times == sorted(times)


def test_a_way_back_is_told_newest_last(cloud, sitefleet):
    cloud.store(FAILED, FAILED_STEP, UNDONE_ONE, request=REQUEST)
    answer = sitefleet("trace", CORRELATION)
    marks = [line.partition("step         ")[2] for line in told(answer, "step")]
    assert marks == [
        "export_source failed: PROM_002: 2 of 12 checks failed. [31m  32 s",
        "undo export_source undone  3.0 s",
    ]
    assert "FAILED after 50 s: PROM_002 2 of 12 checks failed." in told(answer, "ended")[0]


def test_what_runs_is_told_with_what_it_waits_for(cloud, sitefleet):
    cloud.store(WAITING, *DONE_ALL[:3], request=REQUEST)
    [*_, line] = told(sitefleet("trace", CORRELATION), "step")
    assert "export_source waiting, attempt 3: The export task runs: 3 of 10 tables." in line


DEAD = [
    (
        "site-operations-dlq",
        "not json",
        {"correlationId": CORRELATION, "errorCode": "SITE_003", "reason": "It is taken."},
        "SITE_003 It is taken.",
    ),
    ("site-operations-dlq", f'{{"correlationId": "{CORRELATION}"}}', {}, "exhausted"),
    (
        "site-undeliverable",
        f'{{"detail": {{"metadata": {{"correlationId": "{CORRELATION}"}}}}}}',
        {"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "Denied."},
        "NO_PERMISSIONS Denied.",
    ),
]


@pytest.mark.parametrize("dead", DEAD)
def test_a_request_that_died_is_found_in_the_dead_letters(cloud, sitefleet, dead):
    queue, body, attributes, said = dead
    put_letter(cloud, queue, body, **attributes)
    put_letter(cloud, queue, '{"correlationId": "another"}', reason="not this one")
    answer = sitefleet("trace", CORRELATION)
    assert answer.code == 0
    [line] = told(answer, "dead letter")
    assert line.endswith(f"in bbws-wp-{queue}-sit: {said}")
    assert len(cloud.messages(queue)) == 2  # looking takes nothing away


def test_a_part_that_cannot_be_read_is_named_and_the_rest_is_told(finished, sitefleet):
    url = finished.queue_url("site-undeliverable")
    finished.sqs.delete_queue(QueueUrl=url)
    boto3.resource("s3", region_name=REGION).Bucket("bbws-transfer-sit").objects.delete()
    boto3.client("s3", region_name=REGION).delete_bucket(Bucket="bbws-transfer-sit")
    answer = sitefleet("trace", CORRELATION)
    assert answer.code == 0
    unread = [line for line in answer.out.splitlines() if line.startswith("  not read: ")]
    assert [line.split(":")[1].strip() for line in unread] == [
        f"operation {ID}",
        f"operation {ID[:-1]}9",
        "queue site-undeliverable",
    ]
    assert told(answer, "announced")


def test_nothing_is_not_found(cloud, sitefleet):
    answer = sitefleet("trace", "nobody")
    assert (answer.code, answer.out) == (ExitCode.NOT_FOUND, "")
    assert answer.err.startswith("Nothing in sit carries nobody.")


def test_a_letter_that_somebody_has_may_be_the_one_that_explains_it(cloud, sitefleet):
    put_letter(cloud, "site-operations-dlq", f'{{"correlationId": "{CORRELATION}"}}')
    url = cloud.queue_url("site-operations-dlq")
    cloud.sqs.receive_message(QueueUrl=url, VisibilityTimeout=600)
    gap = "queue site-operations-dlq: 1 of its 1 letter not seen in this look"
    answer = sitefleet("trace", CORRELATION)
    assert answer.code == ExitCode.NOT_FOUND
    assert answer.err.endswith(f"Not read: sit {gap}.\n")
    cloud.store(operation(), request=REQUEST)
    assert f"  not read: {gap}" in sitefleet("trace", CORRELATION).out.splitlines()


def test_jobs_are_found_by_their_objects():
    names = ["plan/0/job.json", "plan/0/result.json", "plan/1/job.json", "undo-plan/0/job.json"]
    written = {f"jobs/{ID}/{name}": at(10 * n) for n, name in enumerate(names)}
    written[f"jobs/{ID}/plan/log.txt"] = at(1)
    jobs = jobs_of(ID, written)
    assert [(job.reference.step, job.reference.attempt) for job in jobs] == [
        ("plan", 0),
        ("plan", 1),
        ("undo-plan", 0),
    ]
    assert [job.reported_at for job in jobs] == [at(10), None, None]


def test_what_the_engine_itself_leaves_behind(cloud, sitefleet):
    """A whole creation on the real store: nothing of it is missing in its trace."""
    fleet = SimulatedFleet(environment=Environment.SIT, other_store=cloud.operations)
    fleet.world.images[DIGEST] = "{}"
    fleet.world.image_tags[fleet.policy.wordpress_tag] = DIGEST
    fleet.world.tenants[TENANT] = Tenant(tenant_id=TENANT, status="REGISTERED")
    fleet.send(QueueName.CREATION, creation(correlation="order-1", environment="sit"))
    fleet.run()
    [trace] = sitefleet("trace", "order-1", "--json").json["traces"]
    [stored] = trace["operations"]
    assert stored["status"] == "COMPLETED"
    plan = cloud.operations.get(stored["operationId"]).plan
    entries = trace["entries"]
    assert [e["step"] for e in entries if e["kind"] == "step"] == list(plan)
    told = [(e["kind"], e["eventType"]) for e in entries if e["kind"] in {"announced", "mail"}]
    assert told == [(kind, "SITE_CREATION_COMPLETE") for kind in ("announced", "mail", "mail")]
    published = {event.metadata.event_id for event in fleet.world.events}
    ends = {e["eventId"] for entry in entries for e in entry.get("events", [])}
    assert published == ends | {entry["eventId"] for entry in entries if "eventId" in entry}
