"""Secrets and schema of a release: made by jobs, because only they reach the database."""

from __future__ import annotations

from core.domain.census import Census
from core.domain.job_facts import ExportFacts, ImportFacts
from core.domain.job_models import OriginMapping
from core.domain.jobs import DropDatabaseJob, ImportJob
from core.domain.names import origin
from core.engine.outcome import Done, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.jobs import job_fields, run_job, stop_job
from core.operations.steps.move import Move


def prepare_secrets(context: StepContext) -> Outcome:
    """Make (or find) the site's secrets; no value is kept, logged or sent."""
    move, secrets = Move(context), context.ports.secrets
    return Done(
        facts={
            "database_secret": secrets.ensure_database_secret(move.site, move.tags),
            "admin_secret": secrets.ensure_admin_secret(move.site, move.tags),
            "salts_secret": secrets.ensure_salts_secret(move.site, move.tags),
        }
    )


def delete_secrets(context: StepContext) -> Outcome:
    """Undo: delete the secrets of a site that did not exist before; a live site keeps its own.

    Those of a deleted site wait again for the next restore.
    """
    move = Move(context)
    days = context.policy.deletion.backup_retention_days if move.is_restore else 0
    if context.facts["reserve_release"].get("had_site"):
        return Done()
    for name in (move.site.database_secret, move.site.admin_secret, move.site.salts_secret):
        context.ports.secrets.delete(name, recovery_days=days)
    return Done()


def import_database(context: StepContext) -> Outcome:
    """Load the source's dump into the release's schema: rewritten, counted, compared."""
    move = Move(context)
    exported = ExportFacts.model_validate(context.facts["export_source"])
    live = move.live_release
    answer = run_job(
        context,
        ImportJob(
            **job_fields(context),
            database=move.database,
            dump=exported.dump,
            dump_sha256=exported.dump_sha256,
            rows=exported.rows,
            mappings=_mappings(context, move.census),
            options={"home": move.site_url, "siteurl": move.site_url},
            keep_options_from=live.schema if live else None,
            kept_options=_kept_options(context) if live else [],
            carried_from=live.schema if live else None,
            carried_tables=list(move.protection.tables) if live else [],
            carry_missing=live is not None and move.protection.carries_missing_tables,
        ),
    )
    if not isinstance(answer, dict):
        return answer
    facts = ImportFacts.model_validate(answer)
    return Done(facts=facts.model_dump(mode="json"))


def drop_database(context: StepContext) -> Outcome:
    """Undo: drop the schema of the release, which was never live, and a user made for it."""
    waiting = stop_job(context)
    if waiting is not None:
        return waiting
    job = DropDatabaseJob(
        **job_fields(context),
        database=Move(context).database,
        drop_user=not context.facts["reserve_release"].get("had_site"),
    )
    answer = run_job(context, job)
    return Done() if isinstance(answer, dict) else answer


PREPARE_SECRETS = Step(name="prepare_secrets", run=prepare_secrets, undo=delete_secrets)
IMPORT_DATABASE = Step(name="import_database", run=import_database, undo=drop_database)


def _mappings(context: StepContext, census: Census) -> list[OriginMapping]:
    """Map the origin that the source uses, and the one its environment gives it, to the target."""
    move = Move(context)
    domain = context.policy.environments[move.source_environment].domain
    sources = dict.fromkeys([census.site_url.rstrip("/"), origin(census.subdomain, domain)])
    return [OriginMapping(source=source, target=move.site_url) for source in sources]


def _kept_options(context: StepContext) -> list[str]:
    """Environment-local options by policy, and those that the request protects."""
    return list(Move(context).protection.kept_options(context.policy.kept_options))
