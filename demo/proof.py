"""What the demo proves: the promoted site is the same site, at its own address, without a trace."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

OK = 200
GUID = re.compile(r'"guid":\{"rendered":"[^"]*"\}|<guid[^>]*>[^<]*</guid>')
"""WordPress' guid names a post for ever, also for feed readers: it is no address and stays."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    what: str
    held: bool
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Fetches pages of a site through the front proxy."""

    proxy: str
    host: str

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page."""
        address = urlsplit(self.proxy)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
        try:
            connection.request("GET", path, headers={"Host": self.host})
            answer = connection.getresponse()
            headers = "\n".join(f"{name}: {value}" for name, value in answer.getheaders())
            return answer.status, f"{headers}\n\n{answer.read().decode('utf-8', 'replace')}"
        finally:
            connection.close()

    def pages(self) -> list[str]:
        """Return the paths of every page in the sitemap, and the places around them."""
        found = ["/", "/wp-json/wp/v2/posts?per_page=100", "/wp-json/", "/feed/", "/wp-login.php"]
        _, index = self.get("/wp-sitemap.xml")
        for sitemap in re.findall(r"<loc>https?://[^/]+(/[^<]+)</loc>", index):
            found.append(sitemap)
            found += re.findall(r"<loc>https?://[^/]+(/[^<]*)</loc>", self.get(sitemap)[1])
        return list(dict.fromkeys(found))


def prove(
    source: Visitor, target: Visitor, before: dict[str, Any], after: dict[str, Any]
) -> Iterator[Finding]:
    """Yield every finding; `before` and `after` are what look.php printed in source and target."""
    yield _same_values(source, target, before, after)
    yield _finding("serialized rows are readable", held=bool(after["seoReadable"]))
    pages = target.pages()
    answers = {path: target.get(path) for path in pages}
    bad = [f"{path}: {status}" for path, (status, _) in answers.items() if status != OK]
    yield Finding(
        what="every page of the sitemap answers 200",
        held=not bad,
        evidence="; ".join(bad) or f"{len(pages)} pages",
    )
    traces = [path for path, (_, text) in answers.items() if source.host in GUID.sub("", text)]
    yield Finding(
        what=f"no trace of {source.host} in pages, headers, REST, feeds (but for guid, an id)",
        held=not traces,
        evidence="; ".join(traces) or f"{len(pages)} pages searched",
    )
    yield _images(target, answers["/ripe-today/"][1] if "/ripe-today/" in answers else "")
    status, _ = source.get("/")
    yield _finding(f"{source.host} is unharmed", held=status == OK)


def _same_values(
    source: Visitor, target: Visitor, before: dict[str, Any], after: dict[str, Any]
) -> Finding:
    expected = json.loads(json.dumps(before).replace(source.host, target.host))
    different = [name for name in expected if expected[name] != after.get(name)]
    values = sum(1 for _ in _leaves(after))
    return Finding(
        what="content, options, widgets, plugin table equal the source's, with the own address",
        held=not different,
        evidence=f"different: {', '.join(different)}" if different else f"{values} values compared",
    )


def _images(target: Visitor, page: str) -> Finding:
    paths = re.findall(
        rf"https://{re.escape(target.host)}(/wp-content/uploads/[^\"' ]+\.jpg)", page
    )
    bad = [path for path in paths if target.get(path)[0] != OK]
    return Finding(
        what="the images of a page load",
        held=bool(paths) and not bad,
        evidence="; ".join(bad) or f"{len(paths)} images",
    )


def _finding(what: str, *, held: bool) -> Finding:
    return Finding(what=what, held=held, evidence="yes" if held else "no")


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield value
