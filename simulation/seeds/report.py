"""The table of many seeds: what went wrong, which rare paths were taken, what was promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from simulation.seeds.faults import Fault
from simulation.seeds.promises import PROMISES, WATCHED
from simulation.seeds.run import Verdict
from simulation.seeds.sometimes import Rare, never_taken

FULL_RUN = 200
"""So many seeds must have taken every rare path."""


@dataclass(kw_only=True)
class Report:
    """Sums of verdicts; the stories themselves are not kept."""

    seeds: int = 0
    operations: int = 0
    messages: int = 0
    calls: int = 0
    faults: Counter[Fault] = field(default_factory=Counter)
    rare: Counter[Rare] = field(default_factory=Counter)
    broken: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def add(self, verdict: Verdict) -> None:
        """Count one seed."""
        self.seeds += 1
        self.operations += verdict.operations
        self.messages += verdict.messages
        self.calls += verdict.calls
        self.faults += verdict.faults
        self.rare += verdict.rare
        if verdict.broken:
            self.broken[verdict.seed] = verdict.broken

    @property
    def missing(self) -> list[Rare]:
        """Return the rare paths that a full run has not taken."""
        return never_taken(self.rare) if self.seeds >= FULL_RUN else []

    @property
    def held(self) -> bool:
        """Whether every promise held, and every rare path was taken."""
        return not self.broken and not self.missing

    def as_text(self) -> str:
        """Return the table for people."""
        counts = (
            f"{self.seeds} seeds, {self.messages} messages, {self.operations} operations, "
            f"{self.calls} calls of ports"
        )
        lines = [counts]
        lines += _block("Went wrong", {fault: self.faults[fault] for fault in Fault})
        lines += _block("Sometimes", {rare: self.rare[rare] for rare in Rare})
        lines += ["", "Promises"]
        for name in (*WATCHED, *(promise.__name__ for promise in PROMISES)):
            seeds = [seed for seed, found in self.broken.items() if _breaks(name, found)]
            verdict = f"BROKEN by {len(seeds)} seeds" if seeds else "held"
            lines.append(f"  {name.replace('_', ' '):<56} {verdict}")
        lines += [""] if self.broken else []
        for seed, found in self.broken.items():
            lines.append(f"Seed {seed} (make simulate SEED={seed} tells its story): {found[0]}")
        lines += [f"Never taken: {rare}" for rare in self.missing]
        return "\n".join(lines)


def _block(title: str, counts: Mapping[str, int]) -> list[str]:
    told = [f"  {kind:<56} {count:>7}" for kind, count in counts.items()]
    return ["", f"{title} ({sum(counts.values())})", *told]


def _breaks(name: str, found: tuple[str, ...]) -> bool:
    return any(text.startswith(f"{name}:") for text in found)
