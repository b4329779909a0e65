"""Deciding again: between plan, approval and the work the world may have moved."""

from __future__ import annotations

from core.domain.census import Census
from core.domain.jobs import CensusJob
from core.engine.outcome import Done, Failed, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.export import plan_hash
from core.operations.steps.gates import await_window, decide_gates
from core.operations.steps.jobs import job_fields, leave_source, run_job
from core.operations.steps.move import Move
from core.operations.steps.plan_facts import plan_hash_of
from events.vocabulary import ErrorCode


def wait_for_window(context: StepContext) -> Outcome:
    """Wait for the window before the site is locked: it may be days, and others may work on it."""
    return await_window(context) or Done(facts={"open": True})


def decide_again(context: StepContext) -> Outcome:
    """Count the source anew and decide every gate anew, should the window still be open.

    The site's lock is held by now, so that what is decided stays true.
    """
    closed = await_window(context)
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
    census = Census.model_validate(answer)
    planned, now_planned = plan_hash_of(context), plan_hash(context, census)
    if now_planned != planned:
        return Failed(
            code=ErrorCode.PROM_003,
            why="The source or the target has changed since the plan was made, so the plan and "
            "what was approved no longer hold. Ask for the promotion again.",
            details={"planned": planned, "now": now_planned},
        )
    drift = _drifted_rows(Move(context).census, census)
    most = context.policy.promotion_rules.gates.drift_rows_at_most
    if drift > most:
        return Failed(
            code=ErrorCode.PROM_003,
            why=f"The source has changed by {drift} rows since the plan was made, and at most "
            f"{most} are allowed. Ask for the promotion again, so that people see what it is now.",
            details={"driftedRows": drift},
        )
    return decide_gates(context, census)


AWAIT_WINDOW = Step(name="await_window", run=wait_for_window)
DECIDE_AGAIN = Step(name="decide_again", run=decide_again, leave=leave_source)


def _drifted_rows(planned: Census, now: Census) -> int:
    tables = planned.tables.keys() | now.tables.keys()
    return sum(abs(now.tables.get(t, 0) - planned.tables.get(t, 0)) for t in tables)
