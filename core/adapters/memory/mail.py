"""Twin of SES."""

from __future__ import annotations

from core.adapters.memory.world import World
from core.ports.mail import Letter


class MemoryMail:
    """Remembers what people would have received, in order."""

    def __init__(self, world: World) -> None:
        self.world = world

    def send(self, letter: Letter) -> None:
        self.world.mails.append(letter)
