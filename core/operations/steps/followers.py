"""After a promotion the site is looked at again, hours later: as operations of their own."""

from __future__ import annotations

from datetime import timedelta

from core.domain.operation import Fact, Json, Operation
from core.engine.outcome import Done, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.live_check import CHECK_LIVE
from events import identity
from events.requests import (
    SiteCheckPayload,
    SiteCheckRequest,
    canonical_hash,
    effective_idempotency_key,
    encode,
)
from events.vocabulary import DetailType, OperationStatus, OperationType, Phase


def schedule_looks(context: StepContext) -> Outcome:
    """Store one check per hour of the policy, due at its hour; the sweeper starts them."""
    hours = context.policy.promotion_rules.monitor.look_again_hours
    scheduled: dict[str, Json] = {}
    for after_hours in hours:
        request = _request(context, after_hours)
        operation = _operation(context, request, after_hours)
        context.ports.followers.start_later(operation, encode(request))
        scheduled[str(after_hours)] = operation.operation_id
    return Done(facts={"looks": scheduled})


SCHEDULE_LOOKS = Step(name="schedule_looks", run=schedule_looks)


def _request(context: StepContext, after_hours: float) -> SiteCheckRequest:
    operation = context.operation
    return SiteCheckRequest(
        correlation_id=operation.correlation_id,
        timestamp=operation.step_since or context.now,
        idempotency_key=f"look#{operation.operation_id}#{after_hours:g}",
        requested_by=operation.requested_by,
        payload=SiteCheckPayload(
            site_id=operation.site_id,
            tenant_id=operation.tenant_id,
            promotion_id=operation.operation_id,
            after_hours=after_hours,
        ),
    )


def _operation(context: StepContext, request: SiteCheckRequest, after_hours: float) -> Operation:
    promotion = context.operation
    now = promotion.step_since or context.now
    return Operation(
        operation_id=identity.operation_id(
            promotion.environment,
            promotion.tenant_id,
            request.message_type,
            effective_idempotency_key(request),
        ),
        operation_type=OperationType.SITE_CHECK,
        tenant_id=promotion.tenant_id,
        site_id=promotion.site_id,
        environment=promotion.environment,
        correlation_id=promotion.correlation_id,
        request_hash=canonical_hash(request).removeprefix("sha256:")[:32],
        plan=(CHECK_LIVE.name,),
        status=OperationStatus.PENDING,
        head=Fact(
            detail_type=DetailType.OPERATION_ACCEPTED, phase=Phase.FORWARD, step=None, attempt=0
        ),
        requested_by=promotion.requested_by,
        due_at=now + timedelta(hours=after_hours),
        created_at=now,
        updated_at=now,
    )
