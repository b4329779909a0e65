"""Who is at work on a site and who waits for it; who waits for its turn among a tenant's own."""

from __future__ import annotations

from core.domain.operation import Operation, Turn
from core.ports.operation_store import InLine, OperationStore, SiteQueue
from events.formats import format_timestamp
from ops.wording import moment, table


def queue_lines(queue: SiteQueue) -> list[str]:
    """Return the line of a site as a table, in order; nothing where nobody waits."""
    if not queue.waiters:
        return []
    rows = [
        (f"{number}.", waiter.operation_type or "-", waiter.operation_id, moment(waiter.since))
        for number, waiter in enumerate(queue.waiters, 1)
    ]
    return ["", *table(("WAITS", "TYPE", "OPERATION", "SINCE"), rows)]


def queue_document(queue: SiteQueue) -> list[dict[str, object]]:
    """Return the waiters of a site, in order."""
    return [_document(waiter) for waiter in queue.waiters]


def at_work_cells(queue: SiteQueue) -> tuple[str, str]:
    """Return what is at work on a site and how many wait for it, as cells of a table."""
    holder = queue.holder
    at_work = "-" if holder is None else holder.operation_type or "operation"
    return at_work, str(len(queue.waiters)) if queue.waiters else "-"


def at_work_document(queue: SiteQueue) -> dict[str, object]:
    """Return which operation is at work on a site, and those that wait for it."""
    holder = queue.holder
    return {
        "runningOperation": None if holder is None else _document(holder),
        "waiting": queue_document(queue),
    }


def turn_lines(store: OperationStore, operation: Operation) -> list[str]:
    """Say what an operation waits for that has not begun; nothing for any other."""
    if operation.turn is not Turn.WAITING:
        return []
    line = store.line_of(operation.tenant_id)
    ids = [waiter.operation_id for waiter in line.waiting]
    before = ids.index(operation.operation_id) if operation.operation_id in ids else 0
    at_work = f"At work of {operation.tenant_id}: {line.running}, as many as the policy allows."
    look = f"sitefleet operations list --tenant-id {operation.tenant_id} --env"
    return [
        f"It has not begun. {at_work} In line before it: {before}.",
        f"next    {look} {operation.environment}",
    ]


def site_queue(store: OperationStore, operation: Operation) -> SiteQueue:
    """Return the line of an operation's site; an ended operation is in none."""
    if operation.is_terminal:
        return SiteQueue(holder=None)
    return store.queue_of(operation.tenant_id, operation.site_id)


def _document(waiter: InLine) -> dict[str, object]:
    return {
        "operationId": waiter.operation_id,
        "operationType": waiter.operation_type,
        "since": format_timestamp(waiter.since),
    }
