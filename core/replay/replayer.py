"""Replays: begun once, gone on with by whoever comes, abandoned by an operator.

A replay lives in the journal. A process advances it for a while (a command line until it is
finished, a function until its time is up) and holds its lease meanwhile; one that is killed leaves
a lease that ends by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.domain.errors import NotFoundError, SitefleetError
from core.domain.replays import (
    Fate,
    Pace,
    Replay,
    ReplayEntry,
    ReplayFilter,
    ReplayStatus,
    counts_of,
)
from core.replay.book import Watch
from core.replay.desk import Foretold
from core.replay.work import LEASE_SECONDS, ReplayWork, Tools


class NotStartedError(SitefleetError):
    """A replay cannot begin or be closed; the message says what is in the way."""


class Rest(StrEnum):
    """Why `advance` came back."""

    FINISHED = "finished"
    OUT_OF_TIME = "out of time"
    """There is more to do; call again."""
    HELD = "held by another"
    """Somebody else works on it; its lease ends by itself."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What an operator asks for."""

    requested_by: str
    reason: str
    filters: ReplayFilter
    pace: Pace
    sends_refused: bool = False
    """Whether letters are sent of which the plan says that they are refused again."""


class Replayer:
    """Sends dead letters again, as carefully as asked."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def begin(
        self, wishes: Wishes, foretold: Sequence[Foretold], *, replay_id: str | None = None
    ) -> Replay:
        """Open a replay of these letters; raises NotStartedError.

        The letters are given back: whoever advances the replay takes them again. `replay_id`: the
        name that whoever sent for it knows it by.
        """
        entries = list(_entries(foretold, sends_refused=wishes.sends_refused))
        self._tools.desk.give_back(one.letter for one in foretold)
        if not entries:
            raise NotStartedError(
                "Nothing is to be sent: no letter is meant, or each would only be refused again."
            )
        replay = Replay(
            replay_id=replay_id or self._tools.ids.new_id(),
            requested_by=wishes.requested_by,
            reason=wishes.reason,
            filters=wishes.filters,
            pace=wishes.pace,
            total=len(entries),
            counts=counts_of(entries),
            created_at=self._tools.clock.now(),
        )
        opened = self._tools.journal.begin(replay, entries)
        if opened.replay_id != replay.replay_id:
            raise NotStartedError(
                f"Replay {opened.replay_id} of {opened.requested_by} is open since "
                f"{opened.created_at:%Y-%m-%d %H:%M} UTC. Finish it first (sitefleet dlq replay "
                "--resume), or close it (--abandon)."
            )
        return opened

    def advance(
        self, replay_id: str, *, owner: str, until: datetime, watch: Watch | None = None
    ) -> Rest:
        """Go on with a replay until it is finished or the time is up.

        `owner` names the process: it may come back to its own lease. Raises NotFoundError, and
        LostClaimError when another process has taken the replay over.
        """
        replay = self._claim(replay_id, owner)
        if replay is None:
            return Rest.HELD
        if replay.status is not ReplayStatus.OPEN:
            return Rest.FINISHED
        work = ReplayWork(self._tools, replay, watch)
        try:
            finished = work.go_on(until)
        finally:
            work.leave()
        return Rest.FINISHED if finished else Rest.OUT_OF_TIME

    def abandon(self, replay_id: str, *, owner: str) -> Replay:
        """Close an open replay; what it has not sent stays where it is.

        After a kill this waits until the letters show again that the dead process had taken.
        Raises NotStartedError when it cannot be closed yet.
        """
        replay = self._claim(replay_id, owner)
        if replay is None:
            raise NotStartedError(f"Somebody works on replay {replay_id}; stop that first.")
        if replay.status is not ReplayStatus.OPEN:
            raise NotStartedError(f"Replay {replay_id} is {replay.status} already.")
        work = ReplayWork(self._tools, replay, None)
        try:
            closed = work.give_up()
        finally:
            work.leave()
        if closed is None:
            raise NotStartedError(
                f"Replay {replay_id} is not closed: somebody has letters on a desk, and some of "
                "them may have been sent. Let that end, and try again in five minutes."
            )
        return closed

    def _claim(self, replay_id: str, owner: str) -> Replay | None:
        if self._tools.journal.get(replay_id) is None:
            raise NotFoundError(f"There is no replay {replay_id}.")
        now = self._tools.clock.now()
        until = now + timedelta(seconds=LEASE_SECONDS)
        return self._tools.journal.claim(replay_id, owner=owner, now=now, lease_until=until)


def _entries(foretold: Sequence[Foretold], *, sends_refused: bool) -> Iterator[ReplayEntry]:
    number = 0
    for one in foretold:
        letter, forecast = one.letter, one.forecast
        refused = forecast.fate is Fate.REFUSED and not sends_refused
        if forecast.fate is Fate.UNSENDABLE or letter.origin is None or refused:
            continue
        yield ReplayEntry(
            number=number,
            message_id=letter.message_id,
            group_id=letter.group_id,
            origin=letter.origin,
            box=letter.raw.box.value,
            operation_id=forecast.operation_id or letter.operation_id,
            forecast=forecast.fate,
            sentence=forecast.sentence,
        )
        number += 1
