"""The process's clock: the only place of the container job that asks what time it is."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """Implements core.ports.clock.Clock for a process of its own."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the clock
