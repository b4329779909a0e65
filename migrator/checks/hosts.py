"""Is the source's host gone: from HTML, headers, canonical and REST."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.domain.job_models import Check
from migrator.checks.pages import FRONT, LOGIN, REST, REST_CONTENT, SITEMAP
from migrator.checks.subjects import Outside
from migrator.checks.verdicts import verdict
from migrator.checks.visits import Page

_CONTEXT = 60


def foreign_host_nowhere(site: Outside) -> Check:
    """Find a host that belongs to another environment in whatever the site says."""
    name, visitor, canonical = "source host nowhere", site.visitor, site.content.canonical
    foreign = site.expected.foreign_hosts if site.expected else []
    hosts = [host.lower() for host in foreign if host.lower() != visitor.host]
    if not hosts:
        return verdict(name, [], "there is no other host to look for")
    pattern = _pattern(hosts)
    pages = [visitor.get(path) for path in (FRONT, LOGIN, REST, *REST_CONTENT)]
    pages.append(visitor.follow(SITEMAP))
    problems = [f"canonical: {canonical}"] if pattern.search(canonical) else []
    for page in pages:
        problems += _in_headers(page, pattern)
        problems += _in_body(page, pattern)
    return verdict(name, problems, f"{', '.join(hosts)} in none of {len(pages)} answers")


def _pattern(hosts: Sequence[str]) -> re.Pattern[str]:
    """Match a host as a whole name, also after an encoded slash; a.test is not in ba.test."""
    names = "|".join(re.escape(host) for host in hosts)
    return re.compile(
        rf"(?:(?<![A-Za-z0-9.-])|(?<=%2F))(?:{names})(?![A-Za-z0-9-])(?!\.[A-Za-z0-9])",
        re.IGNORECASE,
    )


def _in_headers(page: Page, pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{page.path}: header {name}: {value[:_CONTEXT]}"
        for name, value in page.headers
        if pattern.search(value)
    ]


def _in_body(page: Page, pattern: re.Pattern[str]) -> list[str]:
    text = page.text
    found = pattern.search(text)
    if found is None:
        return []
    around = text[max(0, found.start() - _CONTEXT) : found.end() + _CONTEXT]
    count = sum(1 for _ in pattern.finditer(text))
    return [f"{page.path}: {count} times, first in {' '.join(around.split())!r}"]
