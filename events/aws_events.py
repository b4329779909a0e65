"""Wake-ups: what AWS itself reports about tasks, deployments, result objects, backups, transfers.

The default bus delivers them by rule. A task carries the operation in `startedBy`, a result in
its key; the others carry only an ARN, by which the waiting operation is found.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from events.progress import FieldError, WakeUp

TASK_STOPPED: Final = "ECS Task State Change"
DEPLOYMENTS: Final = ("ECS Deployment State Change", "ECS Service Deployment State Change")
OBJECT_CREATED: Final = "Object Created"
SNAPSHOTS: Final = ("RDS DB Cluster Snapshot Event", "RDS DB Snapshot Event")
DEPLOYMENT_ENDED: Final = ("SERVICE_DEPLOYMENT_COMPLETED", "SERVICE_DEPLOYMENT_FAILED")

BACKUP_JOB: Final = "Backup Job State Change"
BACKUP_ENDED: Final = ("COMPLETED", "FAILED", "ABORTED", "EXPIRED", "PARTIAL")
TRANSFER: Final = "DataSync Task Execution State Change"
TRANSFER_ENDED: Final = ("SUCCESS", "ERROR")

_ATTEMPT = r"(?P<operation>[0-9a-f-]{36})/(?P<step>[a-z][a-z0-9_-]{0,63})/(?P<attempt>[0-9]{1,6})"
STARTED_BY: Final = re.compile(rf"sitefleet/{_ATTEMPT}")
RESULT_KEY: Final = re.compile(rf"jobs/{_ATTEMPT}/result\.json")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class NoWakeUpError(Exception):
    """The event is none that any step can wait for."""

    def __init__(self, reason: str, *field_errors: FieldError) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field_errors = field_errors


def wake_up(event: Mapping[str, Any]) -> WakeUp:
    """Read an event of an AWS service, or raise NoWakeUpError."""
    source, kind = event.get("source"), event.get("detail-type")
    if source == "aws.ecs" and kind == TASK_STOPPED:
        return _task_stopped(event)
    if source == "aws.ecs" and kind in DEPLOYMENTS:
        return _deployment_ended(event)
    if source == "aws.s3" and kind == OBJECT_CREATED:
        return _result_written(event)
    if source == "aws.rds" and kind in SNAPSHOTS:
        return _snapshot_event(event)
    if source == "aws.backup" and kind == BACKUP_JOB:
        return _backup_ended(event)
    if source == "aws.datasync" and kind == TRANSFER:
        return _transfer_ended(event)
    raise NoWakeUpError(
        "the AWS event is of a kind no step waits for",
        FieldError(field="detail-type", problem="is not one that the wake-up rules select"),
    )


# --- private -------------------------------------------------------------------------------


def _task_stopped(event: Mapping[str, Any]) -> WakeUp:
    status = _text(event, "detail", "lastStatus")
    if status != "STOPPED":
        raise _wrong("detail.lastStatus", "must be STOPPED; only that wakes a step")
    return _waking(
        STARTED_BY,
        _text(event, "detail", "startedBy"),
        "detail.startedBy",
        reason="the ECS task stopped",
        resource=_text(event, "detail", "taskArn"),
    )


def _deployment_ended(event: Mapping[str, Any]) -> WakeUp:
    name = _text(event, "detail", "eventName")
    if name not in DEPLOYMENT_ENDED:
        raise _wrong("detail.eventName", "must be that of a deployment that has ended")
    reason = f"the ECS deployment ended ({name})"
    service = _text({"resource": _first_resource(event)}, "resource")
    started_by = event["detail"].get("startedBy")
    if isinstance(started_by, str) and STARTED_BY.fullmatch(started_by):
        return _waking(STARTED_BY, started_by, "detail.startedBy", reason=reason, resource=service)
    return WakeUp(reason=reason, resource=service)


def _result_written(event: Mapping[str, Any]) -> WakeUp:
    key = _text(event, "detail", "object", "key")
    bucket = _text(event, "detail", "bucket", "name")
    return _waking(
        RESULT_KEY,
        key,
        "detail.object.key",
        reason="the job's result was written",
        resource=f"s3://{bucket}/{key}",
    )


def _snapshot_event(event: Mapping[str, Any]) -> WakeUp:
    name = _text(event, "detail", "EventID")
    if not re.fullmatch(r"RDS-EVENT-[0-9]{4,6}", name):
        raise _wrong("detail.EventID", "must look like RDS-EVENT-0169")
    return WakeUp(
        reason=f"the snapshot changed ({name})", resource=_text(event, "detail", "SourceArn")
    )


def _backup_ended(event: Mapping[str, Any]) -> WakeUp:
    """Name the recovery point where there is one; a job that failed names what it was of."""
    state = _text(event, "detail", "state")
    if state not in BACKUP_ENDED:
        raise _wrong("detail.state", "must be that of a backup job that has ended")
    named = event.get("resources")
    resources = named if isinstance(named, list) else []
    points = [one for one in resources if isinstance(one, str) and ":recovery-point:" in one]
    resource = points[0] if points else _text(event, "detail", "resourceArn")
    return WakeUp(
        reason=f"the backup job ended ({state})", resource=_text({"resource": resource}, "resource")
    )


def _transfer_ended(event: Mapping[str, Any]) -> WakeUp:
    state = _text(event, "detail", "State")
    if state not in TRANSFER_ENDED:
        raise _wrong("detail.State", "must be that of a transfer that has ended")
    return WakeUp(
        reason=f"the DataSync transfer ended ({state})",
        resource=_text({"resource": _first_resource(event)}, "resource"),
    )


def _waking(form: re.Pattern[str], name: str, field: str, *, reason: str, resource: str) -> WakeUp:
    match = form.fullmatch(name)
    if match is None or not _UUID.fullmatch(match["operation"]):
        raise _wrong(field, "does not name a step of this fleet")
    return WakeUp(
        operation_id=match["operation"],
        step=match["step"],
        attempt=int(match["attempt"]),
        reason=reason,
        resource=resource,
    )


def _text(event: Mapping[str, Any], *path: str) -> str:
    here: Any = event
    for name in path:
        here = here.get(name) if isinstance(here, Mapping) else None
    if not isinstance(here, str) or not 1 <= len(here) <= 1024:  # noqa: PLR2004  # no AWS name is longer
        raise _wrong(".".join(path), "must be a text of 1 to 1024 characters")
    return here


def _first_resource(event: Mapping[str, Any]) -> Any:
    resources = event.get("resources")
    return resources[0] if isinstance(resources, list) and resources else None


def _wrong(field: str, problem: str) -> NoWakeUpError:
    return NoWakeUpError(
        "the AWS event does not wake a step", FieldError(field=field, problem=problem)
    )
