"""Dead-letter queues as an operator's tool sees them, and the journal of replays."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from core.domain.letters import Attribute, Box, Origin, RawLetter
from core.domain.operation import AttemptFailure
from core.domain.replays import Replay, ReplayEntry, Told


@dataclass(frozen=True, kw_only=True)
class Depth:
    """How many messages a queue holds, as SQS estimates it."""

    visible: int
    hidden: int
    """Received by somebody and neither deleted nor visible again."""


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A message that an operator sends: a replay, a correction, an import, a parked letter."""

    body: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    """At most 10, the SQS limit."""
    group: str | None = None
    """Message group; the tenant."""


class DeadLetters(Protocol):
    """The dead-letter queues, the parking queue, and the queues that letters go back to."""

    def receive(self, box: Box, *, hide_seconds: int) -> Sequence[RawLetter]:
        """Take some visible letters and hide them from others; empty when none is visible.

        A letter is not changed by being looked at: these queues have no redrive of their own.
        """
        ...

    def give_back(self, letters: Sequence[RawLetter]) -> None:
        """Show letters again at once; one that is not hidden any more is no error."""
        ...

    def keep(self, letters: Sequence[RawLetter], *, hide_seconds: int) -> None:
        """Hide received letters for so long from now on; one that is gone is no error."""
        ...

    def delete(self, letters: Sequence[RawLetter]) -> None:
        """Remove letters; one that is gone is no error. Raises TransientError if one stays."""
        ...

    def depth(self, box: Box) -> Depth:
        """Return about how many letters there are: one call."""
        ...

    def send(self, to: Origin | Box, message: Outgoing) -> str:
        """Send a message; return its id."""
        ...


class ReplayJournal(Protocol):
    """What each replay intends, has sent and has heard: what a killed one is resumed from.

    One replay of an environment is open at a time. Whoever works on it holds its lease; the fence
    guards every later write, as with operations.
    """

    def begin(self, replay: Replay, entries: Sequence[ReplayEntry]) -> Replay:
        """Store the entries, then open the replay.

        Returns the one that is open: this one, or another that has to be finished first. One that
        was begun before under this name is returned as it stands; of one that died before it was
        opened nothing is left.
        """
        ...

    def get(self, replay_id: str) -> Replay | None:
        """Return a replay, read consistently."""
        ...

    def open_replay(self) -> Replay | None:
        """Return the replay that is open, if one is."""
        ...

    def entries(self, replay_id: str) -> Sequence[ReplayEntry]:
        """Return the entries of a replay, in the order of their numbers."""
        ...

    def claim(
        self, replay_id: str, *, owner: str, now: datetime, lease_until: datetime
    ) -> Replay | None:
        """Take the lease if it is free or this owner's; None while another holds it."""
        ...

    def save(self, replay: Replay) -> None:
        """Write the replay's state; raises LostClaimError when its fence is an older one.

        A finished replay is closed by the same write, so that the next one can begin.
        """
        ...

    def record(self, replay: Replay, entries: Sequence[ReplayEntry]) -> None:
        """Write what became of some entries; raises LostClaimError as `save` does."""
        ...

    def recent(self, limit: int) -> Sequence[Replay]:
        """Return the newest replays."""
        ...


class ReplayOutcomes(Protocol):
    """What the workers tell about replayed messages: the replayer's only ears."""

    def tell(self, told: Told) -> None:
        """Keep what became of a message; the first word counts, a repetition changes nothing."""
        ...

    def told(self, replay_id: str) -> Sequence[Told]:
        """Return what has been told about a replay's messages."""
        ...


class Failures(Protocol):
    """The failed attempts that the fleet has recorded."""

    def of_operation(self, operation_id: str) -> Sequence[AttemptFailure]:
        """Return the failed attempts of an operation, oldest first."""
        ...

    def of_operations(
        self, operation_ids: Collection[str]
    ) -> Mapping[str, Sequence[AttemptFailure]]:
        """Return the failed attempts of each of many operations, asked for side by side."""
        ...


class ReplayCommands(Protocol):
    """The replayer function's own queue."""

    def send(self, body: str, *, delay_seconds: int = 0) -> str:
        """Send a command or a continuation; return the message's id."""
        ...
