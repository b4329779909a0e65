"""Twin of the notifications topic."""

from __future__ import annotations

from core.adapters.memory.world import World
from events.notifications import Notification


class MemoryTopic:
    """Remembers what subscribers would have heard, in order."""

    def __init__(self, world: World) -> None:
        self.world = world

    def announce(self, notification: Notification) -> None:
        self.world.notifications.append(notification)
