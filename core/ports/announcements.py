"""Marks of facts that were announced, and finding everything that one request has led to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.domain.notices import Notice
from core.domain.operation import Operation


@dataclass(frozen=True, kw_only=True)
class Correlated:
    """What carries one correlation id, each in order of time."""

    operations: tuple[Operation, ...] = ()
    notices: tuple[Notice, ...] = ()


class Announcements(Protocol):
    """Which facts have been announced, and of what."""

    def announce(self, event_id: str, now: datetime) -> bool:
        """Return True if this fact still has to be announced (first call or unfinished one)."""
        ...

    def announced(self, notice: Notice) -> None:
        """Note that a fact has been announced, and what was said."""
        ...

    def notices(self, *, day: str, limit: int) -> Sequence[Notice]:
        """Return the newest announcements of a day (YYYY-MM-DD, UTC), newest first."""
        ...

    def of_correlation(self, correlation_id: str, *, limit: int) -> Correlated:
        """Return the operations and announcements of one correlation id, at most `limit`."""
        ...
