"""Approval: people agree to exactly this plan, or it does not happen."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.domain.approvals import Approved, Expired, Pending, Rejected, weigh
from core.domain.operation import Json
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.plan_facts import is_emergency, plan_hash_of
from events.formats import format_timestamp
from events.vocabulary import ErrorCode, OperationStatus

ASKED = ("planHash", "roles", "expiresAt")
"""What the operation repeats while people are asked; its item is kept small."""


def request_approval(context: StepContext) -> Outcome:
    """Fix who is asked, about which plan and until when; the next record tells everybody."""
    approval = context.policy.promotion_rules.approval
    asked_at = context.operation.step_since or context.now
    expires_at = format_timestamp(asked_at + timedelta(seconds=approval.expires_seconds))
    roles: list[Json] = list(approval.asked_of(emergency=is_emergency(context)))
    summary: dict[str, Json] = {
        "planHash": plan_hash_of(context),
        "roles": roles,
        "expiresAt": expires_at,
    }
    return Done(
        facts={"asked_at": format_timestamp(asked_at), "expires_at": expires_at, "roles": roles},
        summary=summary,
    )


def await_approval(context: StepContext) -> Outcome:
    """Wait until the plan is approved and the time to object is over."""
    verdict = weigh(
        context.policy.promotion_rules.approval,
        context.ports.decisions.of(context.operation.operation_id),
        requester=context.operation.requested_by,
        plan_hash=plan_hash_of(context),
        asked_at=datetime.fromisoformat(str(context.facts["request_approval"]["asked_at"])),
        now=context.now,
        emergency=is_emergency(context),
    )
    match verdict:
        case Approved():
            by_role: dict[str, Json] = dict(verdict.by)
            return Done(
                facts={"approved_at": format_timestamp(verdict.at), "by_role": by_role},
                summary=dict.fromkeys(ASKED),
            )
        case Pending():
            left = int((verdict.until - context.now).total_seconds()) + 1
            seconds = max(1, min(context.poll_seconds, left))
            return Wait(seconds=seconds, why=verdict.why, sooner=not verdict.missing)
        case Rejected():
            said = f": {verdict.comment}" if verdict.comment else ""
            return Failed(
                code=ErrorCode.PROM_003,
                why=f"{verdict.role} rejected the plan{said}",
                ends_as=OperationStatus.REJECTED,
            )
        case Expired():
            return Failed(
                code=ErrorCode.PROM_003,
                why=f"Not everybody agreed to the plan in time; missing: "
                f"{', '.join(verdict.missing)}. Ask for the promotion again.",
            )


REQUEST_APPROVAL = Step(name="request_approval", run=request_approval)
AWAIT_APPROVAL = Step(name="await_approval", run=await_approval, awaits_approval=True)
