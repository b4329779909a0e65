"""Retries inside one call of a port: short, few, and over long before the step's deadline.

Everything that takes longer is the engine's: it backs the message off and tries the step again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tenacity import (
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

RETRY_SECONDS: Final = 10
"""No retry begins later than this: a function has 60 s, a step's deadline is minutes."""
MOST_WAIT_SECONDS: Final = 1


def briefly(error: type[Exception], *, attempts: int) -> Retrying:
    """Return a retry of what mostly succeeds at once the next time; raises the last error."""
    return Retrying(
        retry=retry_if_exception_type(error),
        stop=stop_after_attempt(attempts) | stop_after_delay(RETRY_SECONDS),
        wait=wait_random_exponential(multiplier=0.05, max=MOST_WAIT_SECONDS),
        reraise=True,
    )


def waiting_for(passes: Callable[[BaseException], bool], patience_seconds: float) -> Retrying:
    """Return a retry of what takes seconds to come back; for jobs, which have the time."""
    return Retrying(
        retry=retry_if_exception(passes),
        stop=stop_after_delay(patience_seconds),
        wait=wait_random_exponential(multiplier=0.5, max=4),
        reraise=True,
    )
