"""`sitefleet operations evidence`: the sealed document of an operation, its seal verified."""

from __future__ import annotations

import typer

from core.domain.errors import NotFoundError
from ops.desk import Desk
from ops.errors import ExitCode
from ops.flags import OperationId
from ops.following import find_operation
from ops.promotion.records import read_promotion
from ops.promotion.seal import read_seal


def evidence(desk: Desk, operation_id: OperationId) -> None:
    """Print the sealed evidence of a promotion, rollback, deletion or restore, as JSON.

    Its seal is verified: the sha256 of the document against the one in the operation's record.
    Ends with exit code 1 where they differ.
    """
    connection, operation = find_operation(desk, operation_id)
    seal = read_seal(connection, read_promotion(connection, operation))
    if seal.recorded is None:
        raise NotFoundError(
            f"Nothing is sealed of {operation_id}, a {operation.operation_type} that is "
            f"{operation.status}: promotions, rollbacks, deletions and restores seal their "
            "evidence when they end."
        )
    desk.say(seal.sentence)
    desk.show_json(dict(seal.document))
    if seal.is_broken:
        raise typer.Exit(ExitCode.UNEXPECTED)
