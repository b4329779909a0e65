"""`sitefleet doctor`: is everything there that the fleet needs, and is it well?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import typer

from ops.command import command
from ops.desk import Desk
from ops.doctor.model import Result, Verdict
from ops.doctor.running import examine
from ops.doctor.sources import Sources
from ops.errors import ExitCode
from ops.picture import Line
from ops.wording import one_line, table

_STYLES: Final = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.UNKNOWN: "yellow"}
MOST_FOUND: Final = 110
"""Characters of a finding in the table; --json has all."""


def doctor(desk: Desk) -> None:
    """Check the fleet and the platform under it; tell what was found and the command that helps.

    8.1 to 8.11 are the site management runbook's health checks, 1 to 29 the validations of the
    platform's promotion plan. Exits with 1 when a check fails; unknown is neither.
    """
    connection = desk.connection()
    results = examine(Sources(connection, desk.clock.now()))
    if desk.as_json:
        desk.show_json(document(results, connection.environment))
    else:
        desk.show_lines(lines(results))
    if any(result.verdict is Verdict.FAIL for result in results):
        raise typer.Exit(ExitCode.UNEXPECTED)


def lines(results: Sequence[Result]) -> list[Line]:
    """Return the table, then the commands, then the count."""
    rows = [(r.number, r.title, r.verdict, _short(r.found)) for r in results]
    texts = table(("CHECK", "WHAT", "VERDICT", "FOUND"), rows)
    styles = ["", *(_STYLES[result.verdict] for result in results)]
    told = [Line(text=text, style=style) for text, style in zip(texts, styles, strict=True)]
    failed = [result for result in results if result.verdict is Verdict.FAIL]
    doubt = [result for result in results if result.verdict is Verdict.UNKNOWN]
    for title, group in (("What helps where it failed", failed), ("Where to look else", doubt)):
        if group:
            told += [Line(text=""), Line(text=title, style="bold")]
            told += [Line(text=f"  {result.number:<4}  {result.fix}") for result in group]
    counts = Counter(result.verdict for result in results)
    total = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)
    return [*told, Line(text=""), Line(text=total, style="bold")]


def document(results: Sequence[Result], environment: str) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "environment": environment,
        "checks": [
            {
                "number": result.number,
                "check": result.title,
                "verdict": result.verdict,
                "found": result.found,
                "fix": result.fix or None,
            }
            for result in results
        ],
        "counts": {verdict: sum(r.verdict is verdict for r in results) for verdict in Verdict},
    }


def add_doctor(app: typer.Typer) -> None:
    """Register the command."""
    command(app, "doctor")(doctor)


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= MOST_FOUND else f"{line[: MOST_FOUND - 3]}..."
