"""Twin of the documents in the transfer bucket."""

from __future__ import annotations

from collections.abc import Sequence

from core.adapters.memory.world import World


class MemoryDocuments:
    """Objects of the transfer bucket, as texts."""

    def __init__(self, world: World) -> None:
        self.world = world

    def put(self, key: str, text: str) -> None:
        self.world.objects[key] = text.encode()

    def get(self, key: str) -> str | None:
        content = self.world.objects.get(key)
        return None if content is None else content.decode()

    def keys(self, prefix: str) -> Sequence[str]:
        return sorted(key for key in self.world.objects if key.startswith(prefix))
