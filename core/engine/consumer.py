"""Decode: from the body of a queue record to whoever deals with it."""

from __future__ import annotations

from dataclasses import replace

import structlog

from core.domain.replays import Fate
from core.engine.claims import Ticket, ticket_for
from core.engine.engine import Engine
from core.engine.intake import Intake
from core.engine.message import Acknowledged, Disposition, QueueMessage
from core.engine.refusal import Refuser
from core.engine.runner import Runner
from events.decode import DecodeError, decode
from events.progress import FleetEvent, StepPoll, WakeUp

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def as_replayed(ticket: Ticket, message: QueueMessage) -> Ticket:
    """A replay is a person's act, like a retry: the step's deadline begins anew."""
    if message.replay_of is None or ticket.is_wake_up:
        return ticket
    return replace(ticket, by_person=True)


class Consumer:
    """One message in, its fate out; the whole of a queue consumer without Lambda and SQS."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._refuser = Refuser(engine)
        self._runner = Runner(engine)
        self._intake = Intake(engine, self._runner, self._refuser)

    def handle(self, message: QueueMessage) -> Disposition:
        """Deal with one message; raises only what the store, the bus or a queue could not do."""
        structlog.contextvars.bind_contextvars(
            messageId=message.message_id, receiveCount=message.receive_count
        )
        try:
            decoded = decode(message.body)
        except DecodeError as error:
            self._refuser.refuse_body(message, error)
            return Acknowledged(fate=Fate.REFUSED, why=str(error))
        match decoded:
            case FleetEvent() | StepPoll() | WakeUp():
                ticket = ticket_for(self._named(decoded))
                if ticket is None:
                    log.info("ignoring_wake_up", messageId=message.message_id)
                    return Acknowledged(fate=Fate.NOTHING, why="No operation waits for it.")
                return self._runner.advance(message, as_replayed(ticket, message))
            case _:
                return self._intake.handle(message, decoded)

    def _named(self, message: FleetEvent | StepPoll | WakeUp) -> FleetEvent | StepPoll | WakeUp:
        """Find the operation of a wake-up that names only its resource (a snapshot, a service)."""
        if not isinstance(message, WakeUp) or message.operation_id or not message.resource:
            return message
        operation_id = self._engine.store.operation_of_resource(message.resource)
        return message.model_copy(update={"operation_id": operation_id})
