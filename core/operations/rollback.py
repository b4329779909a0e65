"""Rollback on request: a finished promotion is taken back by making a kept release live again.

An operation of its own. Until the pointer moves, a failure leaves everything as it was; from then
on it stops as ROLLBACK_FAILED with the state of each part, and a retry resumes it.
"""

from __future__ import annotations

from core.domain.errors import RefusedError
from core.domain.policy import Policy
from core.engine.workflow import Admission, Subject, Workflow
from core.operations.steps.kept_release import CHOOSE_RELEASE
from core.operations.steps.parts import state_of_parts
from core.operations.steps.record import OPEN_RECORD, SEAL_RECORD
from core.operations.steps.reservation import TAKE_SITE_OVER
from core.operations.steps.rollback import (
    CHECK_BACK,
    CHECK_FORMER,
    POINT_BACK,
    RECORD_NAME,
    RECORD_ROLLBACK,
    REST_FAILED,
    SALVAGE_ROWS,
    START_FORMER,
    UPDATE_NAME,
)
from core.operations.steps.traffic import INVALIDATE_CACHE
from core.ports.messaging import QueueName
from core.ports.operation_store import OperationStore
from events.formats import Environment
from events.requests import PromotionRollbackPayload, Request
from events.vocabulary import ErrorCode, OperationType, SiteStatus

STEPS = (
    OPEN_RECORD,
    TAKE_SITE_OVER,
    CHOOSE_RELEASE,
    START_FORMER,
    CHECK_FORMER,
    RECORD_NAME,
    POINT_BACK,
    UPDATE_NAME,
    INVALIDATE_CACHE,
    SALVAGE_ROWS,
    CHECK_BACK,
    RECORD_ROLLBACK,
    REST_FAILED,
    SEAL_RECORD,
)


def environment_of(request: Request) -> Environment | None:
    """Return the environment that the request names, if it does."""
    return _payload(request).environment


def plan_of(_request: Request, _policy: Policy) -> tuple[str, ...]:
    """Return the steps."""
    return tuple(step.name for step in STEPS)


def subject_of(request: Request, store: OperationStore) -> Subject:
    """Return the site of the promotion that is named, or the site itself."""
    payload = _payload(request)
    if payload.operation_id is not None:
        named = store.get(payload.operation_id)
        if named is None:
            raise RefusedError(
                ErrorCode.SITE_002, f"There is no operation {payload.operation_id} here."
            )
        if named.operation_type is not OperationType.SITE_PROMOTION:
            raise RefusedError(
                ErrorCode.SITE_005,
                f"Operation {payload.operation_id} is a {named.operation_type}; only a promotion "
                "is rolled back. To undo a rollback, promote again.",
            )
        return Subject(tenant_id=named.tenant_id, site_id=named.site_id)
    if payload.site_id is None or payload.tenant_id is None:
        raise RefusedError(
            ErrorCode.SITE_001, "A rollback by site needs tenantId beside siteId and toRelease."
        )
    return Subject(tenant_id=payload.tenant_id, site_id=payload.site_id)


def admit(admission: Admission) -> None:
    """Refuse a rollback of a site that is not live; who may ask is checked before."""
    environment, subject = admission.policy.environment, admission.subject
    site = admission.ports.sites.get(subject.tenant_id, subject.site_id)
    if site is None or site.live_release is None:
        raise RefusedError(
            ErrorCode.SITE_002,
            f"Tenant {subject.tenant_id} has no live site {subject.site_id} in {environment}.",
        )
    if site.status is not SiteStatus.ACTIVE:
        raise RefusedError(ErrorCode.SITE_005, f"Site {subject.site_id} is {site.status}.")


ROLLBACK = Workflow(
    operation_type=OperationType.SITE_ROLLBACK,
    queue=QueueName.PROMOTION,
    steps=STEPS,
    environment_of=environment_of,
    admit=admit,
    plan=plan_of,
    subject=subject_of,
    takes_turn=False,
    resumes_after_cut_over=True,
    parts=state_of_parts,
)


def _payload(request: Request) -> PromotionRollbackPayload:
    if not isinstance(request.payload, PromotionRollbackPayload):
        raise RefusedError(ErrorCode.SITE_001, f"{request.message_type} takes nothing back.")
    return request.payload
