"""`promotions list`: promotions and rollbacks, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from core.domain.operation import Operation
from events.vocabulary import OperationStatus, OperationType
from ops.connection import Connection
from ops.desk import Desk
from ops.documents import operation_document
from ops.flags import TenantId
from ops.promotion.records import PROMOTION_TYPES
from ops.recent import READ_PER_DAY, Found, Span, operations_of_site, recent_operations
from ops.wording import duration, moment, one_line, table

TITLES: Final = (
    "OPERATION",
    "KIND",
    "ENV",
    "TENANT",
    "SITE",
    "RELEASE",
    "STATUS",
    "STARTED",
    "TOOK",
    "NOW",
)
_KINDS: Final = {
    OperationType.SITE_PROMOTION: "promotion",
    OperationType.SITE_ROLLBACK: "rollback",
}

SiteId = Annotated[str | None, typer.Option(help="Only this site's.", show_default=False)]
Day = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"],
        help="Only those accepted on this day (UTC), like 2026-11-21.",
        show_default=False,
    ),
]
Status = Annotated[
    OperationStatus | None,
    typer.Option(help="Only with this status.", case_sensitive=False, show_default=False),
]
Limit = Annotated[int, typer.Option(min=1, max=READ_PER_DAY, help="At most so many.")]
Days = Annotated[
    int,
    typer.Option(min=1, max=92, help="How far to look back; a named site's are all found."),
]


def list_promotions(
    desk: Desk,
    *,
    tenant_id: TenantId = None,
    site_id: SiteId = None,
    day: Day = None,
    status: Status = None,
    limit: Limit = 20,
    days: Days = 7,
) -> None:
    """List promotions and rollbacks, newest first.

    On one machine every environment is listed when --env is not given.
    """
    newest, reach = (day.replace(tzinfo=UTC), 1) if day is not None else (desk.clock.now(), days)
    span = Span(newest=newest, days=reach, limit=limit)

    def wanted(operation: Operation) -> bool:
        return (
            operation.operation_type in PROMOTION_TYPES
            and tenant_id in {None, operation.tenant_id}
            and site_id in {None, operation.site_id}
            and status in {None, operation.status}
            and (day is None or operation.created_at.date() == newest.date())
        )

    def found(connection: Connection) -> Found:
        store = connection.operations
        if tenant_id is not None and site_id is not None:
            return operations_of_site(store, tenant_id, site_id, wanted, limit)
        return recent_operations(store, wanted, span)

    lists = [found(connection) for connection in desk.connections()]
    for remark in {one.remark for one in lists if one.remark}:
        desk.say(remark)
    operations = [operation for one in lists for operation in one.operations]
    operations.sort(key=lambda operation: operation.created_at, reverse=True)
    _print(desk, operations[:limit])


# --- inside ---------------------------------------------------------------------------------


def _print(desk: Desk, operations: Sequence[Operation]) -> None:
    now = desk.clock.now()
    if desk.as_json:
        desk.show_json({"promotions": [operation_document(o, now) for o in operations]})
        return
    if not operations:
        desk.say("No promotions match. --days looks further back.")
        return
    desk.show(table(TITLES, [_cells(operation, now) for operation in operations]))


def _cells(operation: Operation, now: datetime) -> tuple[str, ...]:
    stalled = " (stalled)" if operation.stalled_since is not None else ""
    took = ((operation.completed_at or now) - operation.created_at).total_seconds()
    release = operation.summary.get("release")
    return (
        operation.operation_id,
        _KINDS[operation.operation_type],
        operation.environment,
        operation.tenant_id,
        operation.site_id,
        f"r{release}" if isinstance(release, int) else "-",
        f"{operation.status}{stalled}",
        moment(operation.created_at),
        duration(took),
        _now(operation),
    )


def _now(operation: Operation) -> str:
    """Return the step it is at and what it waits for, or why it ended as it did."""
    if operation.is_terminal:
        failure = operation.failure
        return "" if failure is None else f"{failure.code} in {failure.step or 'the request'}"
    waits = f": {one_line(operation.waiting_for)}" if operation.waiting_for else ""
    return f"{operation.step or '-'}{waits}"
