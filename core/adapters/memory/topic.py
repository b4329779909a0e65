"""Twin of the notifications topic."""

from __future__ import annotations

from collections.abc import Callable

from core.adapters.memory.world import World
from events.notifications import Notification


def nobody(_notification: Notification) -> None:
    """Deliver to no one: a topic without subscribers."""


class MemoryTopic:
    """Remembers what subscribers would have heard, in order, and may hand it on."""

    def __init__(self, world: World, *, deliver: Callable[[Notification], None] = nobody) -> None:
        self.world = world
        self._deliver = deliver

    def announce(self, notification: Notification) -> None:
        self.world.notifications.append(notification)
        self._deliver(notification)
