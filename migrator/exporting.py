"""The export job: dump, content packs and manifest of the live release, into a transfer prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from botocore.exceptions import ClientError

from core.domain.job_facts import ExportFacts
from core.domain.job_models import ObjectLocation
from events.vocabulary import ErrorCode
from migrator.compression import Compressor
from migrator.content import load_manifest, pack
from migrator.dump import dump
from migrator.errors import JobFailure
from migrator.protected_tables import matching_tables
from migrator.sources import live_release, site_credentials
from migrator.transfer import S3Folder

if TYPE_CHECKING:
    from core.domain.jobs import ExportJob
    from migrator.databases import Credentials, Databases
    from migrator.manifest import Manifest
    from migrator.services import Services
    from migrator.sources import LiveRelease

log = structlog.get_logger(__name__)

DUMP = "database.sql.zst"
_ATTEMPTS = 2


def run_export(services: Services, job: ExportJob) -> ExportFacts:
    """Export the release that the plan saw.

    The site's record (live release, version) is read before and after: changed in between, the
    export is made once more; changed again, it fails. Rows are counted in the dump's own stream,
    which is the snapshot they have to be equal to.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        before = live_release(services, job)
        if before.release.number != job.release:
            raise _changed(job, f"its live release is {before.release.number} now")
        facts = _export(services, job, before)
        after = services.sites.get(job.tenant_id, job.site_id)
        if after is not None and _state(before) == (after.live_release, after.version):
            return facts
        log.warning("site_changed_during_export", export=attempt)
    raise _changed(job, f"it changed during each of {_ATTEMPTS} exports")


def _export(services: Services, job: ExportJob, live: LiveRelease) -> ExportFacts:
    writer = services.writer(job.operation_id)
    folder = S3Folder(writer, job.destination.bucket, job.destination.key)
    credentials = site_credentials(services, job)
    schema, databases = live.release.schema, services.databases
    tables = _selected(databases, credentials, schema, job)
    with folder.writer(DUMP) as sink:
        compressor = Compressor(sink)
        report = dump(databases, credentials, schema, compressor.write, tables)
        compressor.close()
    packed = pack(live.content, folder, _known(services, job.known_manifest), job.folders)
    return ExportFacts(
        dump=ObjectLocation(bucket=job.destination.bucket, key=folder.key(DUMP)),
        dump_sha256=sink.digest.sha256,
        dump_size_bytes=sink.digest.size_bytes,
        rows=report.rows,
        manifest_sha256=packed.manifest_sha256,
        files=len(packed.manifest.files),
        files_travelled=packed.travelled,
        content_size_bytes=packed.manifest.size_bytes,
        release=live.release.number,
    )


def _selected(
    databases: Databases, credentials: Credentials, schema: str, job: ExportJob
) -> list[str] | None:
    """Return the tables that travel; None: all. A pattern that fits no table is a mistake."""
    if job.tables is None:
        return None
    with databases.connect(credentials, schema) as connection:
        unknown = [
            pattern
            for pattern in job.tables
            if "*" not in pattern and not matching_tables(connection, schema, [pattern])
        ]
        found = matching_tables(connection, schema, job.tables)
    if unknown or not found:
        raise JobFailure(
            f"The selection names tables that site {job.site_id} does not have in "
            f"{job.environment}: {', '.join(unknown or job.tables)}. Correct the selection.",
            code=ErrorCode.SITE_001,
        )
    return found


def _known(services: Services, location: ObjectLocation | None) -> Manifest | None:
    """Return what the target has; a manifest that is not there means: everything travels."""
    if location is None:
        return None
    prefix, _, name = location.key.rpartition("/")
    try:
        return load_manifest(S3Folder(services.s3, location.bucket, prefix), name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"NoSuchKey", "404"}:
            raise
        log.warning("known_manifest_missing", key=location.key)
        return None


def _state(live: LiveRelease) -> tuple[int | None, int]:
    return live.site.live_release, live.site.version


def _changed(job: ExportJob, how: str) -> JobFailure:
    return JobFailure(
        f"Site {job.site_id} is not what was planned (release {job.release}): {how}. Plan the "
        "promotion again.",
        code=ErrorCode.PROM_002,
    )
