"""Marks of facts that were announced, and finding everything that one request has led to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from core.domain.notices import Notice
from core.domain.operation import Operation

ANNOUNCING: Final = timedelta(seconds=90)
"""How long a mark without an end keeps copies away: longer than a function runs."""


class Mark(StrEnum):
    """Whether a fact is to be announced now."""

    MINE = "mine"
    DONE = "done"
    TAKEN = "taken"
    """Another message about the same fact is being handled right now."""


@dataclass(frozen=True, kw_only=True)
class Correlated:
    """What carries one correlation id, each in order of time."""

    operations: tuple[Operation, ...] = ()
    notices: tuple[Notice, ...] = ()


class Announcements(Protocol):
    """Which facts have been announced, and of what."""

    def announce(self, event_id: str, now: datetime, *, by: str) -> Mark:
        """Mark a fact as being announced: one conditional write.

        `by` is the message that asks for it. The same message again (its answer was lost, or its
        worker died) finds its own mark; a copy of the event is another message, and waits until
        the first is done or has let `ANNOUNCING` pass. Where every message gives the same `now`,
        that never passes: whoever was first keeps the mark.
        """
        ...

    def announced_of(self, marks: Collection[str]) -> Collection[str]:
        """Return those of some marks whose fact has been announced; nothing is marked."""
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
