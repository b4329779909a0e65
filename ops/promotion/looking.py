"""`promotions show` and `promotions plan`: what stands where, readable before anyone approves."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from events.formats import format_timestamp
from ops.desk import Desk
from ops.documents import Document
from ops.errors import BadInputError
from ops.flags import Watch
from ops.following import document_of
from ops.promotion.blocks import block_documents, lines_of
from ops.promotion.next_step import next_safe_command
from ops.promotion.plan import plan_blocks
from ops.promotion.records import PromotionRecords, find_promotion, read_promotion
from ops.promotion.standing import standing_blocks, standing_lines
from ops.watch import exit_code_of

OperationId = Annotated[
    str, typer.Argument(help="The operation's id, as `promotions list` shows it.", metavar="ID")
]


def show(desk: Desk, operation_id: OperationId, *, watch: Watch = False) -> None:
    """Show where a promotion stands, whom and what it waits for, and the next safe command.

    On one machine every environment is searched when --env is not given.
    """
    connection, operation = find_promotion(desk, operation_id)
    if watch:
        operation = desk.follow(connection, operation_id, is_data=True)
    records = read_promotion(connection, operation)
    if desk.as_json:
        document = document_of(desk, connection, operation)
        desk.show_json({**document, **_decided(records, standing_blocks(records))})
    elif watch:
        desk.show_lines(lines_of(standing_blocks(records)))
    else:
        desk.show_lines(standing_lines(records, desk.clock.now()))
    if watch:
        raise typer.Exit(exit_code_of(operation))


def plan(desk: Desk, operation_id: OperationId) -> None:
    """Print the plan: what moves, what stays, what changed in the target, and the way back.

    Read it before you approve: the approval is bound to its plan hash.
    """
    connection, operation = find_promotion(desk, operation_id)
    records = read_promotion(connection, operation)
    if records.plan_hash is None:
        raise BadInputError(
            f"Operation {operation_id} has no plan yet: it is {operation.status} at "
            f"{operation.step or 'its end'}. Look at it: {next_safe_command(records)}"
        )
    blocks = plan_blocks(records)
    if desk.as_json:
        desk.show_json(_plan_document(records, _decided(records, blocks)))
        return
    desk.show_lines(lines_of(blocks))


# --- inside ---------------------------------------------------------------------------------


def _decided(records: PromotionRecords, blocks: Any) -> Document:
    expires = records.expires_at
    return {
        "planHash": records.plan_hash,
        "roles": list(records.roles),
        "missingRoles": list(records.missing_roles),
        "expiresAt": None if expires is None else format_timestamp(expires),
        "nextCommand": next_safe_command(records),
        "report": block_documents(blocks),
    }


def _plan_document(records: PromotionRecords, decided: Document) -> Document:
    census, target = records.census, records.target_census
    operation = records.operation
    return {
        "operationId": operation.operation_id,
        "environment": operation.environment,
        "tenantId": operation.tenant_id,
        "siteId": operation.site_id,
        "census": None if census is None else census.model_dump(mode="json", by_alias=True),
        "target": None if target is None else target.model_dump(mode="json", by_alias=True),
        "wayBack": dict(records.way_back),
        **decided,
    }
