"""Twin of CloudFront."""

from __future__ import annotations

from datetime import timedelta

from core.adapters.memory.world import World


class MemoryCdn:
    """One invalidation per distribution and reference, done some time after it was made."""

    def __init__(self, world: World, *, settle_seconds: float = 0) -> None:
        self.world = world
        self.settle_seconds = settle_seconds

    def invalidate(self, host: str, reference: str) -> str | None:
        distribution = self.world.distributions.get(host)
        if distribution is None:
            return None
        done_at = self.world.clock.now() + timedelta(seconds=self.settle_seconds)
        invalidation = f"{distribution}/{reference}"
        self.world.invalidations.setdefault(invalidation, done_at)
        return invalidation

    def done(self, invalidation: str) -> bool:
        moment = self.world.invalidations.get(invalidation)
        return moment is not None and self.world.clock.now() >= moment
