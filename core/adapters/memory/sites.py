"""Twin of the sites table."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from core.adapters.memory.world import World
from core.domain.errors import SitefleetError, TransientError
from core.domain.site import Release, Site
from core.domain.tenancy import holders
from core.ports.sites import PlaceClaim


class MemorySites:
    """Sites, releases and subdomains, with the same conditions on each write as the table's."""

    def __init__(self, world: World) -> None:
        self.world = world

    def get(self, tenant_id: str, site_id: str) -> Site | None:
        return self.world.sites.get((tenant_id, site_id))

    def get_many(self, sites: Collection[tuple[str, str]]) -> Sequence[Site]:
        return [self.world.sites[site] for site in sites if site in self.world.sites]

    def put(self, site: Site, *, expected_version: int | None) -> None:
        stored = self.get(site.tenant_id, site.site_id)
        if (stored.version if stored else None) != expected_version and stored != site:
            raise TransientError(
                f"Site {site.site_id} was changed by somebody else: its version is "
                f"{stored.version if stored else 'none'}, not {expected_version}."
            )
        self.world.sites[(site.tenant_id, site.site_id)] = site

    def put_with_releases(
        self, site: Site, releases: Sequence[Release], expected_version: int
    ) -> None:
        """Every condition is looked at first: refused, nothing is written."""
        for release in releases:
            self._check_owner(release)
        self.put(site, expected_version=expected_version)
        for release in releases:
            self.put_release(release)

    def delete(self, tenant_id: str, site_id: str) -> None:
        self.world.sites.pop((tenant_id, site_id), None)

    def list_sites(self, tenant_id: str | None = None) -> Sequence[Site]:
        sites = (s for s in self.world.sites.values() if tenant_id in (None, s.tenant_id))
        return sorted(sites, key=lambda site: (site.tenant_id, site.site_id))

    def claim_subdomain(self, subdomain: str, tenant_id: str, site_id: str) -> bool:
        owner = (tenant_id, site_id)
        return self.world.subdomains.setdefault(subdomain, owner) == owner

    def release_subdomain(self, subdomain: str, tenant_id: str, site_id: str) -> None:
        if self.world.subdomains.get(subdomain) == (tenant_id, site_id):
            del self.world.subdomains[subdomain]

    def claim_place(self, tenant_id: str, site_id: str, most: int) -> PlaceClaim:
        held = self.places(tenant_id)
        granted = site_id in held or len(held) < most
        held |= {site_id} if granted else frozenset()
        self.world.places[tenant_id] = held
        return PlaceClaim(granted=granted, used=len(held))

    def release_place(self, tenant_id: str, site_id: str) -> None:
        self.world.places[tenant_id] = self.places(tenant_id) - {site_id}

    def places(self, tenant_id: str) -> frozenset[str]:
        """Sites that were there before places were kept count from the start."""
        held = self.world.places.get(tenant_id)
        return holders(self.list_sites(tenant_id)) if held is None else held

    def get_release(self, tenant_id: str, site_id: str, number: int) -> Release | None:
        return self.world.releases.get((tenant_id, site_id, number))

    def put_release(self, release: Release) -> None:
        self._check_owner(release)
        self.world.releases[(release.tenant_id, release.site_id, release.number)] = release

    def _check_owner(self, release: Release) -> None:
        stored = self.get_release(release.tenant_id, release.site_id, release.number)
        if stored is not None and stored.operation_id != release.operation_id:
            raise SitefleetError(
                f"Release {release.number} of site {release.site_id} was built by operation "
                f"{stored.operation_id}; operation {release.operation_id} does not replace it."
            )

    def list_releases(self, tenant_id: str, site_id: str) -> Sequence[Release]:
        releases = self.world.releases.values()
        mine = (r for r in releases if (r.tenant_id, r.site_id) == (tenant_id, site_id))
        return sorted(mine, key=lambda release: release.number)
