"""`python -m simulation`: every crash of every workflow as a table; exit code 1 for a hole."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import structlog

from simulation.crashes import Point, enumerate_crashes
from simulation.scenarios import SCENARIOS
from simulation.table import as_page, as_text, crash_table

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "crashes.md"
YOUNG_OBJECTS = 50_000
"""Runs make many objects and few cycles: looking for these less often saves a sixth of the time."""


def main() -> int:
    """Enumerate, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take only every n-th call")
    parser.add_argument("--write", action="store_true", help="write docs/reference/crashes.md")
    given = parser.parse_args()
    points: list[Point] = []
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = pool.map(_points, range(len(SCENARIOS)), [given.every] * len(SCENARIOS))
        for number, chunk in enumerate(found, start=1):
            points += chunk
            tell_holes(chunk)
            told = f"{number} of {len(SCENARIOS)} scenarios, {len(points)} points"
            print(told, file=sys.stderr, flush=True)  # noqa: T201 - the command's output
    rows = crash_table(points)
    print(as_text(rows))  # noqa: T201 - the command's output
    if given.write:
        PAGE.write_text(as_page(rows, given.every), encoding="utf-8")
    return 0 if all(point.held for point in points) else 1


def tell_holes(points: list[Point]) -> None:
    """Print where a promise was broken, as soon as it is known."""
    for point in points:
        if not point.held:
            where = f"{point.scenario}, {point.step}, {point.moment} call {point.call}"
            print(f"HOLE {where}: {'; '.join(point.broken)}", file=sys.stderr, flush=True)  # noqa: T201 - same


def _points(number: int, every: int) -> list[Point]:
    gc.set_threshold(YOUNG_OBJECTS)
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    return list(enumerate_crashes(SCENARIOS[number], every))


if __name__ == "__main__":
    sys.exit(main())
