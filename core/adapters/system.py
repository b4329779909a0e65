"""Real time and real randomness: the only module that is allowed to ask the machine for them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4  # noqa: TID251  # this is the port's adapter


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  # this is the port's adapter


class RandomIds:
    """Random UUIDs (version 4)."""

    def new_id(self) -> str:
        return str(uuid4())
