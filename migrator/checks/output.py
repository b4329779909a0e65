"""Is the output clean: no PHP message in it, no mojibake."""

from __future__ import annotations

import re

from core.domain.job_models import Check
from migrator.checks.pages import FRONT, LOGIN, REST
from migrator.checks.subjects import Outside
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


def no_php_message(site: Outside) -> Check:
    """Warnings, notices, deprecations and fatal errors that visitors would read."""
    problems = [
        f"{page.path}: {found}" for page in said(site.visitor) if (found := php_message(page.text))
    ]
    return verdict("no PHP message in the output", problems, "none")


def no_mojibake(site: Outside) -> Check:
    """Quotes, dashes and accents that a wrong character set has broken on the way.

    What the source has as well was not broken by the move; its number is the measure. A fresh site
    has none. Where there is nothing to compare with, what is there is told and not judged.
    """
    name, pages = "no mojibake", said(site.visitor)
    found = sum(count_mojibake(page.text) for page in pages)
    allowed = _allowed_mojibake(site)
    if allowed is None:
        return verdict(name, [], f"{found or 'none'}, not compared")
    if found <= allowed:
        return verdict(name, [], f"{found or 'none'}{' as in the source' if allowed else ''}")
    problems = [_first_mojibake(page) for page in pages if count_mojibake(page.text)]
    return verdict(name, [f"{found} instead of {allowed}", *problems], "")


def said(visitor: Visitor) -> list[Page]:
    """Return the answers that are read for messages and broken characters."""
    return [visitor.get(path) for path in (FRONT, LOGIN, REST)]


def php_message(text: str) -> str:
    """Return how often PHP complains in a page, and its first words; nothing when it does not."""
    for pattern in (_PHP, _BROKEN_SITE):
        if found := pattern.search(text):
            return f"{len(pattern.findall(text))} times, first: {' '.join(found[0].split())}"
    return ""


def count_php_messages(text: str) -> int:
    """Return how many messages of PHP a page holds."""
    return len(_PHP.findall(text)) + len(_BROKEN_SITE.findall(text))


def count_mojibake(text: str) -> int:
    """Return how many suspicious sequences a page holds."""
    return len(_MOJIBAKE.findall(text))


# --- private -------------------------------------------------------------------------------


def _allowed_mojibake(site: Outside) -> int | None:
    if site.is_source:
        return None
    if site.expected is None:
        return 0
    return site.expected.front_page.mojibake if site.expected.front_page else None


def _first_mojibake(page: Page) -> str:
    text = page.text
    found = _MOJIBAKE.search(text)
    start, end = found.span() if found else (0, 0)
    around = text[max(0, start - _CONTEXT) : end + _CONTEXT]
    return f"{page.path}: {count_mojibake(text)} times, first in {' '.join(around.split())!r}"
