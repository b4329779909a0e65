"""Does a visitor see what the source shows: the same page, made by the same PHP."""

from __future__ import annotations

from core.domain.census import PageSummary
from core.domain.job_models import Check
from migrator.checks.page_summary import server_php, summarise_page
from migrator.checks.pages import FRONT
from migrator.checks.subjects import Outside
from migrator.checks.verdicts import verdict

TEXT_TOLERANCE = 0.05
"""Share of the source's visible text that may come or go: dates, names of hosts, a last comment."""
TEXT_SLACK_CHARACTERS = 20
"""The same for short pages, where five per cent are a word."""


def same_front_page(site: Outside) -> Check | None:
    """Compare title, links and length of the visible text with the source's front page."""
    source = site.expected.front_page if site.expected else None
    if source is None:
        return None
    found = summarise_page(site.visitor, site.content)
    return verdict(
        "front page as in the source",
        [*_title(found, source), *_links(found, source), *_text(found, source)],
        f"title {found.title!r}, {len(found.links)} links, {found.text_length} visible characters "
        f"(source: {source.text_length})",
    )


def same_php(site: Outside) -> Check | None:
    """Compare the versions of PHP: an image is promoted by digest, so they cannot differ.

    Only what both servers say of themselves decides. The census' version is that of the site's
    record or of the job's own image; it is told where the source's server says nothing.
    """
    expected = site.expected
    if expected is None or not (expected.front_page or expected.php_version):
        return None
    name, here = "PHP version as in the source", server_php(site.visitor.get(FRONT))
    source = expected.front_page.php_version if expected.front_page else ""
    if not source or not here:
        claimed = source or expected.php_version or "unknown"
        return verdict(name, [], f"here {here or 'not told'}, source {claimed}: not compared")
    differs = _branch(here) != _branch(source)
    return verdict(name, [f"here {here}, source {source}"] if differs else [], here)


# --- private -------------------------------------------------------------------------------


def _title(found: PageSummary, source: PageSummary) -> list[str]:
    if not source.title or found.title == source.title:
        return []
    return [f"the title is {found.title!r}, the source's {source.title!r}"]


def _links(found: PageSummary, source: PageSummary) -> list[str]:
    here, there = set(found.links), set(source.links)
    return [f"link {path} is missing" for path in sorted(there - here)] + [
        f"link {path} is not in the source" for path in sorted(here - there)
    ]


def _text(found: PageSummary, source: PageSummary) -> list[str]:
    allowed = max(source.text_length * TEXT_TOLERANCE, TEXT_SLACK_CHARACTERS)
    if abs(found.text_length - source.text_length) <= allowed:
        return []
    lengths = f"{found.text_length} visible characters instead of {source.text_length}"
    return [f"{lengths} (more than {allowed:.0f} apart)"]


def _branch(version: str) -> str:
    """8.2.29 -> 8.2: deprecations come with these, fixes with the rest."""
    return ".".join(version.split(".")[:2])
