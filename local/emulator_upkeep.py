"""Spares MiniStack work that it repeats at every request and that grows with a machine's age."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

EVICTION_SECONDS: Final = 600
"""Between two looks for metrics older than two weeks; each look goes through all of them."""
KEPT_EXPRESSIONS: Final = 1024


def evict_seldom(metrics: Any, clock: Callable[[], float] = time.monotonic) -> None:
    """Let CloudWatch look for metrics that are too old now and then, not at every request."""
    evict, looked_at = metrics._evict_old_metrics, clock()  # noqa: SLF001  (the emulator's own)

    def evict_old_metrics() -> None:
        nonlocal looked_at
        if clock() - looked_at >= EVICTION_SECONDS:
            looked_at = clock()
            evict()

    metrics._evict_old_metrics = evict_old_metrics  # noqa: SLF001  (same)


def remember_expressions(tables: Any) -> None:
    """Let DynamoDB parse an expression once, not for every item that it is held against."""
    check = tables._condition_syntax_error  # noqa: SLF001  (the emulator's own)
    tables._condition_syntax_error = lru_cache(KEPT_EXPRESSIONS)(check)  # noqa: SLF001  (same)
