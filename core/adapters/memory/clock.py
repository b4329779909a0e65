"""Time and ids that a simulation owns: nothing moves unless the simulation moves it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

EPOCH: Final = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
"""Where simulated time starts unless the simulation says otherwise."""


class ManualClock:
    """A clock that stands still until it is moved; it may be moved back (a clock jump)."""

    def __init__(self, start: datetime = EPOCH) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Move the clock by some seconds and return the new time."""
        self._now += timedelta(seconds=seconds)
        return self._now

    def advance_to(self, moment: datetime) -> datetime:
        """Move the clock forward to a moment; a moment that has passed changes nothing."""
        self._now = max(self._now, moment)
        return self._now


class SeededIds:
    """Ids that look random and are the same in every run with the same seed."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._count = 0

    def new_id(self) -> str:
        self._count += 1
        digest = hashlib.sha256(f"{self._seed}/{self._count}".encode()).digest()
        return str(UUID(bytes=digest[:16], version=4))
