"""Twin of IAM's policy simulator."""

from __future__ import annotations

from collections.abc import Sequence

from core.adapters.memory.world import World
from core.ports.protection import Right


class MemoryPermissions:
    """The fleet may do everything but what the world denies."""

    def __init__(self, world: World) -> None:
        self.world = world

    def missing(self, rights: Sequence[Right]) -> Sequence[Right]:
        return [right for right in rights if right.action in self.world.denied_actions]
