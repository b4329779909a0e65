"""Promotion: a site moves from one environment to the next; the target's account pulls."""

from __future__ import annotations

from core.domain.errors import RefusedError
from core.engine.workflow import Admission, Workflow
from core.operations.steps.admission import check_tenant
from core.operations.steps.checks import CHECK_AFTER, CHECK_BEFORE
from core.operations.steps.completion import COMPLETE
from core.operations.steps.content import CREATE_ACCESS_POINT, PLACE_CONTENT
from core.operations.steps.database import IMPORT_DATABASE, PREPARE_SECRETS
from core.operations.steps.export import EXPORT_SOURCE, PLAN
from core.operations.steps.reservation import LOCK_SITE, RESERVE_RELEASE
from core.operations.steps.retirement import RETIRE_RELEASES
from core.operations.steps.service import REPLICATE_IMAGE, START_RELEASE
from core.operations.steps.traffic import RECORD_DNS, SWITCH, UPDATE_DNS
from core.ports.messaging import QueueName
from events.formats import Environment
from events.requests import Request, Selection, SitePromotionPayload
from events.vocabulary import ErrorCode, OperationType, SiteStatus

STEPS = (
    PLAN,
    LOCK_SITE,
    RESERVE_RELEASE,
    PREPARE_SECRETS,
    EXPORT_SOURCE,
    IMPORT_DATABASE,
    CREATE_ACCESS_POINT,
    PLACE_CONTENT,
    REPLICATE_IMAGE,
    START_RELEASE,
    CHECK_BEFORE,
    RECORD_DNS,
    SWITCH,
    UPDATE_DNS,
    CHECK_AFTER,
    RETIRE_RELEASES,
    COMPLETE,
)


def environment_of(request: Request) -> Environment | None:
    """Return the environment to which the site is to be promoted."""
    return _payload(request).target_environment


def plan_of(request: Request) -> tuple[str, ...]:
    """Return the steps; a dry run stops after the plan."""
    steps = (PLAN,) if _payload(request).dry_run else STEPS
    return tuple(step.name for step in steps)


def admit(admission: Admission) -> None:
    """Refuse what is not on the promotion path, or asks for what this version cannot do."""
    payload = _payload(admission.request)
    source, target = payload.source_environment, payload.target_environment
    if admission.policy.promotion_sources.get(target) is not source:
        raise RefusedError(
            ErrorCode.SITE_006,
            f"A site is not promoted from {source} to {target}; the paths are dev to sit and "
            "sit to prod.",
        )
    if target is Environment.PROD:
        raise RefusedError(
            ErrorCode.SITE_006,
            "This version does not promote to prod: approvals, backup and the monitor window "
            "are not part of it.",
        )
    if payload.selection != Selection() or payload.protect.tables or payload.protect.folders:
        raise RefusedError(
            ErrorCode.SITE_001,
            "This version promotes whole sites: selection, protect.tables and protect.folders "
            "are not part of it. Leave them out; protect.options is honoured.",
        )
    check_tenant(admission, payload.tenant_id)
    site = admission.ports.sites.get(payload.tenant_id, payload.site_id)
    # A site that is being built is let in: its lock tells who is at work on it (PROM_001).
    if site is not None and site.status not in {SiteStatus.ACTIVE, SiteStatus.PROVISIONING}:
        raise RefusedError(
            ErrorCode.SITE_005, f"Site {payload.site_id} is {site.status} in {target}."
        )


PROMOTION = Workflow(
    operation_type=OperationType.SITE_PROMOTION,
    queue=QueueName.PROMOTION,
    steps=STEPS,
    environment_of=environment_of,
    admit=admit,
    plan=plan_of,
)


def _payload(request: Request) -> SitePromotionPayload:
    if not isinstance(request.payload, SitePromotionPayload):
        raise RefusedError(ErrorCode.SITE_001, f"{request.message_type} promotes no site.")
    return request.payload
