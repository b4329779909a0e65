"""What separates tenants on the network: levels of isolation and a security group per tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class TenantGroup:
    """A tenant's security group at one isolation level."""

    group_id: str
    level: int


class TenantNetworks(Protocol):
    """The networks of this environment, and each tenant's own group in them."""

    def offered_levels(self) -> frozenset[int]:
        """Return the isolation levels that this environment has a network for."""
        ...

    def ensure_group(self, tenant_id: str, level: int, tags: Mapping[str, str]) -> str:
        """Make (or find) the tenant's security group; return its id.

        It lets in the load balancer and the fleet's jobs, on the site's port, and nobody else.
        """
        ...

    def delete_group(self, tenant_id: str, level: int) -> bool:
        """Delete it; nothing there is fine. False while containers still carry it."""
        ...

    def groups(self, tenant_id: str) -> Sequence[TenantGroup]:
        """Return the tenant's groups, of every level."""
        ...
