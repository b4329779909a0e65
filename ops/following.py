"""What a command prints about what it has sent, and following it if that was asked for."""

from __future__ import annotations

from collections.abc import Callable

import typer

from core.domain.errors import NotFoundError
from core.domain.operation import Operation
from ops.connection import Connection
from ops.desk import Desk
from ops.documents import sent_document, timeline_document
from ops.failures import failure_documents
from ops.sending import Sent, until_taken
from ops.timeline import timeline
from ops.watch import exit_code_of


def report(
    desk: Desk,
    connection: Connection,
    sent: Sent,
    *,
    watch: bool,
    taken: Callable[[Operation | None], bool] = lambda operation: operation is not None,
) -> None:
    """Print the operationId; with watch, follow the operation once the message is taken."""
    if not desk.as_json and sent.operation_id is not None:
        desk.show([sent.operation_id])
    if not watch or sent.operation_id is None:
        if desk.as_json:
            desk.show_json(sent_document(sent))
        return
    operation_id = sent.operation_id
    until_taken(desk, connection, sent, lambda: taken(connection.operations.get(operation_id)))
    operation = desk.follow(connection, operation_id, is_data=False)
    if desk.as_json:
        document = document_of(desk, connection, operation)
        desk.show_json({**sent_document(sent), "operation": document})
    raise typer.Exit(exit_code_of(operation))


def say_how_it_was_taken(desk: Desk, connection: Connection, sent: Sent, *, watch: bool) -> None:
    """Wait until a request has become an operation, print its id, and follow it if asked to.

    Raises RequestRefusedError with the fleet's reason.
    """
    if watch or sent.operation_id is None:
        report(desk, connection, sent, watch=watch)
        return
    operation_id = sent.operation_id
    until_taken(desk, connection, sent, lambda: connection.operations.get(operation_id) is not None)
    desk.say(
        f"The fleet has accepted it. Follow it: sitefleet promotions show {operation_id} "
        f"--env {connection.environment} --watch"
    )
    report(desk, connection, sent, watch=False)


def document_of(desk: Desk, connection: Connection, operation: Operation) -> dict[str, object]:
    """Return the JSON of an operation with its timeline as it stands now."""
    now = desk.clock.now()
    steps = connection.operations.history(operation.operation_id).steps
    return {
        **timeline_document(operation, timeline(operation, steps, now), now),
        "failures": failure_documents(connection.failures(operation.operation_id)),
    }


def find_operation(desk: Desk, operation_id: str) -> tuple[Connection, Operation]:
    """Return an operation and where it is; raises NotFoundError."""
    connections = desk.connections()
    for connection in connections:
        operation = connection.operations.get(operation_id)
        if operation is not None:
            return connection, operation
    places = ", ".join(connection.environment for connection in connections)
    raise NotFoundError(
        f"There is no operation {operation_id} in {places}. A request that was sent a moment ago "
        "may not have been accepted yet; one that was refused never becomes an operation."
    )
