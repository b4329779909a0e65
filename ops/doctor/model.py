"""What a health check is: a reading, a verdict over what was read, and the command that helps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from core.domain.errors import SitefleetError
from ops.reading import Unknown

if TYPE_CHECKING:
    from ops.doctor.sources import Sources

type Evidence = Mapping[str, Any]
"""What a check has read, in the words of AWS; verdicts are tested with made evidence."""


class Verdict(StrEnum):
    """What came of a check."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNKNOWN = "unknown"


class NotReadableError(SitefleetError):
    """Something that a check needs is not told anywhere; the check is unknown, never passed."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A verdict and what it rests on, as one line."""

    verdict: Verdict
    found: str
    fix: str | None = None
    """A command that fits what was found better than the check's own."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check. Without `read` it is one that AWS' APIs cannot answer."""

    number: str
    """`8.1` to `8.11`: the site management runbook, section 8; `1` to `29`: the promotion plan."""
    title: str
    fix: str
    """The command to type; `{name}`s are filled in from the environment and the settings."""
    judge: Callable[[Evidence], Finding] | None = None
    read: Callable[[Sources], Evidence] | None = None
    instead: str | None = None
    """What does it instead, where AWS' APIs cannot."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """A check with its verdict."""

    number: str
    title: str
    verdict: Verdict
    found: str
    fix: str
    """Empty where nothing is to be done."""


def good(found: str) -> Finding:
    """Pass."""
    return Finding(verdict=Verdict.PASS, found=found)


def bad(found: str, fix: str | None = None) -> Finding:
    """Fail."""
    return Finding(verdict=Verdict.FAIL, found=found, fix=fix)


def doubtful(found: str, fix: str | None = None) -> Finding:
    """Neither: it could not be found out."""
    return Finding(verdict=Verdict.UNKNOWN, found=found, fix=fix)


def judged(problems: list[str], found: str) -> Finding:
    """Fail with the problems, where there are any."""
    return bad("; ".join(problems)) if problems else good(found)


# --- things that are read each by itself ----------------------------------------------------


def unread(part: Unknown) -> dict[str, Any]:
    """Return what stands in the evidence for a thing that was not read."""
    return {"why": part.why, "absent": part.absent}


def read_of(evidence: Evidence) -> dict[str, Any]:
    """Return the things that were read."""
    return {name: one for name, one in evidence.items() if not _is_unread(one)}


def judged_each(evidence: Evidence, problems: list[str], found: str) -> Finding:
    """Fail with what is not there and with the problems; else doubt what was not read; else pass.

    What AWS says is not there has been found out: a thing that the fleet needs is missing.
    """
    not_read = {name: one for name, one in evidence.items() if _is_unread(one)}
    gone = [f"{name} is not there" for name, one in not_read.items() if one.get("absent")]
    if gone or problems:
        return bad("; ".join([*gone, *problems]))
    if not_read:
        name, one = next(iter(not_read.items()))
        more = f" (and {len(not_read) - 1} more)" if len(not_read) > 1 else ""
        return doubtful(f"{name}: {one['why']}{more}")
    return good(found)


def _is_unread(one: Any) -> bool:
    return isinstance(one, Mapping) and "why" in one
