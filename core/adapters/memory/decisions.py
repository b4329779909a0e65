"""Twin of the decisions in the operations table."""

from __future__ import annotations

from collections.abc import Sequence

from core.adapters.memory.world import World
from core.domain.approval import Decision


class MemoryDecisions:
    """Keyed by operation and proof: what came first stays."""

    def __init__(self, world: World) -> None:
        self.world = world

    def put(self, decision: Decision) -> Decision:
        key = (decision.operation_id, decision.proof_digest)
        return self.world.decisions.setdefault(key, decision)

    def of(self, operation_id: str) -> Sequence[Decision]:
        mine = (d for d in self.world.decisions.values() if d.operation_id == operation_id)
        return sorted(mine, key=lambda d: (d.decided_at, d.proof_digest))
