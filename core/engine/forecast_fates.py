"""A forecast, and those that follow from how an operation stands alone."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.operation import Operation, Turn
from core.domain.replays import Fate
from core.engine.claims import Ticket


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What will become of one letter."""

    fate: Fate
    sentence: str
    operation_id: str | None = None
    step: str | None = None
    behind: str | None = None
    """The operation that has the site; this one waits for it."""


def ended(operation: Operation) -> Forecast:
    """Foretell a request about an operation that has ended."""
    return Forecast(
        fate=Fate.ANSWERED,
        sentence=f"Operation {operation.operation_id} has ended as {operation.status}: its end is "
        "told again, to whoever has not heard of it.",
        operation_id=operation.operation_id,
    )


def already_done(operation: Operation) -> Forecast:
    """Foretell a message that the operation does not wait for any more."""
    if operation.is_terminal:
        why = f"Operation {operation.operation_id} has ended as {operation.status}"
    elif operation.turn is Turn.WAITING:
        why = f"Operation {operation.operation_id} waits for its tenant's turn, which comes"
    else:
        why = f"Operation {operation.operation_id} is further: step {operation.step}"
    return Forecast(
        fate=Fate.NOTHING,
        sentence=f"Already done: nothing happens. {why}.",
        operation_id=operation.operation_id,
        step=operation.step,
    )


def unknown(ticket: Ticket) -> Forecast:
    """Foretell a message of an operation that is not there."""
    if ticket.is_wake_up:
        return Forecast(fate=Fate.NOTHING, sentence="A wake-up of an operation that is not here.")
    return Forecast(
        fate=Fate.REFUSED,
        sentence=f"There is no operation {ticket.operation_id} here: it comes back at once.",
        operation_id=ticket.operation_id,
    )
