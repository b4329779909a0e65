"""Twin of the journal of replays: the same conditions on plain dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from core.domain.errors import LostClaimError
from core.domain.replays import Replay, ReplayEntry, ReplayStatus


class MemoryReplayJournal:
    """See core.ports.dead_letters.ReplayJournal."""

    def __init__(self) -> None:
        self.replays: dict[str, Replay] = {}
        self._entries: dict[str, dict[int, ReplayEntry]] = {}

    def begin(self, replay: Replay, entries: Sequence[ReplayEntry]) -> Replay:
        already = self.open_replay() or self.get(replay.replay_id)
        if already is not None:
            return already
        self._entries[replay.replay_id] = {entry.number: entry for entry in entries}
        self._open(replay)
        return replay

    def get(self, replay_id: str) -> Replay | None:
        return self.replays.get(replay_id)

    def open_replay(self) -> Replay | None:
        opened = (r for r in self.replays.values() if r.status is ReplayStatus.OPEN)
        return next(opened, None)

    def entries(self, replay_id: str) -> Sequence[ReplayEntry]:
        found = self._entries.get(replay_id, {})
        return [found[number] for number in sorted(found)]

    def claim(
        self, replay_id: str, *, owner: str, now: datetime, lease_until: datetime
    ) -> Replay | None:
        stored = self.replays.get(replay_id)
        if stored is None:
            return None
        leased = stored.lease_until is not None and stored.lease_until > now
        if leased and stored.lease_owner != owner:
            return None
        claimed = replace(
            stored, fence=stored.fence + 1, lease_owner=owner, lease_until=lease_until
        )
        self.replays[replay_id] = claimed
        return claimed

    def save(self, replay: Replay) -> None:
        self._check_fence(replay)
        self.replays[replay.replay_id] = replay

    def record(self, replay: Replay, entries: Sequence[ReplayEntry]) -> None:
        if not entries:
            return
        self._check_fence(replay)
        self._entries[replay.replay_id] |= {entry.number: entry for entry in entries}

    def recent(self, limit: int) -> Sequence[Replay]:
        newest = sorted(self.replays.values(), key=lambda r: r.created_at, reverse=True)
        return newest[:limit]

    def _open(self, replay: Replay) -> None:
        """The second half of `begin`: who dies before it leaves entries of no replay."""
        self.replays[replay.replay_id] = replay

    def _check_fence(self, replay: Replay) -> None:
        stored = self.replays.get(replay.replay_id)
        if stored is None or stored.fence != replay.fence:
            raise LostClaimError(f"Another worker has taken replay {replay.replay_id} over.")
