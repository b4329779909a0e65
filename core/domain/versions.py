"""Versions of WordPress, PHP and plugins, ordered the way PHP's `version_compare` orders them."""

from __future__ import annotations

import re
from functools import total_ordering

_RANKS = {"dev": 0, "alpha": 1, "a": 1, "beta": 2, "b": 2, "rc": 3, "pl": 5, "p": 5}
"""Rank of a part that is no number; an unknown word comes before all of them."""
_END = 4


@total_ordering
class Version:
    """A version that can be compared: 1.10 is above 1.9, 2.0-beta1 is below 2.0."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._parts = tuple(_part(found) for found in re.findall(r"\d+|[a-z]+", text.lower()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key(other) == other._key(self)

    def __lt__(self, other: Version) -> bool:
        return self._key(other) < other._key(self)

    def __hash__(self) -> int:
        return hash(self._parts)

    def __repr__(self) -> str:
        return f"Version({self.text!r})"

    def _key(self, other: Version) -> tuple[tuple[int, int], ...]:
        """Fill up to the other's length with the end: 1.0 is below 1.0.0, and above 1.0-rc1."""
        missing = len(other._parts) - len(self._parts)
        return (*self._parts, *((_END, 0),) * missing)


def fits(offered: str, wanted: str | None) -> bool:
    """Compare as far as both say something: "8.2" and "8.2.12" are one PHP."""
    if wanted is None:
        return True
    parts = list(zip(offered.split("."), wanted.split("."), strict=False))
    return all(ours == theirs for ours, theirs in parts)


def _part(text: str) -> tuple[int, int]:
    """Return a number as (5, value): above the end and above every word."""
    return (5, int(text)) if text.isdigit() else (_RANKS.get(text, -1), 0)
