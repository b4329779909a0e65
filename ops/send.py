"""`sitefleet send`: put any request on the queue it belongs on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from core.domain.operation import Operation
from core.ports.messaging import QueueName
from events.decisions import OperationPayload
from events.decode import DecodeError, decode
from events.formats import UNKNOWN
from events.refusals import Hints
from events.requests import Request
from ops.command import command
from ops.connection import Connection, Letter
from ops.desk import Desk
from ops.errors import BadInputError
from ops.flags import Watch
from ops.following import find_operation, report
from ops.sending import (
    Sent,
    environment_of,
    queue_of,
    read_request,
    send_request,
    until_taken,
)

Queue = Annotated[
    QueueName | None,
    typer.Option("--queue", help="Queue to use when the body does not tell.", show_default=False),
]
Force = Annotated[bool, typer.Option("--force", help="Send even what the fleet would refuse.")]


def add_send(app: typer.Typer) -> None:
    """Add the command to the root."""
    command(app, "send")(send)


def send(
    desk: Desk,
    file: Annotated[str, typer.Argument(help="File with one request as JSON; - for stdin.")],
    queue: Queue = None,
    *,
    force: Force = False,
    watch: Watch = False,
) -> None:
    """Check a request, send it to the queue of its messageType, and print its operationId.

    The environment is the one that the payload names; --env says it for payloads that name none.
    """
    body = _read(file)
    if force:
        _send_anyway(desk, body, queue, watch=watch)
        return
    request = read_request(body)
    connection, concerned = _destination(desk, request)
    chosen = queue or queue_of(request.message_type, concerned)
    if chosen is None:
        raise BadInputError(f"Say which queue {request.message_type} goes to: --queue.")
    tenant_id = concerned.tenant_id if concerned is not None else None
    sent = send_request(desk, connection, request, body, chosen, tenant_id=tenant_id)
    report(desk, connection, sent, watch=watch)


# --- inside ---------------------------------------------------------------------------------


def _read(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.buffer.read().decode("utf-8")
        return Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{file} is not UTF-8 text (byte {error.start}).") from error


def _destination(desk: Desk, request: Request) -> tuple[Connection, Operation | None]:
    """Return where to send a request, and the operation that it is directed at."""
    if isinstance(request.payload, OperationPayload):
        return find_operation(desk, request.payload.operation_id)
    named, given = environment_of(request), desk.options.env
    if named is not None and given is not None and named is not given:
        raise BadInputError(
            f"The request is meant for {named}, and --env (or SITEFLEET_ENV) says {given}: the "
            f"fleet of {given} would refuse it. Correct one of them; --force sends it as it is."
        )
    return desk.connection(named), None


def _send_anyway(desk: Desk, body: str, queue: QueueName | None, *, watch: bool) -> None:
    try:
        message = decode(body)
    except DecodeError as error:
        desk.say(f"The fleet will refuse this: {error}")
        connection, sent = _send_by_hints(desk, body, error.hints, queue)
        if watch:
            until_taken(desk, connection, sent, taken=lambda: False)
        return
    if isinstance(message, Request):
        chosen = queue or queue_of(message.message_type, None)
        if chosen is not None:
            connection = desk.connection(desk.options.env or environment_of(message))
            sent = send_request(desk, connection, message, body, chosen)
            report(desk, connection, sent, watch=watch)
            return
    _send_by_hints(desk, body, Hints(), queue)
    if watch:
        desk.say("It is no request: there is no operation of its own to watch.")


def _send_by_hints(
    desk: Desk, body: str, hints: Hints, queue: QueueName | None
) -> tuple[Connection, Sent]:
    chosen = queue or queue_of(hints.message_type, None)
    if chosen is None:
        raise BadInputError("The body does not tell which queue it belongs on: say --queue.")
    connection = desk.connection()
    letter = Letter(queue=chosen, body=body, tenant_id=hints.tenant_id or UNKNOWN)
    sent = Sent(
        environment=connection.environment,
        queue=chosen,
        message_id=connection.send(letter),
        operation_id=hints.operation_id,
        correlation_id=hints.correlation_id,
    )
    desk.say(f"Sent it to the {chosen} queue of {connection.environment} as it is.")
    report(desk, connection, sent, watch=False)
    return connection, sent
