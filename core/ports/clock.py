"""Time, ids and randomness come in through these two ports, so that the simulator can seed them."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...


class IdSource(Protocol):
    """New names that nobody else has."""

    def new_id(self) -> str:
        """Return an id that was never given out before (lease owners, message ids)."""
        ...
