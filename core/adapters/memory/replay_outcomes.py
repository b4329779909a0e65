"""Twin of what workers tell about replayed messages."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.replays import Told


class MemoryReplayOutcomes:
    """See core.ports.dead_letters.ReplayOutcomes."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], Told] = {}

    def tell(self, told: Told) -> None:
        self._told.setdefault((told.replay_id, told.message_id), told)

    def told(self, replay_id: str) -> Sequence[Told]:
        return [told for (one, _), told in self._told.items() if one == replay_id]
