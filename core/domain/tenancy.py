"""What a tenant may have and do: its status, its tier, its level of isolation.

Source: the platform's tenant schema (UNVALIDATED, VALIDATED, REGISTERED, SUSPENDED) and its
isolation levels: 1 shared network with security groups of one's own, 2 a network of its own with
the shared database cluster, 3 a network and a database of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from core.domain.errors import RefusedError
from core.domain.site import Site
from events.vocabulary import ErrorCode, OperationType, SiteStatus

BASIC = "basic"
"""The tier of a tenant whose record names none (the platform's schema)."""

_EVERYTHING = frozenset(OperationType)
_ENDING = frozenset(
    {OperationType.SITE_DELETION, OperationType.SITE_ROLLBACK, OperationType.SITE_CHECK}
)
ALLOWED: Mapping[str, frozenset[OperationType]] = {
    "UNVALIDATED": frozenset({OperationType.SITE_DELETION, OperationType.SITE_CHECK}),
    "VALIDATED": _EVERYTHING,
    "REGISTERED": _EVERYTHING,
    "SUSPENDED": _ENDING,
}
"""What may be done to a tenant's sites, by its status. A suspended tenant keeps its data and its
way out: a bad release can be taken back and a site deleted, nothing is built."""

HOLDS_A_PLACE = frozenset(
    {SiteStatus.PROVISIONING, SiteStatus.ACTIVE, SiteStatus.SUSPENDED, SiteStatus.DEPROVISIONING}
)
"""Sites that count against the quota; FAILED and DELETED ones do not."""

IS_WHOLE = HOLDS_A_PLACE - {SiteStatus.PROVISIONING}
"""Sites that have been live: what they hold is not given back when an operation on them fails."""


@dataclass(frozen=True, kw_only=True)
class Tier:
    """What a tenant of one tier may have in one environment."""

    name: str
    isolation_level: int
    most_sites: int


def holders(sites: Iterable[Site]) -> frozenset[str]:
    """Return the sites, of those that the fleet has begun to build, that count against the quota.

    A record that the platform's API has written counts once its own creation has come.
    """
    return frozenset(s.site_id for s in sites if s.status in HOLDS_A_PLACE and s.last_release > 0)


def check_status(
    tenant_id: str, status: str, *, active: bool, operation_type: OperationType
) -> None:
    """Refuse an operation that the tenant's status does not allow (PROM_005)."""
    effective = status if active else "SUSPENDED"
    if operation_type in ALLOWED.get(effective, frozenset()):
        return
    state = status if active else f"{status} and inactive"
    allowed = sorted(ALLOWED.get(effective, frozenset()))
    may = f"only {', '.join(allowed)} is possible" if allowed else "nothing is possible"
    raise RefusedError(
        ErrorCode.PROM_005,
        f"Tenant {tenant_id} is {state}: {operation_type} is not possible, {may}. Have the "
        "platform's tenant service make it VALIDATED or REGISTERED, then send the request again.",
    )


def level_of(tier: Tier, asked: int | None, offered: Collection[int]) -> int:
    """Return the isolation level of a new site: what was asked for, else what the tier decides.

    Raises RefusedError (SITE_001) above what the tier allows, or where the environment has no such
    network.
    """
    level = asked or tier.isolation_level
    if level > tier.isolation_level:
        raise RefusedError(
            ErrorCode.SITE_001,
            f"Isolation level {level} is above what the tier {tier.name} allows "
            f"({tier.isolation_level}). Ask for a lower level, or raise the tenant's tier.",
            details={"isolationLevel": str(level)},
        )
    check_offered(level, offered)
    return level


def check_offered(level: int, offered: Collection[int]) -> None:
    """Refuse a level that this environment has no network for (SITE_001)."""
    if level not in offered:
        levels = ", ".join(map(str, sorted(offered)))
        raise RefusedError(
            ErrorCode.SITE_001,
            f"This environment does not offer isolation level {level} (it offers: {levels}). Ask "
            f"for one of these, or have level {level} added to the stack's parameters.",
            details={"isolationLevel": str(level)},
        )


def quota_sentence(tenant_id: str, tier: Tier, used: int) -> str:
    """Say what is used, what is allowed, and what to do."""
    return (
        f"Tenant {tenant_id} has {used} of the {tier.most_sites} sites that the tier {tier.name} "
        "allows in this environment. Delete a site that is not needed any more, or raise the "
        "tenant's tier, then send the request again."
    )
