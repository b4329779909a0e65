"""A mutant: one plausible bug of the engine, as a text and what stands in its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One bug, applied to a copy of one file in memory."""

    name: str
    file: str
    """Path from the root of the repository."""
    old: str
    """Stands in the file exactly once."""
    new: str
    why: str
    """Why somebody might write it."""

    @property
    def module(self) -> str:
        """Return the name of the module that it changes."""
        return self.file.removesuffix(".py").replace("/", ".")

    def source(self) -> str:
        """Return the changed text; raises ValueError where it does not apply exactly once."""
        text = (ROOT / self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(
                f"Mutant {self.name!r} applies {text.count(self.old)} times to {self.file}; its "
                "text must be brought up to date."
            )
        return text.replace(self.old, self.new)
