"""Flags of the commands that change something: whether, how many, why, and who asks."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.desk import Desk
from ops.errors import BadInputError

Reason = Annotated[
    str | None, typer.Option(help="Why; kept with what is done.", show_default=False)
]
Limit = Annotated[
    int | None, typer.Option(min=1, help="At most so many, the oldest.", show_default=False)
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; else it is only told.")]


def why_of(reason: str | None) -> str:
    """Return the reason; raises BadInputError, which is to be asked before a letter is taken."""
    if not reason or not reason.strip():
        raise BadInputError("Say why: --reason '...'. It is kept with what is done.")
    return reason.strip()


def who_asks(desk: Desk, requested_by: str | None) -> str:
    """Return who is kept as the one that asked for it."""
    return requested_by or desk.connection().identity() or "unknown"
