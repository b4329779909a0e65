"""The backup that a deletion leaves behind: taken from the resting site, then proved."""

from __future__ import annotations

from datetime import timedelta

from core.domain.backup_jobs import BackUpJob, ProveBackupJob, RemoveScratchJob
from core.domain.job_facts import ExportFacts, ProofFacts
from core.domain.operation import Json
from core.domain.site_backup import SiteBackup
from core.engine.outcome import Done, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.jobs import job_fields, run_job, stop_job
from core.operations.steps.own_site import OwnSite
from events.formats import format_timestamp


def back_up_site(context: StepContext) -> Outcome:
    """Write dump and content of the live release to the backup's own prefix."""
    own = OwnSite(context)
    answer = run_job(
        context,
        BackUpJob(
            **job_fields(context),
            database=own.database,
            release=own.live.number,
            content_root=own.live.content_root,
            destination=context.ports.transfer.location(_folder(context)),
        ),
    )
    if not isinstance(answer, dict):
        return answer
    return Done(facts=ExportFacts.model_validate(answer).model_dump(mode="json"))


def delete_backup(context: StepContext) -> Outcome:
    """Undo: the site stays, so that its backup goes."""
    waiting = stop_job(context)
    if waiting is not None:
        return waiting
    context.ports.transfer.delete_prefix(f"{_folder(context)}/")
    return Done()


def prove_backup(context: StepContext) -> Outcome:
    """Restore the backup beside the site, compare all of it, and only then write its record."""
    own, exported = OwnSite(context), _exported(context)
    answer = run_job(
        context,
        ProveBackupJob(
            **job_fields(context),
            database=own.database,
            content_root=own.live.content_root,
            scratch_schema=own.names.scratch_schema,
            scratch_root=own.names.scratch_root,
            source=context.ports.transfer.location(_folder(context)),
            dump=exported.dump,
            dump_sha256=exported.dump_sha256,
            manifest_sha256=exported.manifest_sha256,
            rows=exported.rows,
        ),
    )
    if not isinstance(answer, dict):
        return answer
    proof = ProofFacts.model_validate(answer)
    backup = _record(context, exported, proof)
    record = backup.model_dump_json(by_alias=True)
    context.ports.documents.put(own.names.backup_record(backup.backup_id), record)
    facts: dict[str, Json] = proof.model_dump(mode="json")
    return Done(facts=facts, summary=_told(context, backup))


def take_back_proof(context: StepContext) -> Outcome:
    """Undo: the record goes, and what a stopped proof has left."""
    waiting = stop_job(context)
    if waiting is not None:
        return waiting
    names = OwnSite(context).names
    context.ports.transfer.delete_prefix(names.backup_record(context.operation.operation_id))
    answer = run_job(
        context,
        RemoveScratchJob(
            **job_fields(context),
            scratch_schema=names.scratch_schema,
            scratch_root=names.scratch_root,
        ),
    )
    told: dict[str, Json] = dict.fromkeys(("backupId", "keepUntil"))
    return Done(summary=told) if isinstance(answer, dict) else answer


def discard_backup(context: StepContext) -> Outcome:
    """Remove the backup of a site that nobody wants back: it was there until the site was gone."""
    names, transfer = OwnSite(context).names, context.ports.transfer
    transfer.delete_prefix(names.backup_record(context.operation.operation_id))
    transfer.delete_prefix(f"{_folder(context)}/")
    return Done()


BACK_UP_SITE = Step(name="back_up_site", run=back_up_site, undo=delete_backup)
PROVE_BACKUP = Step(name="prove_backup", run=prove_backup, undo=take_back_proof)
DISCARD_BACKUP = Step(name="discard_backup", run=discard_backup)


def _folder(context: StepContext) -> str:
    return OwnSite(context).names.backup_folder(context.operation.operation_id)


def _exported(context: StepContext) -> ExportFacts:
    return ExportFacts.model_validate(context.facts["back_up_site"])


def _record(context: StepContext, exported: ExportFacts, proof: ProofFacts) -> SiteBackup:
    own = OwnSite(context)
    site = own.site
    created_at = context.operation.step_since or context.now
    days = context.policy.deletion.backup_retention_days
    return SiteBackup(
        backup_id=context.operation.operation_id,
        tenant_id=site.tenant_id,
        site_id=site.site_id,
        environment=site.environment,
        site_name=site.site_name,
        subdomain=site.subdomain,
        site_url=own.site_url,
        isolation_level=site.isolation_level,
        read_only=site.read_only,
        wordpress_version=site.wordpress_version,
        php_version=site.php_version,
        image_digest=own.live_record.image_digest,
        exported=exported,
        folder=_folder(context),
        proved_tables=proof.tables,
        created_at=created_at,
        keep_until=created_at + timedelta(days=days),
    )


def _told(context: StepContext, backup: SiteBackup) -> dict[str, Json]:
    """Return what events repeat of a backup that will be kept."""
    if not getattr(context.request.payload, "retain_backup", True):
        return {}
    return {"backupId": backup.backup_id, "keepUntil": format_timestamp(backup.keep_until)}
