"""Deciding again: between plan, approval and switch the world may have moved."""

from __future__ import annotations

from core.domain.census import Census
from core.domain.jobs import CensusJob
from core.domain.windows import window_state
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.export import plan_hash
from core.operations.steps.gates import decide_gates
from core.operations.steps.jobs import job_fields, run_job
from core.operations.steps.move import Move
from core.operations.steps.plan_facts import is_emergency, plan_hash_of
from events.vocabulary import ErrorCode

MOST_WAIT_SECONDS = 900
"""The longest delay of a message; a longer wait is chained, poll by poll, and burns no receive."""


def decide_again(context: StepContext) -> Outcome:
    """Wait for the window; then count the source anew and decide every gate anew.

    The site's lock is held from here on, so that what is decided stays true.
    """
    closed = _until_open(context)
    if closed is not None:
        return closed
    move = Move(context)
    common = job_fields(context)
    common["site_id"] = move.source_site_id
    answer = run_job(
        context, CensusJob(**common, environment=move.source_environment), move.source_account
    )
    if not isinstance(answer, dict):
        return answer
    now_planned = plan_hash(context, Census.model_validate(answer))
    if now_planned != plan_hash_of(context):
        return Failed(
            code=ErrorCode.PROM_003,
            why="The source or the target has changed since the plan was made, so the plan and "
            "what was approved no longer hold. Ask for the promotion again.",
            details={"planned": plan_hash_of(context), "now": now_planned},
        )
    return decide_gates(context, "decide_again")


def confirm_window(context: StepContext) -> Outcome:
    """Look at the window once more before visitors see anything; a closed one is waited for."""
    closed = _until_open(context, switching=True)
    return closed if closed is not None else Done(facts={"open": True})


DECIDE_AGAIN = Step(name="decide_again", run=decide_again)
CONFIRM_WINDOW = Step(name="confirm_window", run=confirm_window)


def _until_open(context: StepContext, *, switching: bool = False) -> Wait | None:
    rules = context.policy.promotion_rules
    left_to_do = rules.monitor.window_seconds + rules.window.rollback_seconds
    state = window_state(
        rules.window,
        context.now,
        needed_seconds=left_to_do if switching else None,
        emergency=is_emergency(context),
    )
    if state.has_time:
        return None
    left = (state.opens_at - context.now).total_seconds() if state.opens_at else MOST_WAIT_SECONDS
    return Wait(seconds=max(1, min(MOST_WAIT_SECONDS, round(left))), why=state.why)
