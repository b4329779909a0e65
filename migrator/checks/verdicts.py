"""How a check says what it found."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.job_models import Check

_LISTED = 5
_CHARACTERS = 200


def verdict(name: str, problems: Sequence[str], fine: str) -> Check:
    """Return a failed check that lists the first problems, or a passed one that says what is so."""
    if not problems:
        return Check(name=name, passed=True, evidence=fine)
    listed = "; ".join(problem[:_CHARACTERS] for problem in problems[:_LISTED])
    more = f"; and {len(problems) - _LISTED} more" if len(problems) > _LISTED else ""
    return Check(name=name, passed=False, evidence=f"{listed}{more}")
