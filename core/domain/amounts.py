"""Amounts as people read them in sentences: durations, moments, sizes, numbers."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def duration(seconds: float) -> str:
    """Return a duration in the largest unit that leaves something before the point."""
    for length, unit in _UNITS:
        if seconds >= length * (2 if unit == "d" else 1):
            return f"{number(round(seconds / length, 1))} {unit}"
    return f"{number(round(seconds, 1))} s"


def moment(at: datetime) -> str:
    """Return a moment in UTC, to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def number(value: float) -> str:
    """Return a number without a point that says nothing."""
    return str(int(value)) if float(value).is_integer() else str(value)


def size(value_bytes: float) -> str:
    """Return a size in the largest binary unit that leaves something before the point."""
    value, units = float(value_bytes), ["B", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1024 and len(units) > 1:  # noqa: PLR2004 - the step of binary units
        value, units = value / 1024, units[1:]
    return f"{number(round(value, 1))} {units[0]}"
