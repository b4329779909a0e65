"""From a body to a message on the right queue, and the wait until a consumer has taken it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from core.domain.operation import Operation
from core.ports.messaging import QueueName
from events import identity
from events.decisions import OperationPayload
from events.decode import DecodeError, decode
from events.filters import OPERATION_QUEUES, REQUEST_QUEUES
from events.formats import UNKNOWN, Environment
from events.progress import FleetEvent, StepPoll, WakeUp
from events.requests import Request, effective_idempotency_key
from events.vocabulary import MessageType
from ops.connection import Connection, Letter
from ops.desk import Desk
from ops.errors import BadInputError, NotTakenError, RequestRefusedError

PATIENCE_SECONDS: Final = 60
"""How long a watcher waits for a consumer to take a message."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What a command has put on a queue."""

    environment: Environment
    queue: QueueName
    message_id: str
    operation_id: str | None
    """None when the body was sent by force and says too little to compute it."""
    correlation_id: str | None


def read_request(body: str) -> Request:
    """Decode a body; raises BadInputError with one line per field that is wrong."""
    try:
        message = decode(body)
    except DecodeError as error:
        lines = [f"This is not a request that the fleet accepts: {error.reason}."]
        lines += [
            f"  {field.field}: {field.problem}" + (f" (got {field.got})" if field.got else "")
            for field in error.field_errors
        ]
        lines.append("Correct it and send it again; --force sends it as it is.")
        raise BadInputError("\n".join(lines)) from error
    if isinstance(message, FleetEvent | StepPoll | WakeUp):
        raise BadInputError(
            "This is a message of the fleet to itself, not a request. Send a request; docs/"
            "reference/messages.md lists them."
        )
    return message


def environment_of(request: Request) -> Environment | None:
    """Return the environment that the payload itself names."""
    payload = request.payload
    target = getattr(payload, "target_environment", None)
    found: Environment | None = target or getattr(payload, "environment", None)
    return found


def operation_id_of(
    request: Request, environment: Environment, tenant_id: str | None = None
) -> str:
    """Return the operation that a request starts, or the one that it is directed at.

    The tenant is that of the site concerned, for a payload that names an operation instead.
    """
    if isinstance(request.payload, OperationPayload):
        return request.payload.operation_id
    return identity.operation_id(
        environment,
        getattr(request.payload, "tenant_id", None) or tenant_id or "",
        request.message_type,
        effective_idempotency_key(request),
    )


def queue_of(message_type: str | None, concerned: Operation | None) -> QueueName | None:
    """Return the queue of a message type; of four, that of the operation it concerns."""
    if concerned is not None:
        return QueueName(OPERATION_QUEUES[concerned.operation_type])
    if message_type is None or message_type not in MessageType:
        return None
    queues = REQUEST_QUEUES[MessageType(message_type)]
    return QueueName(queues[0]) if len(queues) == 1 else None


def send_request(
    desk: Desk,
    connection: Connection,
    request: Request,
    body: str,
    queue: QueueName,
    *,
    tenant_id: str | None = None,
) -> Sent:
    """Send one request; say so on standard error."""
    tenant = getattr(request.payload, "tenant_id", None) or tenant_id or UNKNOWN
    message_id = connection.send(Letter(queue=queue, body=body, tenant_id=tenant))
    desk.say(f"Sent {request.message_type} to the {queue} queue of {connection.environment}.")
    return Sent(
        environment=connection.environment,
        queue=queue,
        message_id=message_id,
        operation_id=operation_id_of(request, connection.environment, tenant_id),
        correlation_id=request.correlation_id,
    )


def until_taken(desk: Desk, connection: Connection, sent: Sent, taken: Callable[[], bool]) -> None:
    """Wait until a consumer has acted on what was sent.

    Raises RequestRefusedError with the fleet's reason, or NotTakenError when nothing happens.
    """
    until = desk.clock.now() + timedelta(seconds=PATIENCE_SECONDS)
    while not taken():
        reason = connection.refusal(sent.message_id)
        if reason is not None:
            raise RequestRefusedError(f"The fleet refused the request. {reason}")
        if desk.clock.now() >= until:
            raise NotTakenError(
                f"Nothing has happened to the message in {PATIENCE_SECONDS} s: the consumers of "
                f"the {sent.queue} queue are not running or are throttled, or it waits behind "
                "others (docs/runbooks/queue-age.md). Look again later: sitefleet "
                f"{_where_to_look(sent)} --env {sent.environment}"
            )
        desk.sleep(desk.interval_seconds)


def _where_to_look(sent: Sent) -> str:
    return f"operations show {sent.operation_id}" if sent.operation_id else "dlq list"
