"""One process's turn at a replay: plan, send, confirm, delete, and hear what became of it.

The order survives being killed. The journal says which entry is about to be sent before it is
sent, and a letter is deleted only after it was: whoever is killed in between loses nothing, and
sends at most that one message again, which the engine absorbs. A group's canary goes first; what
follows waits for what became of it, and stops when too many fail again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from core.domain.errors import SitefleetError, TransientError
from core.domain.letter_stamps import why_no_room
from core.domain.letters import Box, Letter
from core.domain.replay_steps import next_steps, turns
from core.domain.replays import (
    UNSENT,
    EntryState,
    Replay,
    ReplayEntry,
    ReplayFilter,
    ReplayStatus,
)
from core.ports.clock import Clock, IdSource
from core.ports.dead_letters import DeadLetters, ReplayJournal, ReplayOutcomes
from core.replay.book import ReplayBook, Watch
from core.replay.desk import LetterDesk
from core.replay.listening import listen, stop_groups
from core.replay.outgoing import replayed

LEASE_SECONDS: Final = 120
HIDE_SECONDS: Final = 300
KEEP_SECONDS: Final = HIDE_SECONDS // 2
"""After so long the letters are hidden anew, before they show again by themselves."""
LOOK_SECONDS: Final = 1.0
"""Between two looks for outcomes."""
CONFIRMED_TOGETHER: Final = 10
"""Letters deleted by one call; SQS takes ten."""
GONE: Final = "It was not in its dead-letter queue any more."
DOUBTFUL: Final = (
    "It may have been sent: the process was stopped in the middle of it. It stays where it is."
)

log: structlog.stdlib.BoundLogger = structlog.get_logger()

type Announce = Callable[[Replay], None]
"""Tells subscribers that a replay has finished, once."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a replay works with."""

    letters: DeadLetters
    journal: ReplayJournal
    outcomes: ReplayOutcomes
    desk: LetterDesk
    announce: Announce
    clock: Clock
    ids: IdSource
    sleep: Callable[[float], None]


class ReplayWork:
    """The work of the process that holds the replay's lease."""

    def __init__(self, tools: Tools, replay: Replay, watch: Watch | None) -> None:
        self._tools = tools
        self._book = ReplayBook(tools.journal, replay, watch)
        self._letters: dict[str, Letter] = {}
        self._kept_at = tools.clock.now()
        self._is_resumed = replay.sending is not None
        """Whether the process before was killed, or failed, in the middle of sending."""
        self._leaves_tidily = False

    def go_on(self, until: datetime) -> bool:
        """Work until it is finished (True) or the time is up."""
        if not self._take_letters(until):
            self._leaves_tidily = not self._is_resumed
            return False
        self._tidy_up()
        while self._now() < until:
            listen(self._book, self._tools.outcomes, self._now())
            stop_groups(self._book)
            if self._book.is_over:
                self._finish()
                return True
            self._keep_hold()
            if not self._send_steps(until):
                self._tools.sleep(LOOK_SECONDS)
        self._leaves_tidily = True
        return False

    def give_up(self) -> Replay | None:
        """Close the replay; None while letters are hidden of which some may have been sent.

        What was sent is written down and deleted first, or the next replay would send it again.
        """
        if self._is_resumed:
            if not self._take_letters(
                self._now() + timedelta(seconds=HIDE_SECONDS + LEASE_SECONDS)
            ):
                return None
            self._finish_sent()
            self._note_doubtful()
        listen(self._book, self._tools.outcomes, self._now())
        ended = self._book.ended(ReplayStatus.ABANDONED, self._now())
        self._book.close(ended)
        return ended

    def leave(self) -> None:
        """Show the letters again that were not sent, and give the lease back."""
        replay = self._book.replay
        try:
            self._tools.desk.give_back(self._letters.values())
            if replay.status is ReplayStatus.OPEN:
                tidy: dict[str, Any] = {"sending": None, "unconfirmed": {}}
                done = tidy if self._leaves_tidily else {}
                self._book.save(lease_owner=None, lease_until=None, **done)
        except SitefleetError as error:
            log.warning("leaving_replay_behind", replayId=replay.replay_id, exc_info=error)

    # --- the letters ------------------------------------------------------------------------

    def _take_letters(self, until: datetime) -> bool:
        """Take this replay's letters; False when some stay hidden until the time is up.

        What a killed process had taken shows again after a while: that is waited for.
        """
        self._kept_at = self._now()
        entries = self._book.entries
        boxes = [Box(name) for name in sorted({e.box for e in entries})]
        mine = ReplayFilter(message_ids=tuple(e.message_id for e in entries))
        while True:
            found = self._tools.desk.collect(mine, boxes, hide_seconds=HIDE_SECONDS)
            self._letters |= {letter.message_id: letter for letter in found}
            others_hide = self._tools.desk.hidden(boxes) > len(self._letters)
            if not others_hide or not (self._missing() or self._is_resumed):
                return True
            if self._now() >= until:
                return False
            self._keep_hold()
            self._tools.sleep(LOOK_SECONDS)

    def _missing(self) -> list[ReplayEntry]:
        planned = self._book.in_state(EntryState.PLANNED)
        return [entry for entry in planned if entry.message_id not in self._letters]

    def _keep_hold(self) -> None:
        """Keep the lease, and the letters from showing again by themselves."""
        self._keep_lease()
        if self._now() - self._kept_at > timedelta(seconds=KEEP_SECONDS):
            self._tools.desk.keep(self._letters.values(), HIDE_SECONDS)
            self._kept_at = self._now()

    def _keep_lease(self) -> None:
        ends = self._book.replay.lease_until
        if ends is None or ends - self._now() < timedelta(seconds=LEASE_SECONDS / 2):
            self._book.save(lease_until=self._lease_end())

    def _lease_end(self) -> datetime:
        return self._now() + timedelta(seconds=LEASE_SECONDS)

    # --- after a kill -----------------------------------------------------------------------

    def _tidy_up(self) -> None:
        """Finish what a killed process left, drawn as the order of its writes.

        sending k | send k | sending m, k unconfirmed | ... | entries sent | letters deleted

        What was sent is confirmed and deleted. The entry that was being sent may have been: it is
        sent again, the one possible duplicate. A letter that is not there any more is gone.
        """
        self._finish_sent()
        for doubtful in self._doubtful():
            if doubtful.message_id in self._letters:
                self._send([doubtful], None)
            else:
                sent = replace(doubtful, state=EntryState.SENT, sent_at=self._now())
                self._book.note([sent])
        self._book.note([replace(e, state=EntryState.GONE, outcome=GONE) for e in self._missing()])

    def _finish_sent(self) -> None:
        """Confirm what was sent, and delete the letters of all that was."""
        self._confirm(self._unconfirmed())
        self._delete(e for e in self._book.entries if _was_sent(e))

    def _unconfirmed(self) -> list[ReplayEntry]:
        sent = self._book.replay.unconfirmed
        return [
            replace(
                entry,
                state=EntryState.SENT,
                new_message_id=sent[entry.number],
                sent_at=self._now(),
            )
            for entry in self._book.entries
            if entry.number in sent and not _was_sent(entry)
        ]

    def _doubtful(self) -> list[ReplayEntry]:
        """Return the entry that was being sent, if nothing tells how it ended."""
        planned = self._book.in_state(EntryState.PLANNED)
        return [entry for entry in planned if entry.number == self._book.replay.sending]

    def _note_doubtful(self) -> None:
        self._book.note([replace(entry, outcome=DOUBTFUL) for entry in self._doubtful()])

    # --- sending ----------------------------------------------------------------------------

    def _send_steps(self, until: datetime) -> bool:
        """Send what each group may send next; False when there is only to wait."""
        entries, replay = self._book.entries, self._book.replay
        steps = next_steps(entries, replay.pace, frozenset(replay.stopped_groups))
        turn = turns(entries)
        may_go = [e for step in steps for e in step.entries]
        chosen = [e for e in may_go if e.operation_id is None or turn.get(e.operation_id) is e]
        self._send(sorted(chosen, key=lambda entry: entry.number), until)
        return bool(chosen)

    def _send(self, entries: Sequence[ReplayEntry], until: datetime | None) -> None:
        tried: list[ReplayEntry] = []
        for entry in entries:
            if entry.message_id not in self._letters or (until and self._now() >= until):
                break
            self._keep_hold()
            tried.append(self._send_one(entry, tried))
            self._tools.sleep(1 / self._book.replay.pace.per_second)
            if len(tried) == CONFIRMED_TOGETHER:
                self._confirm(tried)
                tried = []
        self._confirm(tried)

    def _send_one(self, entry: ReplayEntry, before: Sequence[ReplayEntry]) -> ReplayEntry:
        """Write down that it is about to be sent, and what was sent before it; then send it.

        A message that its queue will never take keeps no other back: its entry ends for itself.
        """
        letter = self._letters[entry.message_id]
        if why := why_no_room(letter):
            return _unsendable(entry, why)
        self._book.save(
            sending=entry.number,
            unconfirmed={e.number: e.new_message_id or "" for e in before if _was_sent(e)},
            lease_until=self._lease_end(),
        )
        try:
            message = replayed(letter, self._book.replay.replay_id)
            new_id = self._tools.letters.send(entry.origin, message)
        except TransientError:
            raise
        except SitefleetError as error:
            return _unsendable(entry, str(error))
        return replace(entry, state=EntryState.SENT, new_message_id=new_id, sent_at=self._now())

    def _confirm(self, tried: Sequence[ReplayEntry]) -> None:
        self._book.note(tried)
        self._delete(entry for entry in tried if _was_sent(entry))

    def _delete(self, entries: Iterable[ReplayEntry]) -> None:
        ids = [e.message_id for e in entries if e.message_id in self._letters]
        if ids:
            self._tools.letters.delete([self._letters[one].raw for one in ids])
        for one in ids:
            del self._letters[one]

    def _finish(self) -> None:
        ended = self._book.ended(ReplayStatus.FINISHED, self._now())
        self._tools.announce(ended)
        self._book.close(ended)

    def _now(self) -> datetime:
        return self._tools.clock.now()


def _was_sent(entry: ReplayEntry) -> bool:
    return entry.state not in UNSENT


def _unsendable(entry: ReplayEntry, why: str) -> ReplayEntry:
    return replace(entry, state=EntryState.UNSENDABLE, outcome=why)
