"""The crash table: workflow x step, points tried, points held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulation.crashes import Point


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """One step of one scenario."""

    scenario: str
    step: str
    tried: int
    held: int


def crash_table(points: Iterable[Point]) -> list[TableRow]:
    """Return a row per scenario and step, in the order in which they happened."""
    tried: dict[tuple[str, str], list[bool]] = {}
    for point in points:
        tried.setdefault((point.scenario, point.step), []).append(point.held)
    return [
        TableRow(scenario=scenario, step=step, tried=len(held), held=sum(held))
        for (scenario, step), held in tried.items()
    ]


def as_text(rows: Sequence[TableRow]) -> str:
    """Return the table for people, with a total."""
    width = max((len(row.step) for row in rows), default=4)
    lines: list[str] = []
    scenario = ""
    for row in rows:
        if row.scenario != scenario:
            scenario = row.scenario
            lines += ["", scenario]
        hole = "" if row.tried == row.held else "  HOLE"
        lines.append(f"  {row.step:<{width}}  {row.tried:>4} tried  {row.held:>4} held{hole}")
    tried, held = sum(r.tried for r in rows), sum(r.held for r in rows)
    return "\n".join([*lines, "", f"{tried} points tried, {held} held."])


HEAD = """# Crashes

Written by `python -m simulation --write` (`make prove` prints the same). Each call that a workflow
makes to the outside is stopped before, after, and with its answer lost; afterwards all promises are
checked ([how](../explanation/proof.md#crash-enumeration)). *Tried* counts the points of a step,
*held* those after which every promise held. Steps that begin with `undo` are on the way back; with
`later`, operations that this one has started; `accept` and `notify` are before and after it.
"""


def as_page(rows: Sequence[TableRow], every: int = 1) -> str:
    """Return the table as a page of the documentation; it says so when it is but a sample."""
    tried, held = sum(r.tried for r in rows), sum(r.held for r in rows)
    how = "complete" if every == 1 else f"a sample: call 1 of each {every} (`--every {every}`)"
    lines = [HEAD, f"{tried} points tried, {held} held; {how}.", ""]
    lines += ["| scenario | step | tried | held |", "|---|---|---|---|"]
    lines += [f"| {r.scenario} | {r.step} | {r.tried} | {r.held} |" for r in rows]
    return "\n".join([*lines, ""])
