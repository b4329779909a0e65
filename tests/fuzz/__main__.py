"""`python -m tests.fuzz --inputs 100000 [--seed 1]`: fuzz every target and print what came of it.

Three quarters of the inputs are atheris's, one quarter is hypothesis's. Exit code 1 for a find;
the input that did it is left in a folder that is named.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.targets import TARGETS

HYPOTHESIS_SHARE = 4
"""One input in so many is drawn by hypothesis."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one fuzzer did to one target."""

    target: str
    fuzzer: str
    inputs: int
    seconds: float
    became: dict[str, int]
    find: str = ""

    def line(self) -> str:
        told = ", ".join(f"{count} {name}" for name, count in sorted(self.became.items()))
        verdict = f"FOUND: {self.find}" if self.find else "held"
        return (
            f"{self.target:<9} {self.fuzzer:<11} {self.inputs:>7} inputs "
            f"{self.seconds:>6.0f} s  {verdict}  ({told})"
        )


def main() -> int:
    """Fuzz and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", choices=[*TARGETS], action="append")
    given_ = parser.parse_args()
    chosen = given_.target or [*TARGETS]
    each = given_.inputs // len(chosen)
    drawn = each // HYPOTHESIS_SHARE
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        runs = [
            pool.submit(run, target, count, given_.seed)
            for target in chosen
            for run, count in ((by_bytes, each - drawn), (by_hypothesis, drawn))
        ]
        outcomes = [run.result() for run in runs]
    for outcome in outcomes:
        sys.stdout.write(outcome.line() + "\n")
    total, finds = sum(o.inputs for o in outcomes), [o for o in outcomes if o.find]
    sys.stdout.write(f"{total} inputs, {len(finds)} finds." + "\n")
    return 1 if finds else 0


def by_bytes(target: str, inputs: int, chosen_seed: int) -> Outcome:
    """Run atheris in a process of its own; what it finds stays in a folder."""
    folder = Path(tempfile.mkdtemp(prefix=f"sitefleet-fuzz-{target}-"))
    command = [sys.executable, "-m", "tests.fuzz.by_bytes", target, str(inputs), str(chosen_seed)]
    since = time.monotonic()
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"became"')]
    if done.returncode == 0 and lines:
        told = json.loads(lines[-1])
        return Outcome(
            target=target,
            fuzzer="atheris",
            inputs=sum(told["became"].values()),
            seconds=told["seconds"],
            became=told["became"],
        )
    (folder / "output.txt").write_text(done.stdout + done.stderr)
    errors = [one for one in done.stderr.splitlines() if "Error" in one or "ERROR" in one]
    find = f"{(errors or ['it ended'])[0]} (exit code {done.returncode}); see {folder}"
    spent = time.monotonic() - since
    return Outcome(target=target, fuzzer="atheris", inputs=0, seconds=spent, became={}, find=find)


def by_hypothesis(target: str, inputs: int, chosen_seed: int) -> Outcome:
    """Run hypothesis in a process of its own, so that time limits are its main thread's."""
    command = [sys.executable, "-m", "tests.fuzz.by_hypothesis", target, str(inputs)]
    since = time.monotonic()
    done = subprocess.run([*command, str(chosen_seed)], capture_output=True, text=True, check=False)
    spent = time.monotonic() - since
    if done.returncode == 0:
        became = json.loads(done.stdout.splitlines()[-1])
        count = sum(became.values())
        return Outcome(
            target=target, fuzzer="hypothesis", inputs=count, seconds=spent, became=became
        )
    folder = Path(tempfile.mkdtemp(prefix=f"sitefleet-fuzz-{target}-"))
    (folder / "output.txt").write_text(done.stdout + done.stderr)
    find = f"{done.stderr.splitlines()[-1:]}; see {folder}"
    return Outcome(
        target=target, fuzzer="hypothesis", inputs=0, seconds=spent, became={}, find=find
    )


if __name__ == "__main__":
    sys.exit(main())
