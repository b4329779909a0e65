"""Is the output clean: no PHP message in it, no mojibake."""

from __future__ import annotations

import re

from core.domain.job_models import Check
from migrator.checks.pages import FRONT, LOGIN, REST
from migrator.checks.verdicts import verdict
from migrator.checks.visits import Page, Visitor

_PHP = re.compile(
    r"(?:<b>|PHP )?(?:Fatal error|Parse error|Recoverable fatal error|Warning|Notice|Deprecated)"
    r"(?:</b>)?:\s.{1,600}?\.php(?:</b>)?(?:\(\d+\)|:\d+| on line (?:<b>)?\d+).{0,20}",
    re.DOTALL,
)
_BROKEN_SITE = re.compile(
    r"There has been a critical error on this website|Error establishing a database connection"
)
_MOJIBAKE = re.compile(
    "\u00e2\u20ac[\u2122\u0153\u009d\u201c\u201d\u02dc\u00a6\u00a2\u201a\u2013\u2014]"
    "|\u00c3[\u00a0-\u00bf\u0192\u0178\u0161\u0153\u2020\u2021\u2030\u2039\u201e\u2013\u2014]"
    "|\u00c2[\u00a0-\u00bf]"
    "|\u00f0\u0178"
    "|\ufffd"
)
"""UTF-8 that was read as Windows-1252 and written as UTF-8 again, and bytes that are no UTF-8."""
_CONTEXT = 30


def no_php_message(visitor: Visitor) -> Check:
    """Warnings, notices, deprecations and fatal errors that visitors would read."""
    problems = []
    for page in _pages(visitor):
        for pattern in (_PHP, _BROKEN_SITE):
            if found := pattern.search(page.text):
                count = sum(1 for _ in pattern.finditer(page.text))
                problems.append(f"{page.path}: {count} times, first: {' '.join(found[0].split())}")
    return verdict("no PHP message in the output", problems, "none")


def no_mojibake(visitor: Visitor) -> Check:
    """Quotes, dashes and accents that a wrong character set has broken."""
    problems = []
    for page in _pages(visitor):
        text = page.text
        if found := _MOJIBAKE.search(text):
            around = text[max(0, found.start() - _CONTEXT) : found.end() + _CONTEXT]
            count = sum(1 for _ in _MOJIBAKE.finditer(text))
            problems.append(f"{page.path}: {count} times, first in {' '.join(around.split())!r}")
    return verdict("no mojibake", problems, "none")


def _pages(visitor: Visitor) -> list[Page]:
    return [visitor.get(path) for path in (FRONT, LOGIN, REST)]
