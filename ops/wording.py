"""How durations, tables and outside texts are printed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

MINUTE: Final = 60
HOUR: Final = 3600
_EXACT_BELOW_SECONDS: Final = 10


def duration(seconds: float) -> str:
    """Return `0.4 s`, `12 s`, `2 min 5 s` or `1 h 2 min`."""
    if round(seconds, 1) < _EXACT_BELOW_SECONDS:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"


def count(number: int, noun: str) -> str:
    """Return `1 table` or `1,234 tables`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(names: Sequence[str], *, nothing: str = "none") -> str:
    """Return `a, b, c`, or a word where there is nothing."""
    return ", ".join(names) if names else nothing


def moment(value: datetime) -> str:
    """Return a time to the second, in UTC."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def one_line(text: str) -> str:
    """Return a text from outside as one printable line: it must not steer the terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return aligned columns with two spaces between them."""
    lines = [list(titles), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def fields(pairs: Sequence[tuple[str, str | None]], indent: str = "") -> list[str]:
    """Return one aligned line per pair that has a value."""
    told = [(name, value) for name, value in pairs if value]
    width = max((len(name) for name, _ in told), default=0)
    return [f"{indent}{name.ljust(width)}  {one_line(value)}" for name, value in told]
