"""Looking at the source and taking a copy of it: both run as jobs where the source is."""

from __future__ import annotations

import hashlib
import json

from core.domain.census import Census
from core.domain.errors import WrongAccountError
from core.domain.job_facts import ExportFacts
from core.domain.jobs import CensusJob, ExportJob
from core.domain.names import manifest_key, transfer_prefix
from core.domain.operation import Json
from core.engine.outcome import Done, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.jobs import job_fields, leave_source, run_job, stop_job
from core.operations.steps.move import Move


def plan(context: StepContext) -> Outcome:
    """Count what the source consists of, and fix by a hash what this operation will do."""
    guard_account(context)
    move = Move(context)
    common = job_fields(context)
    common["site_id"] = move.source_site_id
    answer = run_job(
        context,
        CensusJob(
            **common,
            environment=move.source_environment,
            domains=_domains(context),
            destination=context.ports.transfer.location(
                transfer_prefix(context.operation.operation_id)
            ),
        ),
        move.source_account,
    )
    if not isinstance(answer, dict):
        return answer
    census = Census.model_validate(answer)
    facts: dict[str, Json] = {
        "census": census.model_dump(mode="json", by_alias=True),
        "plan_hash": plan_hash(context, census),
        "pages": census.posts.get("page:publish", 0),
    }
    return Done(facts=facts)


def plan_hash(context: StepContext, census: Census) -> str:
    """Return the hash over what this plan would do; counts are evidence and not part of it.

    Source: the workflows' step "plan": source and base release, selection, protection, versions,
    image digest, policy version.
    """
    move = Move(context)
    target = context.ports.sites.get(move.tenant_id, move.site_id)
    decided = {
        "sourceEnvironment": move.source_environment,
        "sourceRelease": census.release,
        "baseRelease": target.live_release if target else None,
        "payload": context.request.payload.model_dump(mode="json", exclude_none=True),
        "wordpressVersion": census.wordpress_version,
        "phpVersion": census.php_version,
        "plugins": census.plugins,
        "theme": census.theme,
        "imageDigest": census.image_digest,
        "policyVersion": context.policy.version,
    }
    text = json.dumps(decided, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def export_source(context: StepContext) -> Outcome:
    """Dump database and content of the source's live release to this operation's prefix."""
    move, transfer = Move(context), context.ports.transfer
    common = job_fields(context)
    common["site_id"] = move.source_site_id
    live = move.live_release
    known = manifest_key(move.site, live.number) if live else None
    answer = run_job(
        context,
        ExportJob(
            **common,
            environment=move.source_environment,
            release=move.census.release,
            destination=transfer.location(transfer_prefix(context.operation.operation_id)),
            known_manifest=transfer.location(known) if known and transfer.exists(known) else None,
            tables=_listed(move.protection.travelling_tables),
            folders=_listed(move.protection.travelling_folders),
        ),
        move.source_account,
    )
    if not isinstance(answer, dict):
        return answer
    facts = ExportFacts.model_validate(answer)
    return Done(facts=facts.model_dump(mode="json"))


def _domains(context: StepContext) -> tuple[str, str] | None:
    environments = context.policy.environments
    source, target = Move(context).source_environment, context.policy.environment
    if source is target:  # a clone changes its name, not its domain
        return None
    return environments[source].domain, environments[target].domain


def _listed(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)


def delete_transfer(context: StepContext) -> Outcome:
    """Undo: stop the export and delete what it wrote."""
    waiting = stop_job(context, Move(context).source_account)
    if waiting is not None:
        return waiting
    context.ports.transfer.delete_prefix(f"{transfer_prefix(context.operation.operation_id)}/")
    return Done()


def guard_account(context: StepContext) -> None:
    """Refuse to go on with credentials of another account than the environment's."""
    found, expected = context.ports.accounts.current(), context.policy.here.account_id
    if found != expected:
        raise WrongAccountError(
            f"These credentials belong to account {found}, but {context.policy.environment} is "
            f"{expected}. Nothing was changed; check the function's role and its policy file."
        )


PLAN = Step(name="plan", run=plan, leave=leave_source)
EXPORT_SOURCE = Step(name="export_source", run=export_source, undo=delete_transfer)
