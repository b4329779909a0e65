"""What a health check is: a reading, a verdict over what was read, and the command that helps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from core.domain.errors import SitefleetError

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
