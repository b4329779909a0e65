"""A check of a live site: on request, and by itself in the hours after a promotion to prod."""

from __future__ import annotations

from core.domain.errors import RefusedError
from core.domain.policy import Policy
from core.engine.workflow import Admission, Workflow
from core.operations.steps.live_check import CHECK_LIVE
from core.ports.messaging import QueueName
from events.formats import Environment
from events.requests import Request, SiteCheckPayload
from events.vocabulary import ErrorCode, OperationType

STEPS = (CHECK_LIVE,)


def environment_of(_request: Request) -> Environment | None:
    """Return None: a check is meant for whichever environment receives it."""
    return None


def plan_of(_request: Request, _policy: Policy) -> tuple[str, ...]:
    """Return the one step."""
    return tuple(step.name for step in STEPS)


def admit(admission: Admission) -> None:
    """Refuse a check of a site that is not there."""
    payload = admission.request.payload
    if not isinstance(payload, SiteCheckPayload):
        raise RefusedError(ErrorCode.SITE_001, f"{admission.request.message_type} checks no site.")
    if admission.ports.sites.get(payload.tenant_id, payload.site_id) is None:
        raise RefusedError(
            ErrorCode.SITE_002,
            f"Tenant {payload.tenant_id} has no site {payload.site_id} in "
            f"{admission.policy.environment}.",
        )


SITE_CHECK = Workflow(
    operation_type=OperationType.SITE_CHECK,
    queue=QueueName.PROMOTION,
    steps=STEPS,
    environment_of=environment_of,
    admit=admit,
    plan=plan_of,
    takes_turn=False,
)
