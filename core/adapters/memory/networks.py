"""Twin of the tenants' security groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.adapters.memory.world import World
from core.ports.networks import TenantGroup


class MemoryTenantNetworks:
    """One group per tenant and level; carried by the services that name it."""

    def __init__(self, world: World) -> None:
        self.world = world

    def offered_levels(self) -> frozenset[int]:
        return self.world.isolation_levels

    def ensure_group(self, tenant_id: str, level: int, tags: Mapping[str, str]) -> str:
        found = self.world.tenant_groups.get((tenant_id, level))
        if found is None:
            found = f"sg-{self.world.serial():017x}"
            self.world.tenant_groups[tenant_id, level] = found
            self.world.tags[found] = dict(tags)
        return found

    def delete_group(self, tenant_id: str, level: int) -> bool:
        found = self.world.tenant_groups.get((tenant_id, level))
        services = self.world.services.values()
        if found is not None and found in {s.service.tenant_group_id for s in services}:
            return False
        self.world.tenant_groups.pop((tenant_id, level), None)
        return True

    def groups(self, tenant_id: str) -> Sequence[TenantGroup]:
        return [
            TenantGroup(group_id=group_id, level=level)
            for (tenant, level), group_id in sorted(self.world.tenant_groups.items())
            if tenant == tenant_id
        ]
