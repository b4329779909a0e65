"""A page reduced to what two environments must have in common; made in both in the same way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, urldefrag, urlencode, urlsplit

from core.domain.census import PageSummary
from migrator.checks.output import count_mojibake, count_php_messages, said
from migrator.checks.page import PageContent, parse_page
from migrator.checks.pages import FRONT
from migrator.checks.visits import Page, Visitor

_OF_THE_VISITOR = re.compile(r"^/(?:wp-login\.php|wp-admin|xmlrpc\.php|author/)|^/\?author=")
"""Who is logged in, and who wrote: users are an environment's own."""
_COMMENT = re.compile(r"^(?:comment|respond|reply)", re.IGNORECASE)
_PASSING = frozenset({"_wpnonce", "nonce", "redirect_to", "replytocom", "ver"})
_PHP_HEADER = re.compile(r"\bPHP/(\d+\.\d+(?:\.\d+)?)")


def summarise_page(visitor: Visitor, content: PageContent) -> PageSummary:
    """Reduce a site's front page (parsed: `content`) and what its other doors say."""
    pages = said(visitor)
    return PageSummary(
        title=" ".join(content.title.split()),
        links=sorted({path for path in _links(visitor, content.links) if path}),
        text_length=content.visible_characters,
        mojibake=sum(count_mojibake(page.text) for page in pages),
        php_messages=sum(count_php_messages(page.text) for page in pages),
        php_version=server_php(visitor.get(FRONT)),
    )


def front_page(visitor: Visitor) -> PageSummary | None:
    """Visit the front page and reduce it; None where it does not answer with 200."""
    page = visitor.get(FRONT)
    return None if page.problem else summarise_page(visitor, parse_page(page.text))


def server_php(page: Page) -> str:
    """Return the version of PHP that an answer's headers tell; nothing where they do not."""
    found = _PHP_HEADER.search(page.header("x-powered-by"))
    return found[1] if found else ""


# --- private -------------------------------------------------------------------------------


def _links(visitor: Visitor, references: Iterable[str]) -> Iterable[str]:
    """Yield each link within the site as one spelling of path and query."""
    for reference in references:
        if _COMMENT.match(urldefrag(reference).fragment):
            continue  # comments are an environment's own
        local = visitor.local_path(reference)
        if local is not None and not _OF_THE_VISITOR.match(local):
            yield _normalised(local)


def _normalised(local: str) -> str:
    parts = urlsplit(local)
    pairs = [pair for pair in parse_qsl(parts.query) if pair[0] not in _PASSING]
    path = unquote(parts.path).rstrip("/") or "/"
    return f"{path}?{urlencode(sorted(pairs))}" if pairs else path
