"""`python -m simulation.seeds`: many seeds as a table, or one as its story; exit code 1: broken."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import structlog

from simulation.seeds.report import Report
from simulation.seeds.run import SeedRun, Verdict

AT_ONCE = 25
"""Seeds that a process takes at a time."""
YOUNG_OBJECTS = 50_000
"""Runs make many objects and few cycles: looking for these less often saves a sixth of the time."""
EVERY = 10
"""Progress is told after so many of these."""


def main() -> int:
    """Run, print, return the exit code."""
    parser = argparse.ArgumentParser(prog="simulation.seeds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="one seed: print its story")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    if given.seed is not None:
        return _tell_story(given.seed)
    report = Report()
    last = given.first + given.seeds
    for verdict in _verdicts(given.first, last, given.processes):
        report.add(verdict)
        if report.seeds % (AT_ONCE * EVERY) == 0 and report.seeds < given.seeds:
            told = f"{report.seeds} of {given.seeds} seeds, {len(report.broken)} broke a promise"
            print(told, file=sys.stderr, flush=True)  # noqa: T201 - the command's output
    print(report.as_text())  # noqa: T201 - same
    return 0 if report.held else 1


def _tell_story(seed: int) -> int:
    (verdict,) = _run_many(seed, seed + 1)
    print("\n".join(verdict.lines))  # noqa: T201 - the command's output
    print(f"Hash of the story: {verdict.digest}")  # noqa: T201 - same
    return 1 if verdict.broken else 0


def _verdicts(first: int, last: int, processes: int) -> Iterator[Verdict]:
    """Yield the verdicts in the order of the seeds, without their stories."""
    starts = range(first, last, AT_ONCE)
    ends = [min(last, start + AT_ONCE) for start in starts]
    with ProcessPoolExecutor(max_workers=processes) as pool:
        for chunk in pool.map(_run_many_briefly, starts, ends):
            yield from chunk


def _run_many_briefly(first: int, last: int) -> list[Verdict]:
    return [verdict.without_story() for verdict in _run_many(first, last)]


def _run_many(first: int, last: int) -> list[Verdict]:
    gc.set_threshold(YOUNG_OBJECTS)
    quiet = structlog.make_filtering_bound_logger(logging.INFO)
    structlog.configure(wrapper_class=quiet)
    return [SeedRun(seed).verdict() for seed in range(first, last)]


if __name__ == "__main__":
    sys.exit(main())
