"""The back-up job: dump, content packs and manifest of a site that rests, into a prefix to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.job_facts import ExportFacts
from core.domain.job_models import ObjectLocation
from migrator.compression import Compressor
from migrator.content import pack
from migrator.directories import site_folder
from migrator.dump import dump
from migrator.exporting import DUMP
from migrator.schemas import require_site_schema
from migrator.transfer import S3Folder

if TYPE_CHECKING:
    from core.domain.backup_jobs import BackUpJob
    from migrator.services import Services


def run_back_up(services: Services, job: BackUpJob) -> ExportFacts:
    """Write all of the site; nothing is left out, whatever an earlier transfer already has."""
    schema = job.database.schema_name
    require_site_schema(services.sites, job, schema)
    releases = services.sites.list_releases(job.tenant_id, job.site_id)
    content = site_folder(services.configuration.mount_path, job, job.content_root, releases)
    folder = S3Folder(
        services.writer(job.operation_id), job.destination.bucket, job.destination.key
    )
    credentials = services.databases.credentials(job.database.secret_id)
    with folder.writer(DUMP) as sink:
        compressor = Compressor(sink)
        report = dump(services.databases, credentials, schema, compressor.write, None)
        compressor.close()
    packed = pack(content, folder)
    return ExportFacts(
        dump=ObjectLocation(bucket=job.destination.bucket, key=folder.key(DUMP)),
        dump_sha256=sink.digest.sha256,
        dump_size_bytes=sink.digest.size_bytes,
        rows=report.rows,
        manifest_sha256=packed.manifest_sha256,
        files=len(packed.manifest.files),
        files_travelled=packed.travelled,
        content_size_bytes=packed.manifest.size_bytes,
        release=job.release,
    )
