"""Deletion: a site is backed up, the backup is proved, and only then the site is removed.

Until its name is taken down a failure puts everything back. From then on the operation only goes
forward: a failure stops it as ROLLBACK_FAILED, and a retry goes on where it stopped.
"""

from __future__ import annotations

from core.domain.approvals import check_request
from core.domain.errors import RefusedError
from core.domain.policy import Policy
from core.engine.workflow import Admission, Workflow
from core.operations.steps.approval import AWAIT_APPROVAL, CONFIRM_PLAN, REQUEST_APPROVAL
from core.operations.steps.deprovisioning import DELETABLE, DEPROVISION, NOTE_SITE, REST_SITE
from core.operations.steps.final_backup import BACK_UP_SITE, DISCARD_BACKUP, PROVE_BACKUP
from core.operations.steps.network import REMOVE_NETWORK
from core.operations.steps.parts import state_of_parts
from core.operations.steps.record import OPEN_RECORD, SEAL_RECORD
from core.operations.steps.reservation import LOCK_SITE
from core.operations.steps.site_removal import (
    MARK_DELETED,
    REMOVE_DATA,
    REMOVE_SECRETS,
    REMOVE_SERVICES,
    TAKE_NAME_DOWN,
)
from core.operations.steps.traffic import INVALIDATE_CACHE
from core.ports.messaging import QueueName
from events.formats import Environment
from events.requests import Request, SiteDeletionPayload
from events.vocabulary import ErrorCode, OperationType, SiteStatus

AGREE = (REQUEST_APPROVAL, AWAIT_APPROVAL)
STEPS = (
    OPEN_RECORD,
    *AGREE,
    LOCK_SITE,
    CONFIRM_PLAN,
    NOTE_SITE,
    DEPROVISION,
    REST_SITE,
    BACK_UP_SITE,
    PROVE_BACKUP,
    TAKE_NAME_DOWN,
    INVALIDATE_CACHE,
    REMOVE_SERVICES,
    REMOVE_DATA,
    REMOVE_SECRETS,
    REMOVE_NETWORK,
    MARK_DELETED,
    DISCARD_BACKUP,
    SEAL_RECORD,
)


def environment_of(_request: Request) -> Environment | None:
    """Return None: a deletion is meant for whichever environment receives it."""
    return None


def plan_of(request: Request, policy: Policy) -> tuple[str, ...]:
    """Return the steps; people are asked where policy says so, a kept backup is not discarded."""
    left_out = {DISCARD_BACKUP} if _payload(request).retain_backup else set()
    if not policy.approval_of(OperationType.SITE_DELETION).roles:
        left_out |= {*AGREE, CONFIRM_PLAN}
    return tuple(step.name for step in STEPS if step not in left_out)


def admit(admission: Admission) -> None:
    """Refuse what is not there, is another tenant's, or cannot be deleted as it stands."""
    kind, subject = OperationType.SITE_DELETION, admission.subject
    approval = admission.policy.approval_of(kind)
    check_request(approval, admission.request.requested_by, operation_type=kind)
    site = admission.ports.sites.get(subject.tenant_id, subject.site_id)
    if site is None:
        raise RefusedError(
            ErrorCode.SITE_002,
            f"Tenant {subject.tenant_id} has no site {subject.site_id} in "
            f"{admission.policy.environment}.",
        )
    if site.status not in DELETABLE:
        raise RefusedError(ErrorCode.SITE_005, _why_not(site.status, subject.site_id))


DELETION = Workflow(
    operation_type=OperationType.SITE_DELETION,
    queue=QueueName.DELETION,
    steps=STEPS,
    environment_of=environment_of,
    admit=admit,
    plan=plan_of,
    resumes_after_cut_over=True,
    cancels_after_cut_over=False,
    parts=state_of_parts,
)


def _payload(request: Request) -> SiteDeletionPayload:
    if not isinstance(request.payload, SiteDeletionPayload):
        raise RefusedError(ErrorCode.SITE_001, f"{request.message_type} deletes no site.")
    return request.payload


def _why_not(status: SiteStatus, site_id: str) -> str:
    match status:
        case SiteStatus.DELETED:
            return f"Site {site_id} is DELETED already."
        case SiteStatus.FAILED:
            return f"Site {site_id} is FAILED: its creation was taken back, nothing is left of it."
        case _:
            return (
                f"Site {site_id} is {status}: an operation is at work on it. Wait for its end, or "
                "cancel it (sitefleet operations list --site-id names it), then send this again."
            )
