"""Deciding again: between plan, approval and switch the world may have moved."""

from __future__ import annotations

from datetime import timedelta

from core.domain.census import Census
from core.domain.jobs import CensusJob
from core.domain.windows import Standing, stand
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.export import plan_hash
from core.operations.steps.gates import decide_gates
from core.operations.steps.jobs import job_fields, run_job
from core.operations.steps.move import Move
from core.operations.steps.plan_facts import is_emergency, plan_hash_of
from events.formats import format_timestamp
from events.vocabulary import ErrorCode


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
    window = rules.window
    needed = window.rollback_seconds + (
        rules.monitor.window_seconds if switching else window.expected_seconds
    )
    standing = stand(window, context.now, timedelta(seconds=needed))
    if standing.is_open_long_enough or is_emergency(context):
        return None
    return _closed(standing, context)


def _closed(standing: Standing, context: StepContext) -> Wait:
    opens = standing.opens_at
    left = (opens - context.now).total_seconds() if opens else 900.0
    when = f"it opens at {format_timestamp(opens)}" if opens else "nothing says when it opens"
    return Wait(seconds=max(1, min(900, round(left))), why=f"the maintenance window: {when}")
