"""Does every page that the sitemap lists answer, with something in it."""

from __future__ import annotations

import html
import re
from concurrent.futures import ThreadPoolExecutor

from core.domain.job_models import Check
from migrator.checks.output import php_message
from migrator.checks.pages import SITEMAP, SMALLEST_PAGE_BYTES
from migrator.checks.verdicts import verdict
from migrator.checks.visits import Page, Visitor

MOST_PAGES = 500
MOST_SITEMAPS = 50
AT_ONCE = 4
"""A few at a time: the release is to be looked at, not put under load."""
_LOCATION = re.compile(r"<loc>\s*(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?\s*</loc>", re.DOTALL)


def every_page_answers(visitor: Visitor, *, discouraged: bool) -> Check:
    """Visit the pages of the sitemap, and of the sitemaps that it lists; nothing is kept."""
    name = "every page of the sitemap answers 200"
    if discouraged:
        return verdict(name, [], "no sitemap: the site asks search engines to stay away")
    locations, problems = _listed(visitor)
    local = dict.fromkeys(visitor.local_path(location) for location in locations)
    paths = [path for path in local if path is not None]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(visitor.pass_by, paths[:MOST_PAGES]))
    problems += [found for page in answers if (found := _problem(page))]
    if not answers and not problems:
        problems.append(f"{SITEMAP} lists no page of this site")
    foreign = len(set(locations)) - len(paths)
    left_out = f", {foreign} of other hosts left out" if foreign else ""
    return verdict(name, problems, f"{len(answers)} of {len(paths)} pages visited{left_out}")


# --- private -------------------------------------------------------------------------------


def _listed(visitor: Visitor) -> tuple[list[str], list[str]]:
    """Return the locations in all sitemaps, and what is wrong with the sitemaps themselves."""
    waiting: list[str] = [SITEMAP]
    seen: set[str] = set()
    locations: list[str] = []
    problems: list[str] = []
    while waiting and len(seen) < MOST_SITEMAPS:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        page = visitor.follow(path)
        if page.problem:
            problems.append(page.problem)
            continue
        found = [html.unescape(item) for item in _LOCATION.findall(page.text)]
        if "<sitemapindex" in page.text:
            waiting += [local for item in found if (local := visitor.local_path(item))]
        else:
            locations += found
    return locations, problems


def _problem(page: Page) -> str:
    if page.problem:
        return page.problem
    if len(page.body.strip()) < SMALLEST_PAGE_BYTES:
        return f"{page.path}: {len(page.body)} bytes"
    message = php_message(page.text)
    return f"{page.path}: {message}" if message else ""
