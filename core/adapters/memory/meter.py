"""Twin of CloudWatch's metrics, as the fleet writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.adapters.memory.world import World
from core.domain.measurements import Measurement


class MemoryMeter:
    """Remembers every value, in order."""

    def __init__(self, world: World) -> None:
        self.world = world

    def record(self, measurements: Sequence[Measurement], about: Mapping[str, str | None]) -> None:  # noqa: ARG002 - the port's signature
        self.world.measurements += measurements
