"""Patterns with alternatives: MiniStack's FilterLogEvents knows words that must all be there.

CloudWatch Logs takes `?"one term" ?another` for lines with any of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_ALTERNATIVE = re.compile(r'\?(?:"([^"]+)"|([^\s"]+))\s*')


def find_any_term(logs: Any) -> None:
    """Let the emulator's CloudWatch Logs match patterns that are made of alternatives only."""
    compiled = logs._compile_filter_pattern  # noqa: SLF001  (the emulator's own function)

    def compile_filter_pattern(pattern: str) -> Callable[[str], bool]:
        terms = alternatives(pattern or "")
        if not terms:
            matcher: Callable[[str], bool] = compiled(pattern)
            return matcher
        return lambda message: any(term in message for term in terms)

    logs._compile_filter_pattern = compile_filter_pattern  # noqa: SLF001  (same)


def alternatives(pattern: str) -> list[str]:
    """Return the terms of which one is enough; empty: it is another kind of pattern."""
    text, position, terms = pattern.strip(), 0, []
    while found := _ALTERNATIVE.match(text, position):
        terms.append(found[1] or found[2])
        position = found.end()
    return terms if terms and position == len(text) else []
