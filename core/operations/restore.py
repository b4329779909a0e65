"""Restore: a new release from a proved backup, of a site that was deleted or that lives."""

from __future__ import annotations

from core.domain.errors import RefusedError
from core.domain.names import SiteNames
from core.domain.policy import Policy
from core.engine.workflow import Admission, Workflow
from core.operations.steps.admission import check_tenant
from core.operations.steps.backup_records import read_backup
from core.operations.steps.checks import CHECK_AFTER, CHECK_BEFORE
from core.operations.steps.completion import COMPLETE, REST_FORMER
from core.operations.steps.content import CREATE_ACCESS_POINT
from core.operations.steps.database import PREPARE_SECRETS
from core.operations.steps.image import CHOOSE_KEPT_IMAGE
from core.operations.steps.network import PREPARE_NETWORK
from core.operations.steps.record import OPEN_RECORD, SEAL_RECORD
from core.operations.steps.reservation import LOCK_SITE, RESERVE_RELEASE
from core.operations.steps.restoring import (
    FIND_BACKUP,
    RESTORE_CONTENT,
    RESTORE_DATABASE,
)
from core.operations.steps.retirement import RETIRE_RELEASES
from core.operations.steps.service import START_RELEASE
from core.operations.steps.traffic import INVALIDATE_CACHE, RECORD_DNS, SWITCH, UPDATE_DNS
from core.ports.messaging import QueueName
from events.formats import Environment
from events.requests import Request, SiteRestorePayload
from events.vocabulary import ErrorCode, OperationType, SiteStatus

STEPS = (
    OPEN_RECORD,
    LOCK_SITE,
    FIND_BACKUP,
    RESERVE_RELEASE,
    PREPARE_NETWORK,
    PREPARE_SECRETS,
    RESTORE_DATABASE,
    CREATE_ACCESS_POINT,
    RESTORE_CONTENT,
    CHOOSE_KEPT_IMAGE,
    START_RELEASE,
    CHECK_BEFORE,
    RECORD_DNS,
    SWITCH,
    UPDATE_DNS,
    INVALIDATE_CACHE,
    CHECK_AFTER,
    COMPLETE,
    REST_FORMER,
    RETIRE_RELEASES,
    SEAL_RECORD,
)
RESTORABLE = frozenset({SiteStatus.DELETED, SiteStatus.ACTIVE})


def environment_of(_request: Request) -> Environment | None:
    """Return None: a restore is meant for whichever environment receives it."""
    return None


def plan_of(_request: Request, _policy: Policy) -> tuple[str, ...]:
    """Return the steps."""
    return tuple(step.name for step in STEPS)


def admit(admission: Admission) -> None:
    """Refuse an unknown backup, another tenant's, and a site that is being worked on."""
    payload, ports = _payload(admission.request), admission.ports
    check_tenant(admission, payload.tenant_id)
    names = SiteNames(
        environment=admission.policy.environment,
        tenant_id=payload.tenant_id,
        site_id=payload.site_id,
    )
    read_backup(ports.documents, names, payload.backup_id, ports.clock.now())
    site = ports.sites.get(payload.tenant_id, payload.site_id)
    if site is not None and site.status not in RESTORABLE:
        raise RefusedError(
            ErrorCode.SITE_005,
            f"Site {payload.site_id} is {site.status}; a restore begins with a site that is "
            f"{' or '.join(sorted(RESTORABLE))}. Nothing was changed.",
        )


RESTORE = Workflow(
    operation_type=OperationType.SITE_RESTORE,
    queue=QueueName.CREATION,
    steps=STEPS,
    environment_of=environment_of,
    admit=admit,
    plan=plan_of,
)


def _payload(request: Request) -> SiteRestorePayload:
    if not isinstance(request.payload, SiteRestorePayload):
        raise RefusedError(ErrorCode.SITE_001, f"{request.message_type} restores no site.")
    return request.payload
