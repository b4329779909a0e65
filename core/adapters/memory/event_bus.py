"""Twin of the event bus: remembers what was published and may hand it on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.adapters.memory.world import World
from core.domain.errors import PublishError
from events.progress import FleetEvent


def nobody(_event: FleetEvent) -> None:
    """Deliver to no one: a bus without rules."""


def nothing_refused(_event: FleetEvent) -> str | None:
    """Take every event."""
    return None


class MemoryBus:
    """Delivers in the order of publishing; each event that is refused is named, the rest go out."""

    def __init__(
        self,
        world: World,
        *,
        deliver: Callable[[FleetEvent], None] = nobody,
        refuse: Callable[[FleetEvent], str | None] = nothing_refused,
    ) -> None:
        self.world = world
        self.deliver = deliver
        self.refuse = refuse
        """Returns the error code with which an event is refused, None to take it."""

    def publish(self, events: Sequence[FleetEvent]) -> None:
        refused: list[str] = []
        for event in events:
            code = self.refuse(event)
            if code is None:
                self.world.events.append(event)
                self.deliver(event)
            else:
                refused.append(f"{event.metadata.event_id} ({code})")
        if refused:
            raise PublishError(
                f"The event bus did not take {len(refused)} of {len(events)} events: "
                + ", ".join(refused)
            )
