"""`python -m simulation.mutants`: apply every mutant, one by one; exit code 1 if one survives."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from simulation.mutants.catalogue import MUTANTS
from simulation.mutants.mutant import ROOT, Mutant

PAGE = ROOT / "docs" / "reference" / "mutants.md"


HEAD = """# Mutants

Written by `python -m simulation.mutants --write` (`make mutants`). Each mutant is a plausible bug
of the engine, applied to the code in memory. The seeds of `make simulate` are run in order, then a
story and the crashes of some scenarios, until a promise is broken
([how](../explanation/proof.md#mutants)).

| mutant | in | why it is plausible | broken promise | by | after runs |
|---|---|---|---|---|---|"""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One mutant, and who caught it."""

    mutant: Mutant
    caught: str | None
    """The promise that was broken; None: the mutant has survived."""
    by: str | None
    runs: int


def main() -> int:
    """Try all or some, print the table, return the exit code."""
    parser = argparse.ArgumentParser(prog="simulation.mutants", description=__doc__)
    parser.add_argument("--only", action="append", help="a mutant's name; may be repeated")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    given = parser.parse_args()
    chosen = [m for m in MUTANTS if given.only is None or m.name in given.only]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        trials = []
        for one in pool.map(tried, chosen):
            print(_line(one), flush=True)  # noqa: T201 - the command's output
            trials.append(one)
    survivors = [one for one in trials if one.caught is None]
    print(f"{len(trials)} mutants, {len(trials) - len(survivors)} caught.")  # noqa: T201 - same
    if given.write:
        PAGE.write_text(page(trials), encoding="utf-8")
    return 1 if survivors else 0


def tried(mutant: Mutant) -> Trial:
    """Try one mutant in a process of its own."""
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "simulation.mutants.trial", mutant.name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout.startswith("{"):
        raise RuntimeError(f"Mutant {mutant.name!r} could not be tried: {done.stderr[-2000:]}")
    found = json.loads(done.stdout)
    return Trial(mutant=mutant, caught=found["caught"], by=found["by"], runs=found["runs"])


def page(trials: Iterable[Trial]) -> str:
    """Return the page of the documentation."""
    rows = [
        f"| {t.mutant.name} | `{t.mutant.file}` | {t.mutant.why} | "
        f"{(t.caught or 'SURVIVED').replace('_', ' ')} | {t.by or ''} | {t.runs} |"
        for t in trials
    ]
    return f"{HEAD}\n" + "\n".join([*rows, ""])


def _line(trial: Trial) -> str:
    if trial.caught is None:
        return f"{trial.mutant.name:<52} SURVIVED {trial.runs} runs"
    return f"{trial.mutant.name:<52} {trial.caught} ({trial.by}, after {trial.runs} runs)"


if __name__ == "__main__":
    sys.exit(main())
