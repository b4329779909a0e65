"""Twin of the platform's tenants table."""

from __future__ import annotations

from core.adapters.memory.world import World
from core.ports.sites import Tenant


class MemoryTenants:
    """Answers from the world's tenants."""

    def __init__(self, world: World) -> None:
        self.world = world

    def get(self, tenant_id: str) -> Tenant | None:
        return self.world.tenants.get(tenant_id)
