"""Who may run the next step: the claim, and how to read its refusal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.domain.operation import Operation
from events.progress import FleetEvent, StepPoll, WakeUp


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """What a message entitles to: the step behind this event, at this poll."""

    operation_id: str
    event_id: str | None
    """None for a wake-up: whichever step waits."""
    wait_number: int = 0
    step: str | None = None
    by_person: bool = False
    anew: bool = False
    """Whether the step is tried anew: what an earlier attempt left running is stopped first."""

    @property
    def is_wake_up(self) -> bool:
        return self.event_id is None


def ticket_for(message: FleetEvent | StepPoll | WakeUp) -> Ticket | None:
    """Return the ticket that a message carries; None for a wake-up that names no operation."""
    match message:
        case FleetEvent():
            return Ticket(
                operation_id=message.metadata.operation_id, event_id=message.metadata.event_id
            )
        case StepPoll():
            return Ticket(
                operation_id=message.operation_id,
                event_id=message.event_id,
                wait_number=message.wait_number,
            )
        case WakeUp():
            if message.operation_id is None:
                return None
            step = message.step.removeprefix("undo-") if message.step else None
            return Ticket(operation_id=message.operation_id, event_id=None, step=step)


def persons_ticket(operation: Operation) -> Ticket:
    """Return the ticket of a person's message: of what the operation is waiting for right now.

    A step that has stalled is tried anew: its job may be one that never ends.
    """
    return Ticket(
        operation_id=operation.operation_id,
        event_id=operation.event_id,
        wait_number=operation.wait_number,
        by_person=True,
        anew=operation.stalled_since is not None,
    )


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """The lease is ours; the operation as it stands now, with our fence."""

    operation: Operation


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What this message asks for has happened already."""

    republish: Operation | None = None
    """The operation stands directly behind this message and nobody has taken its events up."""
    repoll: Operation | None = None
    """A redelivered older poll: the current one may never have been sent."""


@dataclass(frozen=True, kw_only=True)
class Busy:
    """Another worker holds the lease until then."""

    operation: Operation
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """There is no such operation."""


type Claim = Claimed | Finished | Busy | Unknown


def read_refusal(
    ticket: Ticket, operation: Operation | None, now: datetime, *, redelivered: bool
) -> Claim:
    """Tell why the store refused a claim, from the operation as it stood then."""
    if operation is None:
        return Unknown()
    if ticket.event_id == operation.cause_event_id and _unclaimed(operation):
        return Finished(republish=operation)
    leased = operation.lease_until is not None and operation.lease_until > now
    if not _stands_there(ticket, operation, leased=leased) or operation.is_terminal:
        return Finished()
    if not ticket.is_wake_up and ticket.wait_number != operation.wait_number:
        return Finished(repoll=operation if redelivered and not leased else None)
    if leased and operation.lease_until is not None:
        return Busy(operation=operation, until=operation.lease_until)
    return Finished()


def _stands_there(ticket: Ticket, operation: Operation, *, leased: bool) -> bool:
    """Tell whether the operation waits for this message; a wake-up may overtake its step's wait."""
    if not ticket.is_wake_up:
        return ticket.event_id == operation.event_id
    return operation.wait_number > 0 or (leased and ticket.step in {None, operation.step})


def _unclaimed(operation: Operation) -> bool:
    return operation.step_since is None
