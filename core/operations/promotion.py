"""Promotion: a site moves from one environment to the next; the target's account pulls."""

from __future__ import annotations

from core.domain.approvals import check_request
from core.domain.errors import RefusedError
from core.domain.policy import Policy
from core.domain.promotion_policy import PromotionPolicy
from core.engine.step import Step
from core.engine.workflow import Admission, Workflow
from core.operations.steps.admission import check_tenant
from core.operations.steps.approval import AWAIT_APPROVAL, REQUEST_APPROVAL
from core.operations.steps.backup import BACK_UP_TARGET
from core.operations.steps.checks import CHECK_AFTER, CHECK_BEFORE, CHECK_SOURCE
from core.operations.steps.completion import COMPLETE, REST_FORMER
from core.operations.steps.content import CREATE_ACCESS_POINT, PLACE_CONTENT
from core.operations.steps.cut_over import CUT_OVER
from core.operations.steps.database import IMPORT_DATABASE, PREPARE_SECRETS
from core.operations.steps.decide_again import AWAIT_WINDOW, DECIDE_AGAIN
from core.operations.steps.export import EXPORT_SOURCE, PLAN
from core.operations.steps.followers import SCHEDULE_LOOKS
from core.operations.steps.gates import CHECK_GATES, CONFIRM_WINDOW
from core.operations.steps.image import REPLICATE_IMAGE
from core.operations.steps.monitoring import MONITOR
from core.operations.steps.network import PREPARE_NETWORK
from core.operations.steps.parts import state_of_parts
from core.operations.steps.record import OPEN_RECORD, SEAL_RECORD
from core.operations.steps.reservation import LOCK_SITE, RESERVE_RELEASE
from core.operations.steps.retirement import RETIRE_RELEASES
from core.operations.steps.service import START_RELEASE
from core.operations.steps.survey import SURVEY_TARGET
from core.operations.steps.traffic import INVALIDATE_CACHE, RECORD_DNS, SWITCH, UPDATE_DNS
from core.ports.messaging import QueueName
from events.formats import Environment
from events.requests import Request, SitePromotionPayload
from events.vocabulary import ErrorCode, OperationType, SiteStatus

LOOK = (OPEN_RECORD, PLAN, SURVEY_TARGET, CHECK_SOURCE, CHECK_GATES)
AGREE = (REQUEST_APPROVAL, AWAIT_APPROVAL)
BUILD = (
    AWAIT_WINDOW,
    LOCK_SITE,
    DECIDE_AGAIN,
    BACK_UP_TARGET,
    RESERVE_RELEASE,
    PREPARE_NETWORK,
    PREPARE_SECRETS,
    EXPORT_SOURCE,
    IMPORT_DATABASE,
    CREATE_ACCESS_POINT,
    PLACE_CONTENT,
    REPLICATE_IMAGE,
    START_RELEASE,
    CHECK_BEFORE,
)
GO_LIVE = (
    RECORD_DNS,
    CONFIRM_WINDOW,
    CUT_OVER,
    UPDATE_DNS,
    INVALIDATE_CACHE,
    CHECK_AFTER,
    MONITOR,
)
FINISH = (COMPLETE, REST_FORMER, SCHEDULE_LOOKS, RETIRE_RELEASES, SEAL_RECORD)
"""What is retired does not come back, so that this is the last thing to be done to the target."""

STEPS = (*LOOK, *AGREE, *BUILD, *GO_LIVE, *FINISH)
DRY_RUN = (*LOOK, SEAL_RECORD)
RECENT = 20
"""Operations of a site that are looked at for one that has not ended."""
EARLIER = (SWITCH,)
"""Steps that only plans of earlier versions name."""


def environment_of(request: Request) -> Environment | None:
    """Return the environment to which the site is to be promoted."""
    return _payload(request).target_environment


def plan_of(request: Request, policy: Policy) -> tuple[str, ...]:
    """Return the steps; a dry run stops after the gates, and policy may leave steps out."""
    payload = _payload(request)
    if payload.dry_run:
        return tuple(step.name for step in DRY_RUN)
    if policy.promotion is None:  # nothing is promoted here: `admit` says so
        return tuple(step.name for step in STEPS)
    left_out = _left_out(policy.promotion, emergency=payload.emergency is not None)
    return tuple(step.name for step in STEPS if step not in left_out)


def admit(admission: Admission) -> None:
    """Refuse what is not on the promotion path, or what the target's policy rules out at once."""
    payload, policy = _payload(admission.request), admission.policy
    source, target = payload.source_environment, payload.target_environment
    if policy.promotion_sources.get(target) is not source:
        raise RefusedError(
            ErrorCode.SITE_006,
            f"A site is not promoted from {source} to {target}; the paths are dev to sit and "
            "sit to prod.",
        )
    check_request(
        policy.promotion_rules.approval,
        admission.request.requested_by,
        emergency=payload.emergency is not None,
    )
    check_tenant(admission, payload.tenant_id)
    if not payload.dry_run:
        _check_only_one(admission)
    site = admission.ports.sites.get(payload.tenant_id, payload.site_id)
    # A site that is being built is let in: its lock tells who is at work on it (PROM_001).
    if site is not None and site.status not in {SiteStatus.ACTIVE, SiteStatus.PROVISIONING}:
        raise RefusedError(
            ErrorCode.SITE_005, f"Site {payload.site_id} is {site.status} in {target}."
        )


PROMOTION = Workflow(
    operation_type=OperationType.SITE_PROMOTION,
    queue=QueueName.PROMOTION,
    steps=(*STEPS, *EARLIER),
    environment_of=environment_of,
    admit=admit,
    plan=plan_of,
    parts=state_of_parts,
)


def _payload(request: Request) -> SitePromotionPayload:
    if not isinstance(request.payload, SitePromotionPayload):
        raise RefusedError(ErrorCode.SITE_001, f"{request.message_type} promotes no site.")
    return request.payload


def _check_only_one(admission: Admission) -> None:
    """Refuse a second promotion of a site; two that come at one moment meet at the site's lock."""
    subject = admission.subject
    newest = admission.store.of_site(subject.tenant_id, subject.site_id, limit=RECENT)
    for operation in newest:
        promotes = operation.operation_type is OperationType.SITE_PROMOTION
        if promotes and not operation.is_terminal and LOCK_SITE.name in operation.plan:
            raise RefusedError(
                ErrorCode.PROM_001,
                f"Promotion {operation.operation_id} of this site is {operation.status}. Wait for "
                f"its end, or cancel it (sitefleet operations cancel {operation.operation_id}), "
                "then send the request again.",
            )


def _left_out(rules: PromotionPolicy, *, emergency: bool) -> set[Step]:
    left_out: set[Step] = set()
    if not rules.approval.asked_of(emergency=emergency):
        left_out |= set(AGREE)
    if not (rules.window.openings or rules.window.freezes):
        left_out.add(AWAIT_WINDOW)
    if not (rules.backup.database or rules.backup.file_system):
        left_out.add(BACK_UP_TARGET)
    if not rules.monitor.window_seconds:
        left_out.add(MONITOR)
    if not rules.monitor.look_again_hours:
        left_out.add(SCHEDULE_LOOKS)
    return left_out
