"""A release from a backup: what a restore does in place of a plan, an export and an install."""

from __future__ import annotations

from core.domain.job_facts import ContentFacts, ImportFacts
from core.domain.job_models import OriginMapping
from core.domain.jobs import ContentJob, ImportJob
from core.domain.names import manifest_key
from core.domain.operation import Json
from core.engine.outcome import Done, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.backup_records import read_backup
from core.operations.steps.content import stop_placing
from core.operations.steps.database import drop_database
from core.operations.steps.jobs import job_fields, run_job
from core.operations.steps.move import Move
from events.requests import SiteRestorePayload


def find_backup(context: StepContext) -> Outcome:
    """Read the backup's record, and note how the site stands: it is the way back."""
    move, payload = Move(context), context.request.payload
    backup_id = payload.backup_id if isinstance(payload, SiteRestorePayload) else ""
    backup = read_backup(context.ports.documents, move.site, backup_id, context.now)
    site = context.ports.sites.get(move.tenant_id, move.site_id)
    is_live = site is not None and site.live_release is not None
    facts: dict[str, Json] = {
        "backup": backup.model_dump(mode="json", by_alias=True),
        "status": site.status if site else None,
        "subdomain": site.subdomain if site and is_live else backup.subdomain,
    }
    return Done(facts=facts, summary={"backupId": backup_id})


def restore_database(context: StepContext) -> Outcome:
    """Load the backup's dump into the release's schema; counted, compared."""
    move, exported = Move(context), Move(context).backup.exported
    answer = run_job(
        context,
        ImportJob(
            **job_fields(context),
            database=move.database,
            dump=exported.dump,
            dump_sha256=exported.dump_sha256,
            rows=exported.rows,
            mappings=_mappings(move),
            options={"home": move.site_url, "siteurl": move.site_url},
        ),
    )
    if not isinstance(answer, dict):
        return answer
    return Done(facts=ImportFacts.model_validate(answer).model_dump(mode="json"))


def restore_content(context: StepContext) -> Outcome:
    """Place the backup's files into the release's directory."""
    move, transfer = Move(context), context.ports.transfer
    answer = run_job(
        context,
        ContentJob(
            **job_fields(context),
            source=transfer.location(move.backup.folder),
            manifest_sha256=move.backup.exported.manifest_sha256,
            content_root=move.release.content_root,
            manifest_destination=transfer.location(manifest_key(move.site, move.release.number)),
        ),
    )
    if not isinstance(answer, dict):
        return answer
    return Done(facts=ContentFacts.model_validate(answer).model_dump(mode="json"))


FIND_BACKUP = Step(name="find_backup", run=find_backup)
RESTORE_DATABASE = Step(name="restore_database", run=restore_database, undo=drop_database)
RESTORE_CONTENT = Step(name="restore_content", run=restore_content, undo=stop_placing)


def _mappings(move: Move) -> list[OriginMapping]:
    """Map the address that the site had; the same address again needs no rewriting."""
    former = move.backup.site_url
    if former == move.site_url:
        return []
    return [OriginMapping(source=former, target=move.site_url)]
