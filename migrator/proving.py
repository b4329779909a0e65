"""The prove-backup job: a backup read back, restored beside its site, compared, and removed again.

What is proved is the way back itself: the same code loads the dump and places the files that a
restore uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from core.domain.job_facts import ProofFacts
from migrator.compression import decompressed
from migrator.content import MANIFEST, load_manifest, place
from migrator.databases import base_tables, count_rows, rows
from migrator.digests import chunk_sums, shapes, total
from migrator.directories import remove_beside, scratch_folder, site_folder
from migrator.errors import JobFailure
from migrator.importing import fresh_schema
from migrator.load import load
from migrator.manifest import build_manifest
from migrator.schemas import drop_schema, require_scratch_schema, require_site_schema
from migrator.transfer import S3Folder

if TYPE_CHECKING:
    from core.domain.backup_jobs import ProveBackupJob
    from migrator.databases import Connection, Credentials
    from migrator.manifest import Manifest
    from migrator.services import Services

log = structlog.get_logger(__name__)

_OBJECTS = {
    "views": "SELECT table_name FROM information_schema.views WHERE table_schema = %s",
    "routines": "SELECT routine_name FROM information_schema.routines WHERE routine_schema = %s",
    "triggers": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = %s",
    "events": "SELECT event_name FROM information_schema.events WHERE event_schema = %s",
}
_HOW_TO_GO_ON = "The site is as it was; ask for the deletion again."


def run_prove_backup(services: Services, job: ProveBackupJob) -> ProofFacts:
    """Compare every table and file of the restored backup with the site's own.

    Raises JobFailure when anything differs; schema and folder of the proof never stay.
    """
    live, scratch = job.database.schema_name, require_scratch_schema(job, job.scratch_schema)
    require_site_schema(services.sites, job, live)
    files = _prove_files(services, job)
    with fresh_schema(services, job, job.database.secret_id, scratch) as (admin, site):
        _restore(services, job, site)
        with services.databases.connect(site) as connection:
            digests = _compared(connection, job, live, scratch)
        drop_schema(admin, scratch)
    log.info("backup_proved", tables=len(digests), files=files)
    return ProofFacts(
        tables=len(digests), rows=sum(job.rows.values()), files=files, digests=digests
    )


# --- files ---------------------------------------------------------------------------------


def _prove_files(services: Services, job: ProveBackupJob) -> int:
    mount = services.configuration.mount_path
    releases = services.sites.list_releases(job.tenant_id, job.site_id)
    live = site_folder(mount, job, job.content_root, releases)
    scratch = scratch_folder(mount, job, job.scratch_root)
    source = S3Folder(services.s3, job.source.bucket, job.source.key)
    manifest = load_manifest(source, MANIFEST, job.manifest_sha256)
    try:
        place(source, manifest, scratch)
        restored = build_manifest(scratch)
    finally:
        remove_beside(scratch)
    _require_same_files(build_manifest(live), restored)
    return len(restored.files)


def _require_same_files(live: Manifest, restored: Manifest) -> None:
    own = {entry.path: entry for entry in live.files}
    found = {entry.path: entry for entry in restored.files}
    wrong = sorted(path for path in own.keys() | found.keys() if own.get(path) != found.get(path))
    if wrong:
        raise JobFailure(
            f"The restored backup differs from the site in {len(wrong)} files, for example "
            f"{', '.join(wrong[:5])}. {_HOW_TO_GO_ON}"
        )


# --- database ------------------------------------------------------------------------------


def _restore(services: Services, job: ProveBackupJob, site: Credentials) -> None:
    prefix, _, name = job.dump.key.rpartition("/")
    blocks = S3Folder(services.s3, job.dump.bucket, prefix).blocks(name, job.dump_sha256)
    load(services.databases, site, job.scratch_schema, decompressed(blocks), None)


def _compared(
    connection: Connection, job: ProveBackupJob, live: str, scratch: str
) -> dict[str, str]:
    """Return each table's rows and checksum, equal in both schemas."""
    counted = count_rows(connection, scratch)
    _require_equal("rows per table", job.rows, counted)
    for kind, statement in _OBJECTS.items():
        ours, theirs = (
            sorted(str(name) for (name,) in rows(connection, statement, schema))
            for schema in (live, scratch)
        )
        _require_equal(kind, dict.fromkeys(ours, 1), dict.fromkeys(theirs, 1))
    checksums = _digests(connection, live)
    _require_equal("tables", dict.fromkeys(job.rows, 1), dict.fromkeys(checksums, 1))
    _require_equal("checksums", checksums, _digests(connection, scratch))
    return checksums


def _digests(connection: Connection, schema: str) -> dict[str, str]:
    found = shapes(connection, schema, base_tables(connection, schema))
    return {
        table: str(total(chunk_sums(connection, schema, shape))) for table, shape in found.items()
    }


def _require_equal[V](what: str, site: dict[str, V], restored: dict[str, V]) -> None:
    wrong = [
        f"{name}: {restored.get(name, 'missing')} instead of {site.get(name, 'nothing')}"
        for name in sorted(site.keys() | restored.keys())
        if site.get(name) != restored.get(name)
    ]
    if wrong:
        raise JobFailure(
            f"The restored backup differs from the site in {what}: {'; '.join(wrong[:10])}. "
            f"{_HOW_TO_GO_ON}"
        )
