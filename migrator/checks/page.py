"""What a page refers to: parsed once, for the checks on assets, hosts and emptiness."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_SILENT = frozenset({"script", "style", "template", "noscript"})
_ASSET_ATTRIBUTES = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "input": ("src",),
}
_MUST_LOAD = frozenset({"script", "img", "source", "link"})
_LINKED_ASSETS = frozenset({"stylesheet", "icon", "apple-touch-icon", "preload", "modulepreload"})
_STYLE_URL = re.compile(r"url\(\s*['\"]?([^'\")]+)", re.IGNORECASE)


@dataclass(kw_only=True)
class PageContent:
    """A page's own words and what it loads."""

    title: str = ""
    canonical: str = ""
    visible_characters: int = 0
    links: list[str] = field(default_factory=list)
    """Where the page's links lead, as written."""
    must_load: list[str] = field(default_factory=list)
    """Stylesheets, scripts and images, as written."""
    assets: list[str] = field(default_factory=list)
    """Everything a browser fetches for the page by itself, as written."""


def parse_page(text: str) -> PageContent:
    """Read a page; broken HTML is read as far as it goes."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.content


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.content = PageContent()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value}
        if tag in _SILENT or tag == "title":
            self._open.append(tag)
        if tag == "link":
            self._link(values)
        if tag == "a" and "href" in values:
            self.content.links.append(values["href"])
        for name in _ASSET_ATTRIBUTES.get(tag, ()):
            if name in values:
                self._asset(tag, name, values[name])
        for reference in _STYLE_URL.findall(values.get("style", "")):
            self._add(reference, must_load=True)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            for reference in _STYLE_URL.findall(data):
                self._add(reference, must_load=False)
        if self._open and self._open[-1] == "title":
            self.content.title += data
        elif not self._open:
            self.content.visible_characters += len("".join(data.split()))

    def _link(self, values: dict[str, str]) -> None:
        relations = set(values.get("rel", "").lower().split())
        reference = values.get("href", "")
        if "canonical" in relations:
            self.content.canonical = reference
        if relations & _LINKED_ASSETS and reference:
            self._add(reference, must_load=True)

    def _asset(self, tag: str, attribute: str, value: str) -> None:
        references = _srcset(value) if attribute == "srcset" else [value]
        for reference in references:
            self._add(reference, must_load=tag in _MUST_LOAD)

    def _add(self, reference: str, *, must_load: bool) -> None:
        reference = reference.strip()
        if not reference or reference.startswith(("data:", "#", "about:", "blob:")):
            return
        self.content.assets.append(reference)
        if must_load:
            self.content.must_load.append(reference)


def _srcset(value: str) -> list[str]:
    return [part.split()[0] for part in re.split(r",\s+", value) if part.split()]
