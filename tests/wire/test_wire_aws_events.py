"""What AWS reports by the wake-up rules: documented event shapes become wake-ups."""

import json

import pytest

from events.decode import decode
from events.progress import WakeUp
from events.refusals import DecodeError

OPERATION = "5937998f-e926-5e80-8fab-4041ab087800"
TASK = "arn:aws:ecs:af-south-1:093646564004:task/bbws-cluster-prod/0a1b2c"
SERVICE = "arn:aws:ecs:af-south-1:093646564004:service/bbws-cluster-prod/site-r2"
SNAPSHOT = "arn:aws:rds:af-south-1:093646564004:cluster-snapshot:prod-tenant-1-pre-promotion"

FILE_SYSTEM = "arn:aws:elasticfilesystem:af-south-1:093646564004:file-system/fs-0123"
RECOVERY_POINT = "arn:aws:backup:af-south-1:093646564004:recovery-point:1EB3B5E7-9EB0"
TRANSFER = "arn:aws:datasync:af-south-1:093646564004:task/task-08de/execution/exec-04ce"


def aws_event(source, detail_type, detail, resources=()):
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": detail_type,
        "source": source,
        "account": "093646564004",
        "time": "2026-11-21T07:30:00Z",
        "region": "af-south-1",
        "resources": list(resources),
        "detail": detail,
    }


def task(status="STOPPED", started_by=f"sitefleet/{OPERATION}/import-database/2"):
    detail = {
        "lastStatus": status,
        "desiredStatus": "STOPPED",
        "startedBy": started_by,
        "taskArn": TASK,
        "stopCode": "EssentialContainerExited",
        "version": 4,
    }
    return aws_event("aws.ecs", "ECS Task State Change", detail, [TASK])


def deployment(name="SERVICE_DEPLOYMENT_COMPLETED", resources=(SERVICE,)):
    detail = {"eventType": "INFO", "eventName": name, "deploymentId": "ecs-svc/123"}
    return aws_event("aws.ecs", "ECS Deployment State Change", detail, resources)


def result(key=f"jobs/{OPERATION}/export/0/result.json"):
    detail = {"bucket": {"name": "bbws-transfer-prod"}, "object": {"key": key, "size": 812}}
    return aws_event("aws.s3", "Object Created", detail, ["arn:aws:s3:::bbws-transfer-prod"])


def snapshot(event_id="RDS-EVENT-0169"):
    detail = {
        "EventCategories": ["backup"],
        "SourceType": "CLUSTER_SNAPSHOT",
        "SourceArn": SNAPSHOT,
        "Message": "Manual cluster snapshot created",
        "SourceIdentifier": "prod-tenant-1-pre-promotion",
        "EventID": event_id,
    }
    return aws_event("aws.rds", "RDS DB Cluster Snapshot Event", detail, [SNAPSHOT])


def backup_job(state="COMPLETED", resources=(RECOVERY_POINT,), **detail):
    detail = {
        "backupJobId": "34176239-e96d-4e4d-9fad-529dbb3c3556",
        "backupVaultName": "bbws-wp-pre-promotion-prod",
        "resourceArn": FILE_SYSTEM,
        "resourceType": "EFS",
        "state": state,
        **detail,
    }
    return aws_event("aws.backup", "Backup Job State Change", detail, resources)


def transfer(state="SUCCESS", resources=(TRANSFER,)):
    detail = {"State": state}
    return aws_event("aws.datasync", "DataSync Task Execution State Change", detail, resources)


def test_a_stopped_task_wakes_the_step_that_started_it():
    assert decode(json.dumps(task())) == WakeUp(
        operation_id=OPERATION,
        step="import-database",
        attempt=2,
        reason="the ECS task stopped",
        resource=TASK,
    )


@pytest.mark.parametrize("name", ["SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_DEPLOYMENT_FAILED"])
def test_an_ended_deployment_wakes_whoever_waits_for_the_service(name):
    assert decode(json.dumps(deployment(name))) == WakeUp(
        reason=f"the ECS deployment ended ({name})", resource=SERVICE
    )


def test_a_deployment_that_names_its_step_wakes_that_step():
    event = deployment()
    event["detail"]["startedBy"] = f"sitefleet/{OPERATION}/start-release/1"

    woken = decode(json.dumps(event))

    assert (woken.operation_id, woken.step, woken.attempt) == (OPERATION, "start-release", 1)
    assert woken.resource == SERVICE


def test_a_written_result_wakes_the_step_of_its_key():
    assert decode(json.dumps(result())) == WakeUp(
        operation_id=OPERATION,
        step="export",
        attempt=0,
        reason="the job's result was written",
        resource=f"s3://bbws-transfer-prod/jobs/{OPERATION}/export/0/result.json",
    )


def test_a_snapshot_tells_only_its_arn():
    assert decode(json.dumps(snapshot())) == WakeUp(
        reason="the snapshot changed (RDS-EVENT-0169)", resource=SNAPSHOT
    )


def test_a_finished_backup_tells_its_recovery_point():
    assert decode(json.dumps(backup_job())) == WakeUp(
        reason="the backup job ended (COMPLETED)", resource=RECOVERY_POINT
    )


@pytest.mark.parametrize("resources", [[], [FILE_SYSTEM], [{}], None])
def test_a_backup_without_a_recovery_point_tells_what_it_was_of(resources):
    event = {**backup_job("FAILED"), "resources": resources}

    assert decode(json.dumps(event)) == WakeUp(
        reason="the backup job ended (FAILED)", resource=FILE_SYSTEM
    )


@pytest.mark.parametrize("state", ["SUCCESS", "ERROR"])
def test_an_ended_transfer_tells_its_execution(state):
    assert decode(json.dumps(transfer(state))) == WakeUp(
        reason=f"the DataSync transfer ended ({state})", resource=TRANSFER
    )


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (task(status="RUNNING"), "detail.lastStatus"),
        (task(started_by="ecs-svc/9223370564341623665"), "detail.startedBy"),
        (task(started_by=f"sitefleet/{OPERATION}/export"), "detail.startedBy"),
        (task(started_by=f"sitefleet/{OPERATION}/export/1/2"), "detail.startedBy"),
        (task(started_by=f"sitefleet/{OPERATION}/export/x"), "detail.startedBy"),
        (task(started_by=f"sitefleet/{'-' * 36}/export/1"), "detail.startedBy"),
        (task(started_by=f"sitefleet/{OPERATION}/../1"), "detail.startedBy"),
        (task(started_by=None), "detail.startedBy"),
        (deployment("SERVICE_DEPLOYMENT_IN_PROGRESS"), "detail.eventName"),
        (deployment(resources=()), "resource"),
        (deployment(resources=[{}]), "resource"),
        (result("jobs/x/export/0/result.json"), "detail.object.key"),
        (result(f"jobs/{OPERATION}/export/0/job.json"), "detail.object.key"),
        (result(f"other/jobs/{OPERATION}/export/0/result.json"), "detail.object.key"),
        (snapshot("'; DROP TABLE sites"), "detail.EventID"),
        (backup_job("RUNNING"), "detail.state"),
        (backup_job("FAILED", resources=(), resourceArn=None), "detail.resourceArn"),
        (backup_job(resources=(":recovery-point:" + "x" * 1024,)), "resource"),
        (aws_event("aws.backup", "Backup Job State Change", None), "detail.state"),
        (aws_event("aws.backup", "Copy Job State Change", {}), "detail-type"),
        (transfer("TRANSFERRING"), "detail.State"),
        (transfer(resources=()), "resource"),
        (aws_event("aws.ecs", "ECS Service Action", {}), "detail-type"),
        (aws_event("aws.ec2", "ECS Task State Change", {}), "detail-type"),
        (aws_event("aws.ecs", ["ECS Task State Change"], {}), "detail-type"),
        (aws_event("aws.s3", "Object Created", None), "detail.object.key"),
        (aws_event("aws.s3", "Object Created", {"object": []}), "detail.object.key"),
    ],
)
def test_an_aws_event_that_wakes_nothing_is_refused_on_its_field(event, field):
    with pytest.raises(DecodeError) as caught:
        decode(json.dumps(event))

    assert [error.field for error in caught.value.field_errors] == [field]
