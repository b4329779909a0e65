"""The live release of a site, found the way a census or an export needs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.names import SiteNames
from events.vocabulary import ErrorCode
from migrator.directories import below
from migrator.errors import JobFailure

if TYPE_CHECKING:
    from core.domain.jobs import CensusJob, ExportJob, VerifySourceJob
    from core.domain.site import Release, Site
    from migrator.databases import Credentials
    from migrator.services import Services

type SourceJob = CensusJob | ExportJob | VerifySourceJob
"""The jobs that look at the live release of an environment."""


@dataclass(frozen=True, kw_only=True)
class LiveRelease:
    """A site's record, its live release, and where both live on this task's system."""

    site: Site
    release: Release
    content: Path


def live_release(services: Services, job: SourceJob) -> LiveRelease:
    """Return the live release of the job's site; raises JobFailure when there is none."""
    _require_environment(services, job)
    site = services.sites.get(job.tenant_id, job.site_id)
    if site is None or site.live_release is None:
        raise JobFailure(
            f"Site {job.site_id} has no live release in {job.environment}; create it there first.",
            code=ErrorCode.SITE_002,
        )
    release = services.sites.get_release(job.tenant_id, job.site_id, site.live_release)
    if release is None:
        raise JobFailure(
            f"The record of release {site.live_release} of site {job.site_id} is missing in "
            f"{job.environment}. Restore it from the table's backup."
        )
    content = below(services.configuration.mount_path, release.content_root)
    return LiveRelease(site=site, release=release, content=content)


def site_credentials(services: Services, job: SourceJob) -> Credentials:
    """Return the site's own database credentials.

    A site that existed before the fleet may still have its tenant's secret,
    bbws/<environment>/<tenantId>/db.
    """
    names = SiteNames(environment=job.environment, tenant_id=job.tenant_id, site_id=job.site_id)
    try:
        return services.databases.credentials(names.database_secret)
    except JobFailure as failure:
        if "ResourceNotFoundException" not in failure.message:
            raise
        return services.databases.credentials(f"bbws/{job.environment}/{job.tenant_id}/db")


def _require_environment(services: Services, job: SourceJob) -> None:
    here = services.configuration.required("environment")
    if here != job.environment:
        raise JobFailure(
            f"This task runs in {here} and the job is about {job.environment}. It was started in "
            "the wrong account; nothing was read."
        )
