"""What became of the messages that a replay has sent, and which groups stop for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from core.domain.replay_steps import groups_to_stop
from core.domain.replays import BAD_FATES, EntryState, ReplayEntry, Told
from core.ports.dead_letters import ReplayOutcomes
from core.replay.book import ReplayBook

NOT_HEARD: Final = "Nobody has told what became of it, in the time that a replay waits."
STOPPED: Final = "Not sent: too many of its group failed again."

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def listen(book: ReplayBook, outcomes: ReplayOutcomes, now: datetime) -> None:
    """Write down what has been heard, and what was not heard in time."""
    in_the_air = book.in_state(EntryState.SENT)
    if not in_the_air:
        return
    told = {one.message_id: one for one in outcomes.told(book.replay.replay_id)}
    late = now - timedelta(seconds=book.replay.pace.outcome_seconds)
    heard = [_heard(entry, told.get(entry.message_id), late) for entry in in_the_air]
    book.note([entry for entry in heard if entry.state is not EntryState.SENT])


def stop_groups(book: ReplayBook) -> None:
    """Stop what fails again, from the entries alone.

    Before every step, whatever has been heard just now: the process that heard it may have been
    killed before it stopped anything, or in the middle of stopping.
    """
    failing = groups_to_stop(book.entries, book.replay.pace)
    stopped = failing | set(book.replay.stopped_groups)
    if stopped != set(book.replay.stopped_groups):
        log.warning("stopping_groups", replayId=book.replay.replay_id, groups=sorted(stopped))
        book.save(stopped_groups=tuple(sorted(stopped)))
    left = [entry for entry in book.in_state(EntryState.PLANNED) if entry.group_id in stopped]
    book.note([replace(entry, state=EntryState.STOPPED, outcome=STOPPED) for entry in left])


def _heard(entry: ReplayEntry, told: Told | None, late: datetime) -> ReplayEntry:
    if told is not None:
        state = EntryState.FAILED_AGAIN if told.fate in BAD_FATES else EntryState.DONE
        return replace(entry, state=state, fate=told.fate, outcome=told.sentence)
    if entry.sent_at is not None and entry.sent_at < late:
        return replace(entry, state=EntryState.RUNNING, outcome=NOT_HEARD)
    return entry
