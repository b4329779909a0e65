"""Twin of the account guard."""

from __future__ import annotations

from core.adapters.memory.world import World


class MemoryAccounts:
    """Answers with the world's account; a simulation changes it to play wrong credentials."""

    def __init__(self, world: World) -> None:
        self.world = world

    def current(self) -> str:
        return self.world.account_id
