"""`python -m simulation.in_flight`: record a release, or hold today's code against those recorded.

    python -m simulation.in_flight check
    python -m simulation.in_flight record 0.2.0

`check` exits with 1 and says which operations this code would strand. `record` writes the moments
of a release, once, by the code that is deployed as that release.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import structlog

from simulation.in_flight.checks import strandings
from simulation.in_flight.recorder import Recorder, table
from simulation.in_flight.recordings import FOLDER, read, recordings_of, releases, write
from simulation.in_flight.stories import STORIES

MOST_SENTENCES = 3
"""Of one run: further ones mostly say the same."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Record or check; return the exit code."""
    parser = argparse.ArgumentParser(prog="simulation.in_flight", description=__doc__)
    parser.add_argument("what", choices=["check", "record"])
    parser.add_argument("release", nargs="?", help="a version; check: all that are recorded")
    parser.add_argument("--story", default="", help="only runs whose name contains this")
    parser.add_argument(
        "--every", type=int, default=1, help="check: let only each n-th moment run to its end"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args(arguments)
    if given.what == "record":
        if not given.release:
            parser.error("record needs the version that this code is deployed as.")
        return _record(given.release, given.story, given.folder)
    return _check(given.release, given.story, given.folder, given.every)


def _record(release: str, story: str, folder: Path) -> int:
    numbers = [n for n, one in enumerate(STORIES) if story in one.name]
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for line in pool.map(
            _record_one, numbers, [release] * len(numbers), [folder] * len(numbers)
        ):
            sys.stdout.write(f"{line}\n")
    return 0


def _check(release: str | None, story: str, folder: Path, every: int) -> int:
    paths = [
        path
        for one in ([release] if release else releases(folder))
        for path in recordings_of(one, folder)
        if story.replace(",", "").replace(" ", "-") in path.name
    ]
    if not paths:
        sys.stderr.write(f"There is no recording of {release or 'any release'} in {folder}.\n")
        return 1
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        checked = list(pool.map(_check_one, paths, [every] * len(paths)))
    for path, (tried, found) in zip(paths, checked, strict=True):
        sys.stdout.write(_row(path, tried, found))
        sys.stderr.writelines(f"STRANDED {sentence}\n" for sentence in found[:MOST_SENTENCES])
    tried = sum(one for one, _ in checked)
    stranded = sum(len(found) for _, found in checked)
    whole = f"{tried} moments of earlier releases, {tried - stranded} go on to their right end."
    sys.stdout.write(f"{whole}\n")
    return 1 if stranded else 0


def _row(path: Path, tried: int, found: list[str]) -> str:
    story = path.name.partition(".")[0]
    verdict = f"{len(found)} STRANDED" if found else "held"
    return f"{path.parent.name}  {story:<46} {tried:>3} moments  {verdict}\n"


def _record_one(number: int, release: str, folder: Path) -> str:
    _be_quiet()
    with table() as client:
        recording = Recorder(story=STORIES[number], client=client).record(release)
    path = write(recording, folder / release)
    ends = ", ".join(recording.header.ends.values())
    return f"{path.name}: {len(recording.moments)} moments, {ends}"


def _check_one(path: Path, every: int) -> tuple[int, list[str]]:
    _be_quiet()
    recording = read(path)
    return len(recording.moments), list(strandings(recording, every))


def _be_quiet() -> None:
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)


if __name__ == "__main__":
    sys.exit(main())
