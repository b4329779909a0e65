"""Operations that lock a site, stay on it for a while and leave one trace each.

What the proofs about order need: who acts on a site, and when. Real operations do the same with
more steps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from core.bootstrap import WORKFLOWS
from core.domain.site import Release, ReleaseStatus
from core.engine.outcome import Done, Outcome, Wait
from core.engine.step import Step, StepContext
from core.engine.workflow import Workflow
from core.operations.steps.reservation import LOCK_SITE
from core.ports.messaging import QueueName
from events.vocabulary import OperationType

HELD_SECONDS = 500
"""Longer than a message takes to come again, and with that still within the deadline of a step."""
SITE_OF_ALL = "site-cherry"


def _mine(context: StepContext) -> Release | None:
    operation = context.operation
    releases = context.ports.sites.list_releases(operation.tenant_id, operation.site_id)
    found = (r for r in releases if r.operation_id == operation.operation_id)
    return next(found, None)


def begin(context: StepContext) -> Outcome:
    """Leave a trace that tells how many have been here before."""
    operation, sites = context.operation, context.ports.sites
    mine = _mine(context)
    if mine is None:
        number = 1 + len(sites.list_releases(operation.tenant_id, operation.site_id))
        mine = Release(
            tenant_id=operation.tenant_id,
            site_id=operation.site_id,
            number=number,
            status=ReleaseStatus.BUILDING,
            operation_id=operation.operation_id,
            schema=f"s_{number}",
            content_root=f"/{number}",
            created_at=context.now,
            updated_at=context.now,
        )
        sites.put_release(mine)
    return Done(facts={"number": mine.number})


def take_back(context: StepContext) -> Outcome:
    """Undo: the trace says that it counts no more."""
    mine = _mine(context)
    if mine is not None:
        discarded = replace(mine, status=ReleaseStatus.DISCARDED, updated_at=context.now)
        context.ports.sites.put_release(discarded)
    return Done()


def stay(context: StepContext) -> Outcome:
    """Be at work on the site for a while."""
    since = context.operation.step_since or context.now
    left = since + timedelta(seconds=HELD_SECONDS) - context.now
    if left > timedelta():
        return Wait(seconds=int(left.total_seconds()), why="the work to be done")
    return Done()


def finish(context: StepContext) -> Outcome:
    """Say that the site is left alone again."""
    mine = _mine(context)
    if mine is not None:
        live = replace(mine, status=ReleaseStatus.LIVE, updated_at=context.now)
        context.ports.sites.put_release(live)
    return Done()


STEPS = (
    LOCK_SITE,
    Step(name="begin", run=begin, undo=take_back),
    Step(name="stay", run=stay),
    Step(name="finish", run=finish),
)


def stand_in(operation_type: OperationType, queue: QueueName) -> Workflow:
    """Return a workflow of these steps for a type of operation."""
    return Workflow(
        operation_type=operation_type,
        queue=queue,
        steps=STEPS,
        environment_of=lambda _request: None,
        admit=lambda _admission: None,
        plan=lambda _request, _policy: tuple(step.name for step in STEPS),
    )


STAND_INS: Mapping[OperationType, Workflow] = {
    **WORKFLOWS,
    OperationType.SITE_UPDATE: stand_in(OperationType.SITE_UPDATE, QueueName.UPDATE),
    OperationType.SITE_DELETION: stand_in(OperationType.SITE_DELETION, QueueName.DELETION),
}
"""The real workflows, with updates and deletions that only stay for a while."""


def _body(message_type: str, correlation: str, payload: Mapping[str, object]) -> str:
    return json.dumps(
        {
            "messageType": message_type,
            "correlationId": correlation,
            "timestamp": "2026-11-21T08:00:00Z",
            "payload": payload,
        }
    )


def update(correlation: str, *, tenant_id: str = "tenant-1", site_id: str = SITE_OF_ALL) -> str:
    """Return the body of an update request."""
    payload = {"siteId": site_id, "tenantId": tenant_id, "changes": {"status": "SUSPENDED"}}
    return _body("SITE_UPDATE_REQUEST", correlation, payload)


def deletion(correlation: str, *, tenant_id: str = "tenant-1", site_id: str = SITE_OF_ALL) -> str:
    """Return the body of a deletion request."""
    payload = {"siteId": site_id, "tenantId": tenant_id, "reason": "closed"}
    return _body("SITE_DELETION_REQUEST", correlation, payload)
