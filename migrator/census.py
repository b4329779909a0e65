"""The census job: what the live release of a site consists of, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from core.domain.census import Census
from core.domain.job_models import Check, OriginMapping
from core.domain.names import origin
from events.vocabulary import ErrorCode
from migrator.databases import count_rows, size_bytes
from migrator.domain_keys import domain_bound_options
from migrator.dry_run import count_replacements
from migrator.errors import JobFailure
from migrator.front_pages import seen_front_page
from migrator.manifest import summarise
from migrator.rights import missing
from migrator.source_rights import source_rights
from migrator.sources import live_release, site_credentials
from migrator.wordpress import (
    Options,
    active_plugins,
    php_version,
    plugin_versions,
    post_counts,
    wordpress_version,
)

if TYPE_CHECKING:
    from core.domain.jobs import CensusJob
    from core.domain.site import Site
    from migrator.services import Services

log = structlog.get_logger(__name__)


def run_census(services: Services, job: CensusJob) -> Census:
    """Count a site; reads only. The record's WordPress and PHP versions win over this image's.

    Every right is tried first. Without one that the counting itself needs the job fails and says
    which; a transfer prefix that cannot be written to is a fact of the census.
    """
    live = live_release(services, job)
    rights = source_rights(services, job, live)
    _require_countable(rights, job)
    site, schema = live.site, live.release.schema
    databases, credentials = services.databases, site_credentials(services, job)
    with databases.connect(credentials, schema) as connection:
        tables = count_rows(connection, schema)
        options = Options(connection, schema)
        plugins = active_plugins(options.get("active_plugins"))
        home = options.get("home") or options.get("siteurl") or ""
        log.info("census_counted", tables=len(tables), rows=sum(tables.values()))
        return Census(
            tenant_id=site.tenant_id,
            site_id=site.site_id,
            environment=site.environment,
            site_name=site.site_name,
            subdomain=site.subdomain,
            site_url=home,
            release=live.release.number,
            site_version=site.version,
            image_digest=live.release.image_digest or "",
            wordpress_version=site.wordpress_version
            or wordpress_version(services.configuration.wordpress_path),
            php_version=site.php_version or php_version(),
            theme=options.get("stylesheet") or "",
            plugins=plugin_versions(live.content, plugins),
            permalinks=options.get("permalink_structure") or "",
            tables=tables,
            posts=post_counts(connection, schema, options.prefix),
            content=summarise(live.content),
            isolation_level=site.isolation_level,
            front_page=seen_front_page(services, options.get("home") or ""),
            replacements=count_replacements(
                databases, credentials, schema, _mappings(job, site, home)
            ),
            rights=rights,
            live_since=live.release.updated_at,
            target_group_arn=live.release.target_group_arn,
            load_balancer_arn=services.configuration.load_balancer_arn or None,
            database_size_bytes=size_bytes(connection, schema),
            domain_bound_options=domain_bound_options(connection, schema, options.prefix),
        )


def _mappings(job: CensusJob, site: Site, home: str) -> list[OriginMapping]:
    """Return what a move would replace: the origin in use and the one the environment gives."""
    if job.domains is None:
        return []
    here, there = (origin(site.subdomain, domain) for domain in job.domains)
    sources = dict.fromkeys([*([home.rstrip("/")] if home else []), here])
    return [OriginMapping(source=source, target=there) for source in sources]


def _require_countable(rights: list[Check], job: CensusJob) -> None:
    lacking = missing(check for check in rights if check.name != "transfer writable")
    if lacking:
        raise JobFailure(
            f"The census of site {job.site_id} in {job.environment} lacks rights. {lacking}",
            code=ErrorCode.PROM_002,
        )
