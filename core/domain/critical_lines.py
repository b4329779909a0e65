"""Which lines of a site's log are critical: PHP that gave up, and a server or database in trouble.

The settled table asks for "no critical log line". These are what WordPress, PHP and Apache write
into a container's log when a visitor did not get the page.
"""

from __future__ import annotations

from typing import Final

CRITICAL_TERMS: Final = (
    "PHP Fatal error",
    "PHP Parse error",
    "CRITICAL",
    ":crit]",
    ":alert]",
    ":emerg]",
    "Error establishing a database connection",
)
"""A line with any of them is critical; upper and lower case differ."""


def is_critical(line: str) -> bool:
    """Tell whether a line of a site's log is critical."""
    return any(term in line for term in CRITICAL_TERMS)
