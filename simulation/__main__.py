"""`python -m simulation`: every crash of every workflow as a table; exit code 1 for a hole."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from concurrent.futures import ProcessPoolExecutor

import structlog

from simulation.crashes import Point, enumerate_crashes
from simulation.scenarios import SCENARIOS
from simulation.table import as_text, crash_table


def main() -> int:
    """Enumerate, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take only every n-th call")
    every = parser.parse_args().every
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        found = pool.map(_points, range(len(SCENARIOS)), [every] * len(SCENARIOS))
        points = [point for chunk in found for point in chunk]
    print(as_text(crash_table(points)))  # noqa: T201 - the command's output
    holes = [point for point in points if not point.held]
    for point in holes:
        where = f"{point.scenario}, {point.step}, {point.moment} call {point.call}"
        print(f"HOLE {where}: {'; '.join(point.broken)}", file=sys.stderr)  # noqa: T201 - same
    return 1 if holes else 0


def _points(number: int, every: int) -> list[Point]:
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    return list(enumerate_crashes(SCENARIOS[number], every))


if __name__ == "__main__":
    sys.exit(main())
