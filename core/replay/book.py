"""A replay and its entries in the hand of the process that holds its lease.

Every change is written to the journal before the next thing is done, and only while the lease is
this process's own: the journal refuses one whose fence is an older one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from core.domain.replays import (
    OVER,
    EntryState,
    Replay,
    ReplayEntry,
    ReplayStatus,
    counts_of,
)
from core.ports.dead_letters import ReplayJournal

type Watch = Callable[[Replay, Sequence[ReplayEntry]], None]
"""Hears how a replay stands, after every change."""


class ReplayBook:
    """What is known of a replay; raises LostClaimError when another process has taken it over."""

    def __init__(self, journal: ReplayJournal, replay: Replay, watch: Watch | None) -> None:
        self._journal = journal
        self._watch = watch
        self._entries = {e.number: e for e in journal.entries(replay.replay_id)}
        self._counts = counts_of(self.entries)
        self.replay = replay

    @property
    def entries(self) -> list[ReplayEntry]:
        """All entries, in the order of their numbers."""
        return list(self._entries.values())

    @property
    def is_over(self) -> bool:
        """Whether every entry has its end."""
        return all(entry.state in OVER for entry in self._entries.values())

    def entry(self, number: int) -> ReplayEntry:
        """Return one entry."""
        return self._entries[number]

    def in_state(self, *states: EntryState) -> list[ReplayEntry]:
        """Return the entries that are in one of these states."""
        return [entry for entry in self._entries.values() if entry.state in states]

    def note(self, entries: Sequence[ReplayEntry]) -> None:
        """Write down what became of entries."""
        if not entries:
            return
        self._journal.record(self.replay, entries)
        self._entries |= {entry.number: entry for entry in entries}
        self._counts = counts_of(self.entries)
        if self._watch is not None:
            self._watch(self.replay, self.entries)

    def save(self, **changes: Any) -> None:
        """Write the replay itself."""
        wanted = replace(self.replay, counts=self._counts, **changes)
        self._journal.save(wanted)
        self.replay = wanted

    def ended(self, status: ReplayStatus, at: datetime) -> Replay:
        """Return the replay as it will be when it is closed; nothing is written yet."""
        return replace(
            self.replay,
            status=status,
            counts=self._counts,
            sending=None,
            unconfirmed={},
            lease_owner=None,
            lease_until=None,
            finished_at=at,
        )

    def close(self, ended: Replay) -> None:
        """Write the end, so that the next replay can begin."""
        self._journal.save(ended)
        self.replay = ended
