"""A replay of dead letters: who asked for it and why, how far it is, and how careful it is.

Pure: what to send next follows from the entries alone, so that a replay that was killed goes on
where it stood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.domain.letters import Origin


class Fate(StrEnum):
    """What becomes of a message: foretold by the plan of a replay, told by who handled it."""

    ACCEPTED = "accepted"
    """A new operation begins."""
    ANSWERED = "answered"
    """It repeats a request: its sender hears how the operation stands."""
    RUNS = "runs"
    """The step that its operation waits for is run."""
    WAITS = "waits"
    """Another worker has the operation; the message comes again by itself."""
    NOTHING = "nothing"
    """What it asks for has happened already."""
    ANNOUNCED = "announced"
    """Subscribers hear of the fact."""
    REFUSED = "refused"
    """It cannot be accepted, and becomes a dead letter again."""
    TURNED_BACK = "turned back"
    """The step ran and failed for good: its operation is taken back. Never foretold."""
    BROKE = "broke"
    """The step broke once more; its operation is stalled again. Never foretold."""
    UNSENDABLE = "cannot be sent"
    """No queue is known for it, or none would take it. Only foretold: it is not sent."""


BAD_FATES = frozenset({Fate.REFUSED, Fate.TURNED_BACK, Fate.BROKE})


@dataclass(frozen=True, kw_only=True)
class Told:
    """What became of one replayed message, as the worker tells it that handled it."""

    replay_id: str
    message_id: str
    """The dead letter's."""
    fate: Fate
    sentence: str
    at: datetime


class ReplayStatus(StrEnum):
    """How a replay stands."""

    OPEN = "OPEN"
    """Under way, or interrupted: the lease tells."""
    FINISHED = "FINISHED"
    """Every entry has its end; some groups may have been stopped."""
    ABANDONED = "ABANDONED"
    """Closed by an operator; what was not sent is still in its dead-letter queue."""


class EntryState(StrEnum):
    """How far one letter is."""

    PLANNED = "planned"
    SENT = "sent"
    DONE = "done"
    """What the plan said would happen has happened."""
    FAILED_AGAIN = "failed again"
    RUNNING = "still running"
    """No outcome in the time that the replay waits for one."""
    STOPPED = "stopped"
    """Not sent: its group failed again too often."""
    GONE = "gone"
    """Not sent: it was not in its dead-letter queue any more."""
    UNSENDABLE = "could not be sent"
    """Not sent: its queue does not take it, today or later; it stays where it is."""


UNSENT = frozenset({EntryState.PLANNED, EntryState.STOPPED, EntryState.GONE, EntryState.UNSENDABLE})
OVER = frozenset(EntryState) - {EntryState.PLANNED, EntryState.SENT}


@dataclass(frozen=True, kw_only=True)
class ReplayFilter:
    """Which letters an operator means; empty means all."""

    origin: Origin | None = None
    group_id: str | None = None
    tenant_id: str | None = None
    site_id: str | None = None
    operation_id: str | None = None
    older_than_seconds: int | None = None
    message_ids: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How careful a replay is."""

    per_second: float = 10.0
    """Messages sent per second, at most."""
    first_step: int = 10
    """Messages of a group after its canary; each further step is twice as large."""
    largest_step: int = 200
    stop_share: float = 0.2
    """A group stops when more than this share of a step failed again, or had no outcome in time."""
    outcome_seconds: int = 120
    """How long the outcome of a step is waited for."""


@dataclass(frozen=True, kw_only=True)
class ReplayEntry:
    """One letter of a replay."""

    number: int
    """Its place in the order of sending."""
    message_id: str
    group_id: str
    origin: Origin
    box: str
    operation_id: str | None = None
    forecast: Fate
    """What the plan said will happen."""
    sentence: str = ""
    """The same, for a person."""
    state: EntryState = EntryState.PLANNED
    new_message_id: str | None = None
    sent_at: datetime | None = None
    fate: Fate | None = None
    """What happened."""
    outcome: str = ""
    """The same, for a person."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """A replay as it is stored: small, written before every send."""

    replay_id: str
    requested_by: str
    reason: str
    filters: ReplayFilter = field(default_factory=ReplayFilter)
    pace: Pace = field(default_factory=Pace)
    status: ReplayStatus = ReplayStatus.OPEN
    sending: int | None = None
    """Number of the entry that is being sent: written before the send, so that a replay that is
    killed then sends at most that one again."""
    unconfirmed: Mapping[int, str] = field(default_factory=dict)
    """Entries that were sent since entries were last recorded, with their new message ids."""
    total: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    """Entries by state, when it was saved last with all of them at hand."""
    stopped_groups: tuple[str, ...] = ()
    fence: int = 0
    lease_owner: str | None = None
    lease_until: datetime | None = None
    created_at: datetime
    finished_at: datetime | None = None


def counts_of(entries: Sequence[ReplayEntry]) -> dict[str, int]:
    """Return how many entries are in each state."""
    return dict(Counter(entry.state.value for entry in entries))
