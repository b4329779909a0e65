"""`sitefleet trace`: one request over messages, steps, jobs, announcements and mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import typer

from core.domain.errors import NotFoundError
from ops.command import command
from ops.desk import Desk
from ops.tracing.entries import Trace
from ops.tracing.evidence import read_trace
from ops.tracing.printing import trace_document, trace_lines

Wanted = Annotated[
    str, typer.Argument(help="A correlationId, or an operationId.", metavar="CORRELATION_ID")
]
NOTHING: Final = (
    "Nothing in {places} carries {wanted}. A request that was sent a moment ago may still be in "
    "its queue; one that was refused more than 14 days ago is gone."
)


def trace(desk: Desk, wanted: Wanted) -> None:
    """Follow one request: its operations, steps, jobs, failures, decisions, announcements, mail.

    On one machine every environment is searched when --env is not given.
    """
    connections, now = desk.connections(), desk.clock.now()
    traces = [read_trace(connection, wanted, now) for connection in connections]
    found = [one for one in traces if not one.is_empty]
    if not found:
        raise NotFoundError(_nothing(traces, wanted))
    if desk.as_json:
        desk.show_json({"traces": [trace_document(one, now) for one in found]})
        return
    for one in found:
        desk.show_lines(trace_lines(one, now))


def add_trace(app: typer.Typer) -> None:
    """Register the command."""
    command(app, "trace")(trace)


# --- inside ---------------------------------------------------------------------------------


def _nothing(traces: Sequence[Trace], wanted: str) -> str:
    """Say where nothing was found, and what could not be looked at there."""
    places = ", ".join(one.environment for one in traces)
    gaps = "; ".join(f"{one.environment} {gap}" for one in traces for gap in one.gaps)
    unread = f" Not read: {gaps}." if gaps else ""
    return NOTHING.format(places=places, wanted=wanted) + unread
