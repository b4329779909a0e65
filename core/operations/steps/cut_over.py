"""The cut-over: writes held for a moment, what changed copied again, and the pointer moved."""

from __future__ import annotations

from dataclasses import replace

from core.domain.job_facts import CutOverFacts, SalvageFacts
from core.domain.jobs import CutOverJob, SalvageJob
from core.domain.names import marks_key, salvage_key
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.jobs import job_fields, run_job, stop_job
from core.operations.steps.move import Move
from core.operations.steps.traffic import invalidate_cache, switch, switch_back


def cut_over(context: StepContext) -> Outcome:
    """Let the job move the pointer while it holds writes; make the rule where there is none."""
    move, rules = Move(context), context.policy.promotion_rules
    live = move.live_release
    rule = context.ports.load_balancer.find_rule(move.host)
    answer = run_job(
        context,
        CutOverJob(
            **job_fields(context),
            database=move.database,
            live_schema=live.schema if live else None,
            protected_tables=list(move.protection.tables) if live else [],
            hold_seconds=rules.protection.hold_seconds,
            drain_seconds=rules.protection.drain_seconds,
            rule_arn=rule.arn if rule else None,
            target_group_arn=str(context.facts["start_release"]["target_group_arn"]),
            marks=context.ports.transfer.location(marks_key(move.release)),
        ),
    )
    if isinstance(answer, Failed):
        return replace(answer, cut_over=_leads_here(context))
    if not isinstance(answer, dict):
        return answer
    facts = CutOverFacts.model_validate(answer)
    pointed = switch(context)
    rule_facts = pointed.facts if isinstance(pointed, Done) else {}
    return Done(facts={**facts.model_dump(mode="json"), **rule_facts})


def take_back(context: StepContext) -> Outcome:
    """Undo: the pointer back first, then what was written to the release is exported, counted."""
    waiting = stop_job(context)
    if waiting is not None:
        return waiting
    switch_back(context)
    forgotten = invalidate_cache(context)
    if isinstance(forgotten, Wait):
        return forgotten
    if "start_release" not in context.facts:
        return Done()
    salvaged = salvage(context)
    if isinstance(salvaged, SalvageFacts):
        context.ports.transfer.delete_prefix(marks_key(Move(context).release))
        return Done(facts=salvaged.model_dump(mode="json"), summary=_told(salvaged))
    return salvaged


def salvage(context: StepContext) -> SalvageFacts | Outcome:
    """Export the rows written to the release since its cut-over."""
    move, transfer = Move(context), context.ports.transfer
    if not transfer.exists(marks_key(move.release)):
        return SalvageFacts()
    answer = run_job(
        context,
        SalvageJob(
            **job_fields(context),
            database=move.database,
            marks=transfer.location(marks_key(move.release)),
            drain_seconds=context.policy.promotion_rules.protection.drain_seconds,
            destination=transfer.location(salvage_key(context.operation.operation_id)),
        ),
    )
    return SalvageFacts.model_validate(answer) if isinstance(answer, dict) else answer


CUT_OVER = Step(name="cut_over", run=cut_over, undo=take_back, cuts_over=True)


def _leads_here(context: StepContext) -> bool:
    """Tell whether the job that failed had moved the pointer before."""
    rule = context.ports.load_balancer.find_rule(Move(context).host)
    new = str(context.facts["start_release"]["target_group_arn"])
    return rule is not None and rule.target_group_arn == new


def _told(salvaged: SalvageFacts) -> dict[str, int]:
    return {"salvagedRows": sum(salvaged.rows.values())}
