"""The `sites` and `tenants` tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.domain.site import Release, Site


@dataclass(frozen=True, kw_only=True)
class PlaceClaim:
    """The answer to a site that asks for one of its tenant's places."""

    granted: bool
    used: int
    """Places that are taken; this site's is among them when it was granted."""


class SiteStore(Protocol):
    """Site and release records of this environment."""

    def get(self, tenant_id: str, site_id: str) -> Site | None:
        """Return the site, read consistently."""
        ...

    def get_many(self, sites: Collection[tuple[str, str]]) -> Sequence[Site]:
        """Return those of many sites that are there; each is named by its tenant and its id."""
        ...

    def put(self, site: Site, *, expected_version: int | None) -> None:
        """Write the site if the stored version is the expected one (None: if there is none).

        A refused write whose stored record equals this one is a success; else TransientError.
        """
        ...

    def put_with_releases(
        self, site: Site, releases: Sequence[Release], expected_version: int
    ) -> None:
        """Write a site and some of its releases, all or none, on each one's condition.

        A repetition of this very write is a success; else a refusal raises TransientError.
        """
        ...

    def delete(self, tenant_id: str, site_id: str) -> None:
        """Remove a record that only this operation made; nothing there is fine."""
        ...

    def list_sites(self, tenant_id: str | None = None) -> Sequence[Site]:
        """Return the sites of a tenant, or all."""
        ...

    def claim_subdomain(self, subdomain: str, tenant_id: str, site_id: str) -> bool:
        """Take a subdomain atomically; True if it is this site's now (or was already)."""
        ...

    def release_subdomain(self, subdomain: str, tenant_id: str, site_id: str) -> None:
        """Give a subdomain back if it is this site's."""
        ...

    def claim_place(self, tenant_id: str, site_id: str, most: int) -> PlaceClaim:
        """Take one of the tenant's places atomically, if fewer than `most` are taken.

        A site that has one already keeps it, whatever `most` says.
        """
        ...

    def release_place(self, tenant_id: str, site_id: str) -> None:
        """Give a place back; nothing there is fine."""
        ...

    def places(self, tenant_id: str) -> frozenset[str]:
        """Return the sites of a tenant that hold a place."""
        ...

    def get_release(self, tenant_id: str, site_id: str, number: int) -> Release | None:
        """Return one release."""
        ...

    def put_release(self, release: Release) -> None:
        """Write one release; guarded by its operation id: another operation's is never replaced."""
        ...

    def list_releases(self, tenant_id: str, site_id: str) -> Sequence[Release]:
        """Return a site's releases, oldest first."""
        ...


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """What the fleet needs to know of a tenant."""

    tenant_id: str
    status: str
    """UNVALIDATED, VALIDATED, REGISTERED or SUSPENDED (the seeds' tenant schema)."""
    tier: str = "basic"
    """basic, premium or enterprise."""
    active: bool = True
    email: str | None = field(default=None, repr=False)
    """Where the customer is reached. Personal data: never in a log, an event or a fact."""
    organization_name: str | None = field(default=None, repr=False)


class TenantDirectory(Protocol):
    """The platform's tenants table: the fleet reads it and never writes."""

    def get(self, tenant_id: str) -> Tenant | None:
        """Return the tenant."""
        ...
