"""The content job: place a release's content from a transfer and the target's live release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.job_facts import ContentFacts
from events.vocabulary import ErrorCode
from migrator.content import MANIFEST, load_manifest, mixed, place
from migrator.directories import release_root, site_folder
from migrator.errors import JobFailure, Refusal
from migrator.schemas import require_not_live
from migrator.transfer import S3Folder

if TYPE_CHECKING:
    from pathlib import Path

    from core.domain.jobs import ContentJob
    from migrator.manifest import Manifest
    from migrator.services import Services


def run_content(services: Services, job: ContentJob) -> ContentFacts:
    """Place, verify, and keep the placed release's manifest for later transfers."""
    mount = services.configuration.mount_path
    root = release_root(mount, job.content_root, job.tenant_id, job.site_id)
    require_not_live(services.sites, job, int(root.name[1:]))
    live = None
    if job.live_content_root:
        releases = services.sites.list_releases(job.tenant_id, job.site_id)
        live = site_folder(mount, job, job.live_content_root, releases)
    if live == root:
        raise Refusal(f"{job.content_root} is the live release's own folder; nothing was touched.")
    source = S3Folder(services.s3, job.source.bucket, job.source.key)
    manifest = load_manifest(source, MANIFEST, job.manifest_sha256)
    report = place(source, manifest, root, live, _wanted(job, manifest, live))
    prefix, _, name = job.manifest_destination.key.rpartition("/")
    kept = S3Folder(services.s3, job.manifest_destination.bucket, prefix)
    with kept.writer(name) as sink:
        sink.write(report.manifest.to_json())
    return ContentFacts(
        files=len(report.manifest.files),
        size_bytes=report.manifest.size_bytes,
        copied_from_live=report.copied_from_live,
        manifest=job.manifest_destination,
    )


def _wanted(job: ContentJob, transfer: Manifest, live: Path | None) -> Manifest | None:
    """Return what the release shall consist of; None: exactly what the source has.

    Where nothing is live yet there is nothing to keep: protected folders come from the source.
    """
    if live is None and job.selected_folders is not None:
        raise JobFailure(
            f"A part of the content of site {job.site_id} was selected, and there is no live "
            "release that the rest could come from. Promote the whole site first.",
            code=ErrorCode.SITE_001,
        )
    if live is None or (job.selected_folders is None and not job.kept_folders):
        return None
    return mixed(transfer, live, job.selected_folders, job.kept_folders)
