"""Measures the dump rewriter next to cat, sed and go-search-replace on the same dump.

Prints medians in MB/s and the peak memory of each; `sed` is fast and wrong (it breaks lengths),
`cat` is the ceiling of a pipe.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from dump_corpus import BYTES_PER_URL, SOURCE, Corpus

TARGET = "https://www.site-prod.example"
_ROOT = Path(__file__).resolve().parent.parent
_MAIN = (
    "import argparse, sys; from migrator.rewrite import cli; p = argparse.ArgumentParser();"
    "cli.add_arguments(p); sys.exit(cli.run(p.parse_args()))"
)


class Run(NamedTuple):
    """One run: wall time, processor time, peak resident memory."""

    seconds: float
    cpu_seconds: float
    megabytes: float


def commands() -> dict[str, list[str]]:
    """What to compare; go-search-replace only where it is installed."""
    found = {
        "cat": ["cat"],
        "sed (wrong)": ["sed", f"s#{SOURCE}#{TARGET}#g"],
        "rewrite": [sys.executable, "-c", _MAIN, "--from", SOURCE, "--to", TARGET],
    }
    if shutil.which("go-search-replace"):
        found["go-search-replace"] = ["go-search-replace", SOURCE, TARGET]
    return found


def measure(command: list[str], dump: Path) -> Run:
    """Run a filter from the dump through a pipe into nothing."""
    started = time.perf_counter()
    with dump.open("rb") as source:
        filtering = subprocess.Popen(
            command,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env={**os.environ, "LC_ALL": "C"},
        )
        draining = subprocess.Popen(
            ["cat"],
            stdin=filtering.stdout,
            stdout=subprocess.DEVNULL,
        )
        if filtering.stdout:
            filtering.stdout.close()
        _, status, usage = os.wait4(filtering.pid, 0)
        filtering.returncode = os.waitstatus_to_exitcode(status)
        draining.wait()
    if filtering.returncode:
        raise SystemExit(f"{command[0]} failed with {filtering.returncode}")
    cpu = usage.ru_utime + usage.ru_stime
    return Run(time.perf_counter() - started, cpu, usage.ru_maxrss / 1024)


def compare(dump: Path, *, rounds: int) -> None:
    """Print one line per command; rounds are interleaved so that all see the same machine."""
    size = dump.stat().st_size / 1_000_000
    runs: dict[str, list[Run]] = {name: [] for name in commands()}
    for _ in range(rounds):
        for name, command in commands().items():
            runs[name].append(measure(command, dump))
    for name, measured in runs.items():
        wall = size / statistics.median(each.seconds for each in measured)
        cpu = size / statistics.median(each.cpu_seconds for each in measured)
        peak = max(each.megabytes for each in measured)
        print(f"{name:20} {wall:8.0f} MB/s {cpu:8.0f} MB/s of CPU {peak:8.0f} MB peak")


def main() -> None:
    """Generate the dumps in memory and compare; --megabytes and --rounds scale it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--layout", choices=("mysql", "mariadb"), default="mysql")
    args = parser.parse_args()
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108 - RAM disk
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        for density, step in BYTES_PER_URL.items():
            dump = Path(folder) / f"{density}.sql"
            corpus = Corpus(density=density, layout=args.layout)
            corpus.write(dump, args.megabytes * 1_000_000)
            print(f"{density}: {dump.stat().st_size} bytes, a URL every {step} bytes")
            compare(dump, rounds=args.rounds)
            dump.unlink()


if __name__ == "__main__":
    main()
