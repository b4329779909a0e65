"""Approval: people agree to exactly this plan, or it does not happen.

Any workflow may ask: REQUEST_APPROVAL and AWAIT_APPROVAL in its table (left out where the policy
asks nobody: `Policy.approval_of`), CONFIRM_PLAN once the site's lock is held, and `check_request`
in its admission.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from core.domain.approval import noun_of
from core.domain.approvals import Approved, Expired, Pending, Rejected, weigh
from core.domain.operation import Json
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.plan_facts import is_emergency, plan_hash_of, request_hash
from events.formats import format_timestamp
from events.vocabulary import ErrorCode, OperationStatus

ASKED = ("planHash", "roles", "expiresAt")
"""What the operation repeats while people are asked; its item is kept small."""


def request_approval(context: StepContext) -> Outcome:
    """Fix who is asked, about which plan and until when; the next record tells everybody."""
    approval = context.policy.approval_of(context.operation.operation_type)
    asked_at = context.operation.step_since or context.now
    expires_at = format_timestamp(asked_at + timedelta(seconds=approval.expires_seconds))
    roles: list[Json] = list(approval.asked_of(emergency=is_emergency(context)))
    plan_hash = plan_hash_of(context)
    summary: dict[str, Json] = {
        "planHash": plan_hash,
        "roles": roles,
        "expiresAt": expires_at,
    }
    return Done(
        facts={
            "asked_at": format_timestamp(asked_at),
            "expires_at": expires_at,
            "roles": roles,
            "plan_hash": plan_hash,
        },
        summary=summary,
    )


def await_approval(context: StepContext) -> Outcome:
    """Wait until the plan is approved and the time to object is over."""
    noun = noun_of(context.operation.operation_type)
    verdict = weigh(
        context.policy.approval_of(context.operation.operation_type),
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
                why="Not everybody agreed to the plan in time; missing: "
                f"{', '.join(verdict.missing)}. Ask for the {noun} again.",
            )


def confirm_plan(context: StepContext) -> Outcome:
    """Compare what was agreed to with what would be done now, under the site's lock.

    For operations without a census; a promotion decides again by counting its source.
    """
    planned, now_planned = plan_hash_of(context), request_hash(context)
    if planned == now_planned:
        return Done()
    return Failed(
        code=ErrorCode.PROM_003,
        why="The site or the policy has changed since people agreed, so what they agreed to no "
        f"longer holds. Ask for the {noun_of(context.operation.operation_type)} again.",
        details={"planned": planned, "now": now_planned},
    )


REQUEST_APPROVAL = Step(name="request_approval", run=request_approval)
AWAIT_APPROVAL = Step(name="await_approval", run=await_approval, awaits_approval=True)
CONFIRM_PLAN = Step(name="confirm_plan", run=confirm_plan)
