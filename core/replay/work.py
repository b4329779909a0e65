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

from core.domain.errors import SitefleetError
from core.domain.letters import Box, Letter
from core.domain.replays import (
    BAD_FATES,
    OVER,
    EntryState,
    Replay,
    ReplayEntry,
    ReplayFilter,
    ReplayStatus,
    counts_of,
    groups_to_stop,
    next_steps,
)
from core.ports.clock import Clock, IdSource
from core.ports.dead_letters import DeadLetters, ReplayJournal, ReplayOutcomes
from core.replay.desk import LetterDesk
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
NOT_HEARD: Final = "Nobody has told what became of it, in the time that a replay waits."
STOPPED: Final = "Not sent: too many of its group failed again."

log: structlog.stdlib.BoundLogger = structlog.get_logger()

type Watch = Callable[[Replay, Sequence[ReplayEntry]], None]
"""Hears how a replay stands, after every change."""
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
        self._replay = replay
        self._watch = watch
        self._entries = {e.number: e for e in tools.journal.entries(replay.replay_id)}
        self._counts = counts_of(list(self._entries.values()))
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
            self._listen()
            if all(entry.state in OVER for entry in self._entries.values()):
                self._finish()
                return True
            self._keep_hold()
            if not self._send_steps(until):
                self._tools.sleep(LOOK_SECONDS)
        self._leaves_tidily = True
        return False

    def leave(self) -> None:
        """Show the letters again that were not sent, and give the lease back."""
        try:
            self._tools.desk.give_back(self._letters.values())
            if self._replay.status is ReplayStatus.OPEN:
                tidy: dict[str, Any] = {"sending": None, "unconfirmed": {}}
                done = tidy if self._leaves_tidily else {}
                self._save(lease_owner=None, lease_until=None, **done)
        except SitefleetError as error:
            log.warning("leaving_replay_behind", replayId=self._replay.replay_id, exc_info=error)

    # --- the letters ------------------------------------------------------------------------

    def _take_letters(self, until: datetime) -> bool:
        """Take this replay's letters; False when some stay hidden until the time is up.

        What a killed process had taken shows again after a while: that is waited for.
        """
        self._kept_at = self._now()
        boxes = [Box(name) for name in sorted({e.box for e in self._entries.values()})]
        mine = ReplayFilter(message_ids=tuple(e.message_id for e in self._entries.values()))
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

    def _missing(self) -> list[str]:
        open_ones = (e for e in self._entries.values() if e.state is EntryState.PLANNED)
        return [e.message_id for e in open_ones if e.message_id not in self._letters]

    def _keep_hold(self) -> None:
        """Keep the lease, and the letters from showing again by themselves."""
        self._keep_lease()
        if self._now() - self._kept_at > timedelta(seconds=KEEP_SECONDS):
            self._tools.desk.keep(self._letters.values(), HIDE_SECONDS)
            self._kept_at = self._now()

    def _keep_lease(self) -> None:
        ends = self._replay.lease_until
        if ends is None or ends - self._now() < timedelta(seconds=LEASE_SECONDS / 2):
            self._save(lease_until=self._now() + timedelta(seconds=LEASE_SECONDS))

    # --- after a kill -----------------------------------------------------------------------

    def _tidy_up(self) -> None:
        """Finish what a killed process left, drawn as the order of its writes.

        sending k | send k | sending m, k unconfirmed | ... | entries sent | letters deleted

        What was sent is confirmed and deleted. The entry that was being sent may have been: it is
        sent again, the one possible duplicate. A letter that is not there any more is gone.
        """
        self._confirm(self._unconfirmed())
        self._delete(e for e in self._entries.values() if _was_sent(e))
        if self._replay.sending is not None:
            self._settle(self._entries[self._replay.sending])
        self._note_gone()

    def _settle(self, doubtful: ReplayEntry) -> None:
        if doubtful.state is not EntryState.PLANNED:
            return
        if doubtful.message_id in self._letters:
            self._send([doubtful], None)
        else:
            self._note([replace(doubtful, state=EntryState.SENT, sent_at=self._now())])

    def _note_gone(self) -> None:
        missing = set(self._missing())
        self._note(
            [
                replace(entry, state=EntryState.GONE, outcome=GONE)
                for entry in self._entries.values()
                if entry.message_id in missing
            ]
        )

    def _unconfirmed(self) -> list[ReplayEntry]:
        return [
            replace(
                self._entries[number],
                state=EntryState.SENT,
                new_message_id=message_id,
                sent_at=self._now(),
            )
            for number, message_id in self._replay.unconfirmed.items()
            if not _was_sent(self._entries[number])
        ]

    # --- sending ----------------------------------------------------------------------------

    def _send_steps(self, until: datetime) -> bool:
        """Send what each group may send next; False when there is only to wait."""
        stopped = frozenset(self._replay.stopped_groups)
        steps = next_steps(list(self._entries.values()), self._replay.pace, stopped)
        turns = _turns(self._entries.values())
        may_go = [e for step in steps for e in step.entries]
        chosen = [e for e in may_go if e.operation_id is None or turns.get(e.operation_id) is e]
        self._send(sorted(chosen, key=lambda entry: entry.number), until)
        return bool(chosen)

    def _send(self, entries: Sequence[ReplayEntry], until: datetime | None) -> None:
        sent: list[ReplayEntry] = []
        for entry in entries:
            if entry.message_id not in self._letters or (until and self._now() >= until):
                break
            self._keep_hold()
            sent.append(self._send_one(entry, sent))
            self._tools.sleep(1 / self._replay.pace.per_second)
            if len(sent) == CONFIRMED_TOGETHER:
                self._confirm(sent)
                sent = []
        self._confirm(sent)

    def _send_one(self, entry: ReplayEntry, before: Sequence[ReplayEntry]) -> ReplayEntry:
        """Write down that it is about to be sent, and what was sent before it; then send it."""
        self._save(
            sending=entry.number,
            unconfirmed={e.number: e.new_message_id or "" for e in before},
            lease_until=self._now() + timedelta(seconds=LEASE_SECONDS),
        )
        message = replayed(self._letters[entry.message_id], self._replay.replay_id)
        new_id = self._tools.letters.send(entry.origin, message)
        return replace(entry, state=EntryState.SENT, new_message_id=new_id, sent_at=self._now())

    def _confirm(self, sent: Sequence[ReplayEntry]) -> None:
        self._note(sent)
        self._delete(sent)

    def _delete(self, entries: Iterable[ReplayEntry]) -> None:
        ids = [e.message_id for e in entries if e.message_id in self._letters]
        if ids:
            self._tools.letters.delete([self._letters[one].raw for one in ids])
        for one in ids:
            del self._letters[one]

    # --- listening --------------------------------------------------------------------------

    def _listen(self) -> None:
        """Write down what has been heard, what was not heard in time, and stop what fails."""
        in_the_air = [e for e in self._entries.values() if _is_in_the_air(e)]
        if not in_the_air:
            return
        told = {one.message_id: one for one in self._tools.outcomes.told(self._replay.replay_id)}
        late = self._now() - timedelta(seconds=self._replay.pace.outcome_seconds)
        changed = []
        for entry in in_the_air:
            heard = told.get(entry.message_id)
            if heard is not None:
                state = EntryState.FAILED_AGAIN if heard.fate in BAD_FATES else EntryState.DONE
                changed.append(replace(entry, state=state, fate=heard.fate, outcome=heard.sentence))
            elif entry.sent_at is not None and entry.sent_at < late:
                changed.append(replace(entry, state=EntryState.RUNNING, outcome=NOT_HEARD))
        self._note(changed)
        self._stop_groups()

    def _stop_groups(self) -> None:
        failing = groups_to_stop(list(self._entries.values()), self._replay.pace)
        stopped = sorted(failing | set(self._replay.stopped_groups))
        if stopped != sorted(self._replay.stopped_groups):
            log.warning("stopping_groups", replayId=self._replay.replay_id, groups=stopped)
            self._save(stopped_groups=tuple(stopped))
        self._note(
            [
                replace(entry, state=EntryState.STOPPED, outcome=STOPPED)
                for entry in self._entries.values()
                if entry.group_id in stopped and entry.state is EntryState.PLANNED
            ]
        )

    # --- the journal ------------------------------------------------------------------------

    def _finish(self) -> None:
        ended = replace(
            self._replay,
            status=ReplayStatus.FINISHED,
            counts=self._counts,
            sending=None,
            unconfirmed={},
            lease_owner=None,
            lease_until=None,
            finished_at=self._now(),
        )
        self._tools.announce(ended)
        self._tools.journal.save(ended)
        self._replay = ended

    def _note(self, entries: Sequence[ReplayEntry]) -> None:
        if not entries:
            return
        self._tools.journal.record(self._replay, entries)
        self._entries |= {entry.number: entry for entry in entries}
        self._counts = counts_of(list(self._entries.values()))
        if self._watch is not None:
            self._watch(self._replay, list(self._entries.values()))

    def _save(self, **changes: Any) -> None:
        """Write the replay; raises LostClaimError when another process has taken it over."""
        wanted = replace(self._replay, counts=self._counts, **changes)
        self._tools.journal.save(wanted)
        self._replay = wanted

    def _now(self) -> datetime:
        return self._tools.clock.now()


def _was_sent(entry: ReplayEntry) -> bool:
    return entry.state not in {EntryState.PLANNED, EntryState.STOPPED, EntryState.GONE}


def _is_in_the_air(entry: ReplayEntry) -> bool:
    return entry.state is EntryState.SENT


def _turns(entries: Iterable[ReplayEntry]) -> dict[str | None, ReplayEntry]:
    """Return, per operation, the message whose turn it is: as the plan foretold them, in order.

    None while one of them is in the air: it may have the operation claimed still.
    """
    turns: dict[str | None, ReplayEntry] = {}
    busy = set()
    for entry in entries:
        if _is_in_the_air(entry):
            busy.add(entry.operation_id)
        elif entry.state is EntryState.PLANNED:
            turns.setdefault(entry.operation_id, entry)
    return {name: entry for name, entry in turns.items() if name not in busy}
