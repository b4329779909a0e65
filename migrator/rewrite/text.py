"""One text of unknown kind: prose, HTML, JSON, serialized data, or all of them in one another."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from migrator.rewrite.edits import Edit, shifted
from migrator.rewrite.encoded import ENTITY, JSON, PERCENT, Decoded, Layer
from migrator.rewrite.forms import OriginMatch, OriginMatcher
from migrator.rewrite.serialized import NotSerializedError, parse_serialized, simple_edits

_QUOTE_ENTITY = rb"&(?:amp;)*+(?:quot|#0*+34|#[Xx]0*+22);"
_START = rb"(?<![A-Za-z0-9_])"
# A length in front of something quoted, however the quote is spelled.
_QUOTED = re.compile(
    rb'[sSOCE]:[0-9]++:(?:"|(?P<json>\\++)"|(?P<entity>' + _QUOTE_ENTITY + rb"))"
    rb"|[sSOCE](?P<percent>%(?:25)*+3[Aa])[0-9]++(?P=percent)%(?:25)*+22"
)
_CANDIDATE = re.compile(
    _START + rb"(?:a:[0-9]++:\{|a%(?:25)*+3[Aa][0-9]++%|" + _QUOTED.pattern + rb")"
)
MARK = re.compile(rb":[0-9]++:[\\\"{&]")
"""A length in front of something quoted in raw or decoded text; begins with one certain byte,
which makes it fast to seek."""
PERCENT_MARK = re.compile(rb"%(?:25)*+3[Aa][0-9]++%(?:25)*+3[Aa]%")
"""The same, percent-encoded."""
_LAYERS: dict[str, Layer] = {"json": JSON, "entity": ENTITY, "percent": PERCENT}
_PERCENT_STOP = re.compile(rb"[^A-Za-z0-9%._~+*!'()-]")
_ENTITY_STOP = re.compile(rb"[\"<>]")
_MAX_DEPTH = 40
_SIMPLE_STARTS = (b"a", b"s")
_BACKSLASH = 0x5C


class TextRewriter:
    """Computes the edits of one text.

    ``broken`` tells whether the last text held serialized data that PHP cannot read although an
    origin stands in it.
    """

    def __init__(self, matcher: OriginMatcher) -> None:
        self._matcher = matcher
        self._shortcuts = matcher.shortcuts()
        self._width = len(matcher.needles[0])
        self.broken = False
        self._is_value = True
        """Whether the text is a value and not just the end of one."""

    def edits(self, text: bytes, hits: Sequence[int], *, whole: bool = True) -> list[Edit]:
        """All edits of a decoded text, origins and lengths.

        ``hits`` are the offsets of the source hosts in it; ``whole`` tells that it is a value and
        not just the end of one.
        """
        self.broken, self._is_value = False, whole
        if hits and whole and text[:1] in _SIMPLE_STARTS:
            edits = simple_edits(text, hits, self._outer)
            if edits is not None:
                return edits
            self.broken = False
        edits = self._inner(text, 0, len(text), hits, 0)
        self.broken = self.broken and whole
        return edits

    # --- private ---

    def _outer(self, text: bytes, start: int, end: int, hits: Sequence[int]) -> list[Edit]:
        return self._inner(text, start, end, hits, 1)

    def _deeper(
        self, depth: int, text: bytes, start: int, end: int, hits: Sequence[int]
    ) -> list[Edit]:
        return self._inner(text, start, end, hits, depth + 1)

    def _inner(
        self, text: bytes, start: int, end: int, hits: Sequence[int], depth: int
    ) -> list[Edit]:
        """Edits between two offsets of a text."""
        if not hits:
            return []
        if depth >= _MAX_DEPTH or not may_be_serialized(text, hits[-1], start):
            return self._plain(text, hits, start, end)
        if start == 0 and end == len(text):
            return self._mixed(text, hits, depth)
        return shifted(self._mixed(text[start:end], [at - start for at in hits], depth), start)

    def _plain(self, text: bytes, hits: Sequence[int], first: int, last: int) -> list[Edit]:
        edits: list[Edit] = []
        end = 0
        for hit in hits:
            if hit < end:
                continue
            known = self._shortcuts.get(text[hit - 8 : hit + self._width + 1])
            if known is not None and not known[0]:
                end = hit + self._width
                edits.append(Edit(hit, end, known[1], known[2]))
                continue
            found = self._matcher.match(text, hit, first, last)
            if found is not None:
                edits += origin_edits(text, found)
                end = found.end
        return edits

    def _mixed(self, text: bytes, hits: Sequence[int], depth: int) -> list[Edit]:
        """Serialized fragments as such, everything between them as plain text."""
        edits: list[Edit] = []
        done = at = 0  # plain text is settled up to `done`, candidates are sought from `at`
        while found := _CANDIDATE.search(text, at, hits[-1]):
            start, end, inner = self._fragment(text, found, done, hits, depth)
            if inner is None:
                at = end
                continue
            edits += self._between(text, done, start, hits)
            edits += inner
            done = at = end
        return edits + self._between(text, done, len(text), hits)

    def _between(self, text: bytes, start: int, end: int, hits: Sequence[int]) -> list[Edit]:
        if start >= end:
            return []
        inside = hits[bisect_left(hits, start) : bisect_left(hits, end)]
        return self._plain(text, inside, 0, len(text))

    def _fragment(
        self, text: bytes, found: re.Match[bytes], done: int, hits: Sequence[int], depth: int
    ) -> tuple[int, int, list[Edit] | None]:
        """Start, end and edits of the fragment at a candidate; no edits: go on at the end."""
        start = found.start()
        quoted = _QUOTED.search(text, start, hits[-1])
        kind = quoted.lastgroup if quoted else None
        if kind is not None and quoted is not None:
            begin, end = _enclosing(kind, text, quoted, done)
            if begin <= start:
                return begin, end, self._layered(_LAYERS[kind], text, begin, end, depth)
        positions = self._matcher.positions
        try:
            end, edits = parse_serialized(
                text, start, hits, lambda *content: self._deeper(depth, *content), positions
            )
        except NotSerializedError as error:
            return self._refused(text, found, error, begins=depth > 0 or self._is_value)
        return start, end, edits

    def _layered(self, layer: Layer, text: bytes, begin: int, end: int, depth: int) -> list[Edit]:
        decoded = Decoded(layer, text[begin:end])
        inside = decoded.text
        hits = self._matcher.positions(inside)
        edits = self._inner(inside, 0, len(inside), hits, depth + 1)
        return shifted(decoded.encode(edits), begin)

    def _refused(
        self, text: bytes, found: re.Match[bytes], error: NotSerializedError, *, begins: bool
    ) -> tuple[int, int, list[Edit] | None]:
        """Go on behind what is not serialized; `begins`: nothing stands before the text."""
        whole = begins and not text[: found.start()].strip()
        container = found[0][:1] in b"aOC"
        if whole and (container or text.rstrip().endswith(b'";')):
            self.broken = True  # the value as a whole: text is replaced, no length is touched
            return found.start(), len(text), None
        return found.start(), max(found.end(), error.at if container else 0), None


def may_be_serialized(text: bytes, end: int, start: int = 0) -> bool:
    """Whether a length may stand in the text before ``end``; only such text needs parsing."""
    return MARK.search(text, start, end) is not None or (
        text.find(b"%", start, end) >= 0 and PERCENT_MARK.search(text, start, end) is not None
    )


def origin_edits(text: bytes, found: OriginMatch) -> list[Edit]:
    """A match as edits: the scheme where it differs, then host, port and path."""
    edits: list[Edit] = []
    old_scheme = text[found.scheme_start : found.scheme_end] if found.scheme_start >= 0 else b""
    same_tail = text[found.host_start : found.end] == found.tail
    if old_scheme == found.scheme and same_tail:
        return edits
    if old_scheme != found.scheme:
        edits.append(Edit(found.scheme_start, found.scheme_end, found.scheme))
    edits.append(Edit(found.host_start, found.end, found.tail, found.form))
    return edits


def _enclosing(kind: str, text: bytes, quoted: re.Match[bytes], done: int) -> tuple[int, int]:
    """The stretch around an escaped fragment that one layer of escaping covers."""
    if kind == "json":
        return _json_string(text, quoted.start(), done)
    stop = _PERCENT_STOP if kind == "percent" else _ENTITY_STOP
    begin = done
    for found in stop.finditer(text, done, quoted.start()):
        begin = found.end()
    behind = stop.search(text, quoted.end())
    return begin, behind.start() if behind else len(text)


def _json_string(text: bytes, at: int, done: int) -> tuple[int, int]:
    """The content of the JSON string around ``at``: between quotes that are not escaped."""
    begin = done
    quote = text.rfind(b'"', done, at)
    while quote >= 0:
        if not _escaped(text, quote):
            begin = quote + 1
            break
        quote = text.rfind(b'"', done, quote)
    end = text.find(b'"', at)
    while end >= 0 and _escaped(text, end):
        end = text.find(b'"', end + 1)
    return begin, len(text) if end < 0 else end


def _escaped(text: bytes, at: int) -> bool:
    run = at
    while run and text[run - 1] == _BACKSLASH:
        run -= 1
    return (at - run) % 2 == 1
