"""Where the sites of an environment live: one place per isolation level that it offers.

Which place a site has follows from its record, so that no step has to carry it along: creation,
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
class Place:
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


class Places:
    """The levels that are offered, and which one a site is at."""

    def __init__(self, sites: SiteStore, places: Sequence[Place]) -> None:
        self._sites = sites
        self._places: Mapping[int, Place] = {place.level: place for place in places}

    def all(self) -> Sequence[Place]:
        """Return every place, the shared one first."""
        return [self._places[level] for level in sorted(self._places)]

    def offered(self) -> frozenset[int]:
        """Return the levels of this environment."""
        return frozenset(self._places)

    def at(self, level: int) -> Place:
        """Return a level's place; raises ConfigurationError where there is none (any more)."""
        if level not in self._places:
            raise ConfigurationError(
                f"Isolation level {level} is not among the stack's parameters (IsolationLevels), "
                "and a site is at it. Deploy the stack again with this level."
            )
        return self._places[level]

    def of(self, tenant_id: str, site_id: str) -> Place:
        """Return the place of a site; where only one level is offered, nothing is read."""
        if len(self._places) == 1:
            return self.at(SHARED)
        site = self._sites.get(tenant_id, site_id)
        return self.at(site.isolation_level if site else SHARED)


def places_of(settings: Settings) -> list[Place]:
    """Return the shared place, and those of the levels that this environment offers."""
    shared = Place(
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


def _level(shared: Place, level: int, network: LevelNetwork) -> Place:
    return Place(
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
