"""The verify job: every check against a release, through each of the given addresses."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from core.domain.job_facts import VerifyFacts
from core.domain.job_models import Check
from migrator.checks.assets import assets_load, no_mixed_content
from migrator.checks.certificate import certificate_valid
from migrator.checks.database import same_site, search_engines_discouraged
from migrator.checks.files import owned_by_wordpress
from migrator.checks.hosts import foreign_host_nowhere
from migrator.checks.output import no_mojibake, no_php_message
from migrator.checks.page import parse_page
from migrator.checks.pages import FRONT, answers_200, page_not_empty, sitemap
from migrator.checks.visits import Address, Visitor
from migrator.directories import site_folder
from migrator.errors import JobFailure

if TYPE_CHECKING:
    from core.domain.jobs import VerifyJob
    from migrator.services import Services

log = structlog.get_logger(__name__)


def run_verify(services: Services, job: VerifyJob) -> VerifyFacts:
    """Run the checks; a failed check is a fact, not an error of the job."""
    releases = services.sites.list_releases(job.tenant_id, job.site_id)
    content_root = site_folder(services.configuration.mount_path, job, job.content_root, releases)
    schema = job.database.schema_name
    databases = services.databases
    site = databases.credentials(job.database.secret_id)
    with databases.connect(site, schema) as connection:
        discouraged = search_engines_discouraged(connection, schema)
        checks = verify_site(
            job.site_url,
            job.addresses,
            public=job.through == "public",
            foreign_hosts=job.expected.foreign_hosts if job.expected else [],
            discouraged=discouraged,
        )
        checks += same_site(connection, schema, content_root, job.expected)
    checks.append(owned_by_wordpress(content_root))
    failed = [check.name for check in checks if not check.passed]
    log.info("site_verified", checks=len(checks), failed=failed)
    return VerifyFacts(passed=not failed, checks=checks)


def verify_site(
    site_url: str,
    addresses: Sequence[str],
    *,
    public: bool,
    foreign_hosts: Sequence[str] = (),
    discouraged: bool = False,
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
        for check in _visit(visitor, foreign_hosts, discouraged=discouraged):
            known = merged.get(check.name)
            if known is None or (known.passed and not check.passed):
                at = f" (at {visitor.address})" if not check.passed and len(addresses) > 1 else ""
                merged[check.name] = check.model_copy(update={"evidence": check.evidence + at})
    return list(merged.values())


def _visit(visitor: Visitor, foreign_hosts: Sequence[str], *, discouraged: bool) -> list[Check]:
    content = parse_page(visitor.get(FRONT).text)
    checks = [
        page_not_empty(visitor, content),
        answers_200(visitor),
        sitemap(visitor, discouraged=discouraged),
        assets_load(visitor, content),
        no_mixed_content(visitor, content),
        foreign_host_nowhere(visitor, content, foreign_hosts),
        no_php_message(visitor),
        no_mojibake(visitor),
    ]
    return [*checks, certificate_valid(visitor)] if visitor.address.tls else checks
