"""The front page of a live site, as the census of its environment sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from migrator.checks.page_summary import front_page
from migrator.checks.visits import Address, Visitor

if TYPE_CHECKING:
    from core.domain.census import PageSummary
    from migrator.configuration import Configuration
    from migrator.services import Services

log = structlog.get_logger(__name__)


def seen_front_page(services: Services, site_url: str) -> PageSummary | None:
    """Visit a site through its public name; None where it does not answer, which the log says."""
    address = Address.parse(public_address(services.configuration, site_url), public=True)
    visitor = Visitor(site_url=site_url, address=address)
    seen = front_page(visitor)
    if seen is None:
        log.warning("front_page_not_seen", problem=visitor.get("/").problem)
    return seen


def public_address(configuration: Configuration, site_url: str) -> str:
    """Return where a site of this environment is visited: its load balancer, or what DNS says."""
    return configuration.site_address or site_url.rstrip("/")
