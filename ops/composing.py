"""A new request from flags: a fresh correlationId, the time, and who asks."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from events.refusals import field_errors_of
from ops.connection import Connection
from ops.desk import Desk
from ops.errors import BadInputError


def composed[M: BaseModel](
    model: type[M],
    desk: Desk,
    connection: Connection,
    requested_by: str | None,
    payload: dict[str, Any],
) -> M:
    """Return a new request; raises BadInputError naming what is wrong in the flags."""
    message = {
        "correlationId": desk.ids.new_id(),
        "timestamp": desk.clock.now(),
        "requestedBy": requested_by or connection.identity(),
        "payload": payload,
    }
    try:
        return model.model_validate(message)
    except ValidationError as error:
        wrong = "; ".join(
            f"{field.field.removeprefix('payload.')}: {field.problem}"
            for field in field_errors_of(error, message)
        )
        raise BadInputError(f"The request is not valid: {wrong}. Nothing was sent.") from error
