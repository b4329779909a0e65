"""Where the sites of an environment live: one network per isolation level that it offers.

Which network a site has follows from its record, so that no step has to carry it along: creation,
update, promotion and deletion all reach the network that the site was built in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.domain.errors import ConfigurationError
from core.ports.sites import SiteStore
from core.settings import LevelNetwork, Settings

SHARED: Final = 1
"""The level that every environment has: the shared network."""


@dataclass(frozen=True, kw_only=True)
class SiteNetwork:
    """Network, load balancer and database of one isolation level."""

    level: int = SHARED
    vpc_id: str
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]
    """What containers carry to be let in by database and file system; they let nobody in."""
    job_security_group_ids: tuple[str, ...]
    """What jobs carry; they are let in by the containers of every tenant."""
    load_balancer_arn: str
    listener_arn: str
    database_endpoint: str
    """host:port of the database cluster's writer."""
    database_admin_secret: str = ""
    """Secret of its administrator, for jobs; empty: the one that the job's family knows."""


class SiteNetworks:
    """The levels that are offered, and which one a site is at."""

    def __init__(self, sites: SiteStore, networks: Sequence[SiteNetwork]) -> None:
        self._sites = sites
        self._networks: Mapping[int, SiteNetwork] = {network.level: network for network in networks}

    def all(self) -> Sequence[SiteNetwork]:
        """Return every network, the shared one first."""
        return [self._networks[level] for level in sorted(self._networks)]

    def offered(self) -> frozenset[int]:
        """Return the levels of this environment."""
        return frozenset(self._networks)

    def at(self, level: int) -> SiteNetwork:
        """Return a level's network; raises ConfigurationError where there is none (any more)."""
        if level not in self._networks:
            raise ConfigurationError(
                f"Isolation level {level} is not among the stack's parameters (IsolationLevels), "
                "and a site is at it. Deploy the stack again with this level."
            )
        return self._networks[level]

    def of(self, tenant_id: str, site_id: str) -> SiteNetwork:
        """Return the network of a site; where only one level is offered, nothing is read."""
        if len(self._networks) == 1:
            return self.at(SHARED)
        site = self._sites.get(tenant_id, site_id)
        return self.at(site.isolation_level if site else SHARED)


def networks_of(settings: Settings) -> list[SiteNetwork]:
    """Return the shared network, and those of the levels that this environment offers."""
    shared = SiteNetwork(
        vpc_id=settings.vpc_id,
        subnet_ids=_listed(settings.subnet_ids),
        security_group_ids=_listed(settings.security_group_ids),
        job_security_group_ids=_listed(settings.job_security_group_ids),
        load_balancer_arn=settings.load_balancer_arn,
        listener_arn=settings.listener_arn,
        database_endpoint=settings.database_endpoint,
    )
    networks = {2: settings.level_2, 3: settings.level_3}
    levels = [_level(shared, level, network) for level, network in networks.items() if network]
    return [shared, *levels]


def _level(shared: SiteNetwork, level: int, network: LevelNetwork) -> SiteNetwork:
    return SiteNetwork(
        level=level,
        vpc_id=network.vpc_id,
        subnet_ids=_listed(network.subnet_ids),
        security_group_ids=_listed(network.security_group_ids),
        job_security_group_ids=_listed(network.job_security_group_ids),
        load_balancer_arn=network.load_balancer_arn,
        listener_arn=network.listener_arn,
        database_endpoint=network.database_endpoint or shared.database_endpoint,
        database_admin_secret=network.database_admin_secret,
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
