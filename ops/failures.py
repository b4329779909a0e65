"""The attempts that broke: what stands behind "2 failed attempts" and a stalled operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.domain.operation import AttemptFailure
from events.formats import format_timestamp
from ops.wording import moment, one_line, table


def failure_lines(failures: Sequence[AttemptFailure]) -> list[str]:
    """Return a table for people; nothing when every attempt succeeded."""
    if not failures:
        return []
    rows = [
        (
            moment(failure.occurred_at),
            failure.step or "-",
            str(failure.attempt + 1),
            one_line(f"{failure.exception_type}: {failure.message}"),
        )
        for failure in failures
    ]
    return ["", *table(("FAILED AT", "STEP", "ATTEMPT", "WHY"), rows)]


def failure_documents(failures: Sequence[AttemptFailure]) -> list[dict[str, Any]]:
    """Return the same for programs."""
    return [
        {
            "occurredAt": format_timestamp(failure.occurred_at),
            "step": failure.step,
            "attempt": failure.attempt + 1,
            "exceptionType": failure.exception_type,
            "message": failure.message,
        }
        for failure in failures
    ]
