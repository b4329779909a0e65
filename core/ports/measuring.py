"""The platform's metrics, as the fleet writes them (it reads others by core/ports/observation)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from core.domain.measurements import Measurement


class Meter(Protocol):
    """Takes measurements; it never fails and never blocks, so that no work depends on it."""

    def record(self, measurements: Sequence[Measurement], about: Mapping[str, str | None]) -> None:
        """Record values of metrics; `about` leads from a value to its operation, not a dimension.

        No measurements: nothing is written.
        """
        ...
