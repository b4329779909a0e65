"""Twin of the EFS access points."""

from __future__ import annotations

from collections.abc import Mapping

from core.adapters.memory.world import World
from core.domain.names import ReleaseNames


class MemoryFileSystems:
    """One access point per content root."""

    def __init__(self, world: World) -> None:
        self.world = world

    def ensure_access_point(self, release: ReleaseNames, tags: Mapping[str, str]) -> str:
        found = self.world.access_points.get(release.content_root)
        if found is None:
            found = f"fsap-{self.world.serial():017x}"
            self.world.access_points[release.content_root] = found
            self.world.tags[found] = dict(tags)
        return found

    def delete_access_point(self, release: ReleaseNames) -> None:
        self.world.access_points.pop(release.content_root, None)
