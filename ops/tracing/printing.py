"""How a trace is printed: what was found, the moments in order, and where to read more."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from core.domain.operation import Operation
from events.formats import format_timestamp
from events.vocabulary import OperationType
from ops.deployed import FUNCTION_ROLES, function_name
from ops.documents import operation_document
from ops.picture import Line
from ops.tracing.entries import Entry, Kind, Trace, entries_of
from ops.wording import count, duration, moment, one_line

_STYLES = {
    Kind.ACCEPTED: "bold",
    Kind.ENDED: "bold",
    Kind.ATTEMPT: "red",
    Kind.LETTER: "red",
    Kind.ANNOUNCED: "cyan",
    Kind.MAIL: "cyan",
    Kind.DECISION: "magenta",
}
_SOURCES = {"sit": "dev", "prod": "sit"}
_QUERY_SECONDS = 10
"""CloudWatch answers a query a few seconds later."""


def trace_lines(trace: Trace, now: datetime) -> list[Line]:
    """Return the whole trace for people."""
    entries = entries_of(trace, now)
    lines = [Line(text=_headline(trace), style="bold")]
    lines += [Line(text=f"  {_about(t.operation, now)}") for t in trace.operations]
    lines += [Line(text=f"  not read: {gap}", style="yellow") for gap in trace.gaps]
    lines += [Line(text="")]
    begin = entries[0].at if entries else now
    several = len(trace.operations) > 1
    lines += [_line(entry, begin, several=several) for entry in entries]
    return [*lines, Line(text=""), *(Line(text=text) for text in _more(trace, entries))]


def trace_document(trace: Trace, now: datetime) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "environment": trace.environment,
        "correlationId": trace.correlation_id,
        "operations": [operation_document(traced.operation, now) for traced in trace.operations],
        "entries": [_entry_document(entry) for entry in entries_of(trace, now)],
        "notRead": list(trace.gaps),
    }


# --- inside ---------------------------------------------------------------------------------


def _headline(trace: Trace) -> str:
    mails = [notice for notice in trace.notices if notice.audience is not None]
    parts = [
        count(len(trace.operations), "operation"),
        count(len(trace.notices) - len(mails), "announcement"),
        count(len(mails), "mail"),
        count(len(trace.letters), "dead letter"),
    ]
    return f"{trace.correlation_id} in {trace.environment}: {', '.join(parts)}"


def _about(operation: Operation, now: datetime) -> str:
    took = ((operation.completed_at or now) - operation.created_at).total_seconds()
    stalled = ", stalled" if operation.stalled_since is not None else ""
    return (
        f"{operation.operation_id}  {operation.operation_type} of {operation.site_id} "
        f"({operation.tenant_id}): {operation.status}{stalled}, {duration(took)}"
    )


def _line(entry: Entry, begin: datetime, *, several: bool) -> Line:
    after = duration((entry.at - begin).total_seconds())
    whose = f"{(entry.operation_id or '-')[:8]:<8}  " if several else ""
    took = f"  {duration(entry.seconds)}" if entry.seconds is not None else ""
    text = f"{moment(entry.at)}  {after:>12}  {whose}{entry.kind:<11}  {one_line(entry.text)}{took}"
    return Line(text=text, style=_STYLES.get(entry.kind, ""))


def _more(trace: Trace, entries: Sequence[Entry]) -> list[str]:
    """Return the commands that show the log lines: every line carries the correlation id."""
    env = trace.environment.value
    lines = [
        f"sitefleet operations show {traced.operation.operation_id} --env {env}"
        for traced in trace.operations
    ]
    if entries:
        own = [f"/aws/lambda/{function_name(trace.environment, role)}" for role in FUNCTION_ROLES]
        lines += _log_lines(trace, entries, [*own, f"/aws/ecs/bbws-{env}/migrator"])
    if entries and _runs_in_source(trace) and env in _SOURCES:
        source = _SOURCES[env]
        lines.append(f"# of the jobs in {source}'s account, with its credentials:")
        lines += _log_lines(trace, entries, [f"/aws/ecs/bbws-{source}/export"])
    return ["more:", *(f"  {line}" for line in lines)]


def _log_lines(trace: Trace, entries: Sequence[Entry], groups: Sequence[str]) -> list[str]:
    """Return a query of log groups, and what prints the lines that it finds."""
    last = max(entry.at + timedelta(seconds=entry.seconds or 0) for entry in entries)
    begin, end = int(entries[0].at.timestamp()) - 60, int(last.timestamp()) + 60
    query = (
        "fields @timestamp, @log, event"
        f' | filter correlationId = "{trace.correlation_id}" | sort @timestamp'
    )
    ask = (
        f"aws logs start-query --start-time {begin} --end-time {end} "
        f"--query-string {shlex.quote(query)} --log-group-names {' '.join(groups)} "
        "--query queryId --output text"
    )
    read = (
        'aws logs get-query-results --query-id "$QUERY" '
        """--query "results[*][?field!='@ptr'].value" --output text"""
    )
    return [f"QUERY=$({ask})", f"sleep {_QUERY_SECONDS}; {read}"]


def _runs_in_source(trace: Trace) -> bool:
    kinds = {traced.operation.operation_type for traced in trace.operations}
    return OperationType.SITE_PROMOTION in kinds


def _entry_document(entry: Entry) -> dict[str, Any]:
    return {
        "at": format_timestamp(entry.at),
        "kind": entry.kind,
        "operationId": entry.operation_id,
        "text": one_line(entry.text),
        "seconds": None if entry.seconds is None else round(entry.seconds, 3),
        **{name: value for name, value in entry.facts.items() if value is not None},
    }
