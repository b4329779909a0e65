"""Sites and their releases, as the `sites` table keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.names import origin
from events.formats import Environment
from events.vocabulary import SiteStatus


class ReleaseStatus(StrEnum):
    """Where a release stands; only one release of a site is LIVE."""

    BUILDING = "BUILDING"
    LIVE = "LIVE"
    SUPERSEDED = "SUPERSEDED"
    DISCARDED = "DISCARDED"

    @property
    def is_kept(self) -> bool:
        """Whether the release is whole and can be live (again)."""
        return self in {ReleaseStatus.LIVE, ReleaseStatus.SUPERSEDED}


@dataclass(frozen=True, kw_only=True)
class Site:
    """One site in one environment; it keeps its siteId in every environment."""

    tenant_id: str
    site_id: str
    environment: Environment
    site_name: str
    subdomain: str
    status: SiteStatus
    version: int = 1
    """Rises with every change, for optimistic updates."""
    live_release: int | None = None
    last_release: int = 0
    """The highest release number given out; numbers are never used twice."""
    isolation_level: int = 1
    read_only: bool = False
    """Whether updates need an override (a promoted production site)."""
    wordpress_version: str | None = None
    php_version: str | None = None
    desired_count: int = 1
    """Containers of the live release while the site is ACTIVE."""
    cpu_units: int | None = None
    memory_mib: int | None = None
    """Size of a container; None: the platform's (`core.domain.sizes`)."""
    domain: str | None = None
    """The customer's own domain, beside the platform's name; None: only the platform's."""
    failure_reason: str | None = None
    created_at: datetime
    updated_at: datetime

    def url(self, platform_domain: str) -> str:
        """Return the origin under which visitors know the site."""
        return f"https://{self.domain}" if self.domain else origin(self.subdomain, platform_domain)


@dataclass(frozen=True, kw_only=True)
class Release:
    """One complete build of a site: database schema, content, image, service."""

    tenant_id: str
    site_id: str
    number: int
    status: ReleaseStatus
    operation_id: str
    """The operation that built it; no other may discard it."""
    schema: str
    content_root: str
    access_point_id: str | None = None
    image_digest: str | None = None
    task_definition_arn: str | None = None
    service_name: str | None = None
    target_group_arn: str | None = None
    created_at: datetime
    updated_at: datetime
