"""`python -m simulation.mutants.trial NAME`: one mutant in a process of its own, by import hook.

The working tree is not touched: the changed text is what the import system gets to read.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Final

from simulation.mutants.catalogue import MUTANTS
from simulation.mutants.mutant import ROOT, Mutant

MOST_SEEDS: Final = 800
SCENARIOS: Final = (
    "creation",
    "creation, undone",
    "update, several changes",
    "promotion, rolled back",
    "promotion to prod, rejected",
    "the lock of a site is handed over",
    "a turn among a tenant's operations is handed over",
)
"""Whose crashes are tried when no seed has caught the mutant."""
EVERY: Final = 5
"""Each fifth call is tried."""
ALSO: Final = frozenset({"prepare"})
"""And each of these: from a prepared result the next worker goes on, so no sample may miss it."""


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the changed text when its module is imported."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._source = mutant.source()

    def find_spec(
        self,
        fullname: str,
        _path: Sequence[str] | None = None,
        _target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Take the one module."""
        if fullname != self._mutant.module:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed text in the place of the file's."""
        code = compile(self._source, str(ROOT / self._mutant.file), "exec")
        exec(code, module.__dict__)  # noqa: S102 - our own text, changed in one place


def main() -> int:
    """Apply one mutant, and print who caught it and after how many runs."""
    (mutant,) = (m for m in MUTANTS if m.name == sys.argv[1])
    gc.set_threshold(50_000)
    sys.meta_path.insert(0, Changed(mutant))
    runs = 0
    for runs, (who, broken) in enumerate(_runs(), start=1):
        if broken:
            print(json.dumps({"caught": broken, "by": who, "runs": runs}))  # noqa: T201 - output
            return 0
    print(json.dumps({"caught": None, "by": None, "runs": runs}))  # noqa: T201 - output
    return 1


def _runs() -> Iterator[tuple[str, str | None]]:
    """Yield each run with the promise that it broke; only now is the engine imported."""
    import structlog  # noqa: PLC0415 - nothing of the fleet before the hook

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    for seed in range(MOST_SEEDS):
        yield f"seed {seed}", _of_seed(seed)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield "a retry whose workers all die", _of_story()
    for name in SCENARIOS:
        yield from _of_scenario(name)


def _of_seed(seed: int) -> str | None:
    from simulation.seeds.run import SeedRun  # noqa: PLC0415 - see above

    try:
        broken = SeedRun(seed).verdict().broken
    except Exception as error:  # noqa: BLE001 - the fleet cannot even be simulated any more
        return f"the run itself: {type(error).__name__}"
    return broken[0].partition(":")[0] if broken else None


def _of_story() -> str | None:
    from simulation.mutants.stories import retry_whose_workers_die  # noqa: PLC0415 - see above

    try:
        return retry_whose_workers_die()
    except Exception as error:  # noqa: BLE001 - see above
        return f"the run itself: {type(error).__name__}"


def _of_scenario(name: str) -> Iterator[tuple[str, str | None]]:
    from simulation.crashes import HoleError, enumerate_crashes  # noqa: PLC0415 - see above
    from simulation.scenarios import SCENARIOS as KNOWN  # noqa: PLC0415 - see above

    (scenario,) = (s for s in KNOWN if s.name == name)
    try:
        for point in enumerate_crashes(scenario, EVERY, ALSO):
            broken = point.broken[0].partition(":")[0] if point.broken else None
            yield f"{name}, {point.moment} call {point.call}", broken
    except HoleError:
        yield f"{name}, undisturbed", "the undisturbed run"


if __name__ == "__main__":
    sys.exit(main())
