"""`sitefleet operations`: look at operations, agree to them, cancel them, try them again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import typer

from core.domain.operation import Operation
from events.requests import OperationCancelRequest, OperationRetryRequest, encode
from events.vocabulary import OperationStatus
from ops.command import command
from ops.composing import composed
from ops.connection import Connection
from ops.desk import Desk
from ops.documents import operation_document
from ops.errors import BadInputError
from ops.evidence import evidence
from ops.failures import failure_lines
from ops.flags import OperationId, RequestedBy, TenantId, Watch
from ops.following import document_of, find_operation, report
from ops.picture import picture
from ops.promotion.blocks import lines_of
from ops.promotion.deciding import approve, reject
from ops.promotion.people import approval_block, asked_block
from ops.promotion.records import read_promotion
from ops.queues import queue_lines, site_queue, turn_lines
from ops.recent import READ_PER_DAY, Found, Span, operations_of_site, recent_operations
from ops.sending import queue_of, send_request
from ops.timeline import stands_still, timeline
from ops.watch import exit_code_of
from ops.wording import duration, moment, table

app = typer.Typer(
    help="Look at operations, agree to them, cancel them, try them again.", no_args_is_help=True
)

SiteId = Annotated[str | None, typer.Option(help="Only this site's.", show_default=False)]
Status = Annotated[
    OperationStatus | None,
    typer.Option(help="Only with this status.", case_sensitive=False, show_default=False),
]
Stalled = Annotated[bool, typer.Option("--stalled", help="Only stalled ones.")]
Limit = Annotated[int, typer.Option(min=1, max=READ_PER_DAY, help="At most so many.")]
Days = Annotated[
    int, typer.Option(min=1, max=92, help="How far to look back; a named site's are all found.")
]
Reason = Annotated[str, typer.Option(help="Why; it goes with the request.", show_default=False)]


@command(app, "list")
def list_operations(
    desk: Desk,
    *,
    tenant_id: TenantId = None,
    site_id: SiteId = None,
    status: Status = None,
    stalled: Stalled = False,
    limit: Limit = 20,
    days: Days = 7,
) -> None:
    """List the newest operations, newest first; of what stands still, those of any age."""
    connection = desk.connection()

    def wanted(operation: Operation) -> bool:
        return (
            tenant_id in {None, operation.tenant_id}
            and site_id in {None, operation.site_id}
            and status in {None, operation.status}
            and (not stalled or operation.stalled_since is not None)
        )

    store = connection.operations
    if tenant_id is not None and site_id is not None:
        found = operations_of_site(store, tenant_id, site_id, wanted, limit)
    else:
        span = Span(newest=desk.clock.now(), days=days, limit=limit)
        found = recent_operations(store, wanted, span)
    # What stands still is found at any age: nothing lies further back.
    _print_list(desk, found, hint="" if stalled else " --days looks further back.")


@command(app, "show")
def show(
    desk: Desk,
    operation_id: OperationId,
    *,
    watch: Watch = False,
) -> None:
    """Show what an operation has done, does and will do.

    On one machine every environment is searched when --env is not given.
    """
    connection, operation = find_operation(desk, operation_id)
    if watch:
        operation = desk.follow(connection, operation_id, is_data=True)
    if desk.as_json:
        desk.show_json(document_of(desk, connection, operation))
    elif not watch:
        now = desk.clock.now()
        rows = timeline(operation, connection.operations.history(operation_id).steps, now)
        desk.show([line.text for line in picture(operation, rows, now)])
        desk.show(turn_lines(connection.operations, operation))
        desk.show(queue_lines(site_queue(connection.operations, operation)))
        desk.show(failure_lines(connection.failures(operation_id)))
        _show_approvals(desk, connection, operation)
    if watch:
        raise typer.Exit(exit_code_of(operation))


@command(app, "cancel")
def cancel(
    desk: Desk,
    operation_id: OperationId,
    *,
    reason: Reason,
    requested_by: RequestedBy = None,
    watch: Watch = False,
) -> None:
    """Ask a running operation to turn back: what it has made is taken back."""
    connection, operation = find_operation(desk, operation_id)
    if operation.is_terminal:
        raise BadInputError(
            f"Operation {operation_id} has ended as {operation.status}; there is nothing left to "
            "cancel."
        )
    payload = {"operationId": operation_id, "reason": reason}
    request = composed(OperationCancelRequest, desk, connection, requested_by, payload)
    _send(desk, connection, operation, request, watch=watch, taken=_cancelled)


@command(app, "retry")
def retry(
    desk: Desk,
    operation_id: OperationId,
    *,
    reason: Reason,
    requested_by: RequestedBy = None,
    watch: Watch = False,
) -> None:
    """Try an operation again that is stalled, or whose rollback failed."""
    connection, operation = find_operation(desk, operation_id)
    if operation.is_terminal or not stands_still(operation):
        raise BadInputError(
            f"Operation {operation_id} is {operation.status} and neither stalled nor "
            "ROLLBACK_FAILED; a retry applies to those only. Look at it: "
            f"sitefleet operations show {operation_id} --env {operation.environment}"
        )
    payload = {"operationId": operation_id, "reason": reason}
    request = composed(OperationRetryRequest, desk, connection, requested_by, payload)

    def taken(now: Operation | None) -> bool:
        return now is not None and now.fence != operation.fence

    _send(desk, connection, operation, request, watch=watch, taken=taken)


command(app, "evidence")(evidence)
command(app, "approve")(approve)
command(app, "reject")(reject)


# --- inside ---------------------------------------------------------------------------------


def _show_approvals(desk: Desk, connection: Connection, operation: Operation) -> None:
    """Show who is asked and how to answer; a promotion's plan has a command of its own."""
    if operation.status is OperationStatus.AWAITING_APPROVAL:
        records = read_promotion(connection, operation)
        blocks = [approval_block(records), asked_block(records)]
        desk.show_lines(lines_of([block for block in blocks if block is not None]))


def _print_list(desk: Desk, found: Found, *, hint: str) -> None:
    now = desk.clock.now()
    if found.remark:
        desk.say(found.remark)
    if desk.as_json:
        desk.show_json({"operations": [operation_document(o, now) for o in found.operations]})
        return
    if not found.operations:
        desk.say(f"No operations match.{hint}")
        return
    titles = ("OPERATION", "TYPE", "TENANT", "SITE", "STATUS", "STEP", "STARTED", "TOOK")
    desk.show(table(titles, [_cells(operation, now) for operation in found.operations]))


def _cells(operation: Operation, now: datetime) -> tuple[str, ...]:
    stalled = " (stalled)" if operation.stalled_since is not None else ""
    took = ((operation.completed_at or now) - operation.created_at).total_seconds()
    return (
        operation.operation_id,
        operation.operation_type,
        operation.tenant_id,
        operation.site_id,
        f"{operation.status}{stalled}",
        "-" if operation.is_terminal else operation.step or "-",
        moment(operation.created_at),
        duration(took),
    )


def _cancelled(operation: Operation | None) -> bool:
    return operation is not None and (operation.cancel_requested or operation.is_terminal)


def _send(
    desk: Desk,
    connection: Connection,
    operation: Operation,
    request: OperationCancelRequest | OperationRetryRequest,
    *,
    watch: bool,
    taken: Callable[[Operation | None], bool],
) -> None:
    queue = queue_of(request.message_type, operation)
    if queue is None:
        raise BadInputError(f"No queue is known for {operation.operation_type}.")
    sent = send_request(
        desk, connection, request, encode(request), queue, tenant_id=operation.tenant_id
    )
    report(desk, connection, sent, watch=watch, taken=taken)
