"""The verify jobs: every check against a release, or against the source that it is made from."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from core.domain.job_facts import VerifyFacts
from core.domain.job_models import Check
from events.vocabulary import ErrorCode
from migrator.checks.assets import assets_load, no_mixed_content
from migrator.checks.browser import Browser
from migrator.checks.certificate import certificate_valid
from migrator.checks.comparison import same_front_page, same_php
from migrator.checks.database import (
    same_permalinks,
    same_plugins,
    same_posts,
    same_theme,
    search_engines_discouraged,
)
from migrator.checks.files import owned_by_wordpress
from migrator.checks.hosts import foreign_host_nowhere
from migrator.checks.output import no_mojibake, no_php_message
from migrator.checks.page import parse_page
from migrator.checks.pages import FRONT, REST, answers_200, page_not_empty, sitemap
from migrator.checks.sitemap_pages import every_page_answers
from migrator.checks.subjects import Inside, Outside
from migrator.checks.visits import Address, Visitor
from migrator.directories import site_folder
from migrator.errors import JobFailure
from migrator.front_pages import public_address
from migrator.sources import live_release, site_credentials
from migrator.wordpress import Options

if TYPE_CHECKING:
    from core.domain.jobs import VerifyExpectation, VerifyJob, VerifySourceJob
    from migrator.configuration import Configuration
    from migrator.services import Services

log = structlog.get_logger(__name__)

OUTSIDE_CHECKS: tuple[Callable[[Outside], Check | None], ...] = (
    page_not_empty,
    answers_200,
    sitemap,
    assets_load,
    no_mixed_content,
    foreign_host_nowhere,
    no_php_message,
    no_mojibake,
    same_front_page,
    same_php,
    certificate_valid,
)
"""As a visitor sees it. None: the check does not apply."""
INSIDE_CHECKS: tuple[Callable[[Inside], Check | None], ...] = (
    same_theme,
    same_plugins,
    same_permalinks,
    same_posts,
    owned_by_wordpress,
)
"""Database and files."""


def run_verify(services: Services, job: VerifyJob) -> VerifyFacts:
    """Run the checks; a failed check is a fact, not an error of the job."""
    releases = services.sites.list_releases(job.tenant_id, job.site_id)
    content_root = site_folder(services.configuration.mount_path, job, job.content_root, releases)
    schema, public = job.database.schema_name, job.through == "public"
    site = services.databases.credentials(job.database.secret_id)
    with services.databases.connect(site, schema) as connection:
        discouraged = search_engines_discouraged(connection, schema)
        checks = verify_site(
            job.site_url,
            job.addresses,
            public=public,
            expected=job.expected,
            discouraged=discouraged,
        )
        checks += look_inside(
            Inside(
                connection=connection,
                schema=schema,
                content_root=content_root,
                expected=job.expected,
            )
        )
    if job.comprehensive:
        visitor = Visitor(
            site_url=job.site_url, address=Address.parse(job.addresses[0], public=public)
        )
        checks += look_closely(visitor, services.configuration, discouraged=discouraged)
    return _facts(checks).model_copy(update=rest_facts(job.site_url, job.addresses, public=public))


def run_verify_source(services: Services, job: VerifySourceJob) -> VerifyFacts:
    """Run the checks against the source's live release: it has to work there before it moves."""
    live = live_release(services, job)
    if live.release.number != job.release:
        raise JobFailure(
            f"Release {live.release.number} of site {job.site_id} is live in {job.environment}, "
            f"not the planned {job.release}. Plan the promotion again.",
            code=ErrorCode.PROM_002,
        )
    schema = live.release.schema
    with services.databases.connect(site_credentials(services, job), schema) as connection:
        options = Options(connection, schema)
        site_url = options.get("home") or options.get("siteurl") or ""
        checks = verify_site(
            site_url,
            job.addresses or [public_address(services.configuration, site_url)],
            public=True,
            discouraged=search_engines_discouraged(connection, schema),
            is_source=True,
        )
        checks += look_inside(
            Inside(connection=connection, schema=schema, content_root=live.content)
        )
    return _facts(checks)


def verify_site(
    site_url: str,
    addresses: Sequence[str],
    *,
    public: bool,
    expected: VerifyExpectation | None = None,
    discouraged: bool = False,
    is_source: bool = False,
    context: ssl.SSLContext | None = None,
) -> list[Check]:
    """Run the checks that need nothing but HTTP; one list, a check failed at any address fails."""
    if not addresses:
        raise JobFailure("There is no address to verify the site at: no target is healthy.")
    merged: dict[str, Check] = {}
    for text in addresses:
        visitor = Visitor(
            site_url=site_url,
            address=Address.parse(text, public=public),
            context=context or ssl.create_default_context(),
        )
        site = Outside(
            visitor=visitor,
            content=parse_page(visitor.get(FRONT).text),
            expected=expected,
            discouraged=discouraged,
            is_source=is_source,
        )
        for check in filter(None, (look(site) for look in OUTSIDE_CHECKS)):
            known = merged.get(check.name)
            if known is None or (known.passed and not check.passed):
                at = f" (at {visitor.address})" if not check.passed and len(addresses) > 1 else ""
                merged[check.name] = check.model_copy(update={"evidence": check.evidence + at})
    return list(merged.values())


def rest_facts(site_url: str, addresses: Sequence[str], *, public: bool) -> dict[str, object]:
    """Return how the REST interface answers, under the names of VerifyFacts.

    Asked after the checks, which have warmed the site up: what is measured is WordPress at work.
    """
    visits = [Address.parse(text, public=public) for text in addresses]
    pages = [Visitor(site_url=site_url, address=address).probe(REST) for address in visits]
    slowest = max((page.milliseconds for page in pages if not page.problem), default=0)
    return {
        "wordpress_api_ms": round(slowest, 1) or None,
        "wordpress_requests": len(pages),
        "wordpress_timeouts": sum(1 for page in pages if not page.status),
    }


def look_inside(release: Inside) -> list[Check]:
    """Run the checks on database and files."""
    return [check for look in INSIDE_CHECKS if (check := look(release)) is not None]


def look_closely(
    visitor: Visitor, configuration: Configuration, *, discouraged: bool
) -> list[Check]:
    """Run the comprehensive checks, at one address: every page, and a browser."""
    return [
        every_page_answers(visitor, discouraged=discouraged),
        Browser(configuration.chromium_path).shows(visitor),
    ]


# --- private -------------------------------------------------------------------------------


def _facts(checks: list[Check]) -> VerifyFacts:
    failed = [check.name for check in checks if not check.passed]
    log.info("site_verified", checks=len(checks), failed=failed)
    return VerifyFacts(passed=not failed, checks=checks)
