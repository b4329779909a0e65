"""Looking at the target before anything changes: what it has, what changed in it, the way back."""

from __future__ import annotations

from core.domain.job_facts import TargetCensusFacts
from core.domain.job_models import Database
from core.domain.jobs import TargetCensusJob
from core.domain.names import marks_key
from core.domain.operation import Json
from core.domain.protection import protection_of
from core.engine.outcome import Done, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.jobs import job_fields, leave_job, run_job
from core.operations.steps.move import Move
from core.operations.steps.plan_facts import promotion_payload


def survey_target(context: StepContext) -> Outcome:
    """Count the target's live release, and try every right that the later jobs need here."""
    move = Move(context)
    site = context.ports.sites.get(move.tenant_id, move.site_id)
    live = move.site.release(site.live_release) if site and site.live_release else None
    protection = protection_of(
        context.policy.promotion_rules.protection,
        promotion_payload(context),
        has_live_release=live is not None,
    )
    answer = run_job(
        context,
        TargetCensusJob(
            **job_fields(context),
            database=Database(secret_id=move.site.database_secret, schema_name=live.schema)
            if live
            else None,
            content_root=live.content_root if live else None,
            marks=context.ports.transfer.location(marks_key(live)) if live else None,
            protected_tables=list(protection.tables),
            kept_options=list(protection.kept_options(context.policy.kept_options)),
        ),
    )
    if not isinstance(answer, dict):
        return answer
    target = TargetCensusFacts.model_validate(answer)
    return Done(
        facts={
            "target": target.model_dump(mode="json", by_alias=True),
            "has_live_release": live is not None,
            "way_back": _way_back(context, live.number if live else None),
        }
    )


SURVEY_TARGET = Step(name="survey_target", run=survey_target, leave=leave_job)


def _way_back(context: StepContext, live_release: int | None) -> dict[str, Json]:
    """Return what a rollback would use: kept releases, the rule and the name as they are now."""
    move, ports = Move(context), context.ports
    rule = ports.load_balancer.find_rule(move.host)
    record = ports.dns.find(move.host)
    releases = ports.sites.list_releases(move.tenant_id, move.site_id)
    kept: list[Json] = [r.number for r in releases if r.status.is_kept]
    return {
        "host": move.host,
        "live_release": live_release,
        "kept_releases": kept,
        "rule_arn": rule.arn if rule else None,
        "target_group_arn": rule.target_group_arn if rule else None,
        "dns_target": record.target if record else None,
    }
