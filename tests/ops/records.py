"""Operations, steps and sites to print, and the tables and queues that hold them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.domain.operation import Fact, Failure, Operation, StepRecord
from core.domain.site import Release, ReleaseStatus, Site
from events.formats import Environment
from events.vocabulary import (
    DetailType,
    OperationStatus,
    OperationType,
    Phase,
    SiteStatus,
    StepStatus,
)

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
ID = "550e8400-e29b-41d4-a716-446655440000"
PLAN = ("plan", "lock_site", "reserve_release", "export_source", "switch", "complete")
URL = "https://banana.wpsit.kimmyai.io"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def operation(**changes) -> Operation:
    """A promotion that was accepted at START."""
    accepted = Operation(
        operation_id=ID,
        operation_type=OperationType.SITE_PROMOTION,
        tenant_id="tenant-1",
        site_id="site-1",
        environment=Environment.SIT,
        correlation_id="correlation-1",
        request_hash="sha256:1",
        plan=PLAN,
        status=OperationStatus.PENDING,
        head=Fact(
            detail_type=DetailType.OPERATION_ACCEPTED, phase=Phase.FORWARD, step=None, attempt=0
        ),
        requested_by="jane.doe@example.com",
        created_at=START,
        updated_at=START,
    )
    return replace(accepted, **changes)


def step(name, begin, end, *, phase=Phase.FORWARD, failure=None, attempt=0) -> StepRecord:
    good = StepStatus.COMPLETED if phase is Phase.FORWARD else StepStatus.UNDONE
    return StepRecord(
        operation_id=ID,
        phase=phase,
        step=name,
        attempt=attempt,
        fence=1,
        status=StepStatus.FAILED if failure else good,
        failure=failure,
        started_at=at(begin),
        completed_at=at(end),
    )


DONE_THREE = (
    step("plan", 1, 4),
    step("lock_site", 4, 4.4),
    step("reserve_release", 5, 6, attempt=1),
)
"""The first three steps; the third needed two attempts."""

RUNNING = operation(
    status=OperationStatus.IN_PROGRESS,
    cursor=3,
    step_since=at(10),
    lease_owner="worker",
    lease_until=at(100),
    fence=9,
    updated_at=at(10),
)
WAITING = replace(
    RUNNING,
    lease_owner=None,
    lease_until=None,
    wait_number=4,
    attempt=2,
    waiting_for="The export task runs:\n 3 of 10 tables.",
)
STALLED = replace(WAITING, stalled_since=at(250), updated_at=at(250))
CHECK_FAILED = Failure(
    code="PROM_002", message="2 of 12 checks failed.\x1b[31m", step="export_source"
)
FAILED_STEP = step("export_source", 10, 42, failure=CHECK_FAILED)
UNDOING = replace(
    RUNNING,
    status=OperationStatus.ROLLING_BACK,
    phase=Phase.UNDO,
    cursor=2,
    step_since=at(45),
    failure=CHECK_FAILED,
    updated_at=at(45),
)
UNDONE_ONE = step("export_source", 42, 45, phase=Phase.UNDO)
FAILED = replace(
    UNDOING,
    status=OperationStatus.FAILED,
    cursor=-1,
    lease_owner=None,
    lease_until=None,
    step_since=None,
    completed_at=at(50),
    updated_at=at(50),
)
COMPLETED = operation(
    status=OperationStatus.COMPLETED,
    cursor=6,
    completed_at=at(125),
    updated_at=at(125),
    cut_over=True,
    summary={"siteUrl": URL, "release": 2, "planHash": "sha256:2"},
    fence=14,
)
DONE_ALL = (
    *DONE_THREE,
    step("export_source", 10, 110),
    step("switch", 111, 112),
    step("complete", 112, 125),
)

SITE = Site(
    tenant_id="tenant-1",
    site_id="site-1",
    environment=Environment.SIT,
    site_name="Banana Shop",
    subdomain="banana",
    status=SiteStatus.ACTIVE,
    version=4,
    live_release=2,
    last_release=2,
    wordpress_version="6.8",
    created_at=START,
    updated_at=at(125),
)


def release(number: int, status: ReleaseStatus) -> Release:
    return Release(
        tenant_id="tenant-1",
        site_id="site-1",
        number=number,
        status=status,
        operation_id=ID,
        schema=f"s_abc_r{number}",
        content_root=f"/tenant-1/abc/r{number}",
        access_point_id="fsap-1",
        image_digest="sha256:aa",
        task_definition_arn="arn:td",
        service_name="tenant-1-wordpress-abc-r2",
        target_group_arn="arn:tg",
        created_at=START,
        updated_at=at(125),
    )
