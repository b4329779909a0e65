"""Twin of the platform's deployments table."""

from __future__ import annotations

from collections.abc import Mapping

from core.adapters.memory.world import World


class MemoryDeploymentRecords:
    """Records by deployment id; the same one again replaces itself."""

    def __init__(self, world: World) -> None:
        self.world = world

    def put(self, record: Mapping[str, str]) -> None:
        self.world.deployments[record["deployment_id"]] = dict(record)
