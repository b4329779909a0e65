"""A literal that is too long for a block, taken piece by piece.

As long as no length of serialized data stands in it, each piece is rewritten by itself; it is cut
behind a character that no address and no escape sequence can go across. From the first length on,
the decoded text is gathered, once, until the literal ends.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import cache

from migrator.rewrite.edits import Edit
from migrator.rewrite.encoded import Decoded, decode_canonical, encode_canonical, sql_layer
from migrator.rewrite.forms import OriginMatcher
from migrator.rewrite.tables import Keep, Table
from migrator.rewrite.text import may_be_serialized
from migrator.rewrite.values import ValueRewriter

LONG = 4 << 20
"""Rows of more bytes than this are not waited for."""
_OUT_BYTES = 1 << 20
_SEEK = 1 << 16
_MARGIN = 8192
_QUIET = re.compile(rb"[A-Za-z/+=.,;_-]{2}")


@cache
def _inside(quote: bytes, *, backslash: bool) -> re.Pattern[bytes]:
    """The complete characters of a literal up to its closing quote."""
    if not backslash:
        return re.compile(rb"(?:[^Q]++|QQ)*+".replace(b"Q", quote))
    return re.compile(rb"[^Q\\]*+(?:(?:\\.|QQ)[^Q\\]*+)*+".replace(b"Q", quote), re.DOTALL)


class LongLiteral:
    """One literal of a row."""

    def __init__(
        self,
        matcher: OriginMatcher,
        values: ValueRewriter,
        *,
        table: Table,
        index: int,
        keep: Keep | None,
        offset: int,
        backslash: bool,
        quote: bytes,
    ) -> None:
        self._matcher, self._values = matcher, values
        self._table, self._index, self._keep, self._offset = table, index, keep, offset
        self._backslash, self._quote = backslash, quote
        self._inside = _inside(quote, backslash=backslash)
        self._canonical = backslash and quote == b"'"
        self._gathered: io.BytesIO | None = None
        self._whole = True  # nothing before what is gathered
        self._changed = False

    def extent(self, buffer: bytes, at: int, *, final: bool) -> tuple[int, bool]:
        """Where the next piece ends, and whether the literal ends there."""
        found = self._inside.match(buffer, at)
        end = found.end() if found else at
        if buffer[end : end + 1] == self._quote and (end + 1 < len(buffer) or final):
            return end, True
        if final or self._gathered is not None:
            return end, False
        return self._cut(buffer, at, end), False

    def take(self, raw: bytes) -> bytes | None:
        """The output for a piece; None: it stays as it is."""
        if self._gathered is None and (self._keep is None and may_be_serialized(raw, len(raw))):
            self._gathered = io.BytesIO()
        if self._gathered is not None:
            self._gather(raw)
            return b""
        self._whole = False
        hits = self._matcher.positions(raw)
        if not hits:
            return None
        if self._keep is not None:
            self._values.kept(raw, hits, self._table, self._index, self._keep)
            return None
        new = self._values.plain(raw, hits, self._table, lambda: self._index, counted=self._changed)
        self._changed = self._changed or new is not None
        return new

    def finish(self) -> Iterator[bytes] | None:
        """The output for what was gathered; None: nothing was."""
        if self._gathered is None:
            return None
        text = self._gathered.getvalue()
        self._gathered = None
        return self._rewritten(text)

    # --- private ---

    def _cut(self, buffer: bytes, at: int, end: int) -> int:
        """The last place before ``end`` where no address can go across; ``at``: none is known."""
        first = max(at, end - _SEEK)
        marks = (b" ", b">") if self._quote == b'"' else (b" ", b">", b'"')
        cut = max(buffer.rfind(mark, first, end) for mark in marks)
        if cut >= 0 and buffer[cut - 1 : cut] != b"\\":
            return cut + 1
        if cut >= 0 and buffer[cut : cut + 1] == b'"':
            return cut + 1
        cut = end - _MARGIN
        while cut - _MARGIN > first and _QUIET.match(buffer, cut - 1) is None:
            cut -= 1
        if cut - _MARGIN <= first or self._matcher.positions(buffer, cut - _MARGIN, end):
            return at
        return cut

    def _gather(self, raw: bytes) -> None:
        text = decode_canonical(raw) if self._canonical else raw
        if text is None:
            self._canonical, text = False, raw
            before = self._gathered.getvalue() if self._gathered else b""
            self._gathered = io.BytesIO(encode_canonical(before))
            self._gathered.seek(0, io.SEEK_END)
        if self._gathered is not None:
            self._gathered.write(text)

    def _rewritten(self, text: bytes) -> Iterator[bytes]:
        if self._canonical:
            return _encoded(text, self._edits(text), encode=True)
        layered = Decoded(sql_layer(self._quote, backslash=self._backslash), text)
        return _encoded(text, layered.encode(self._edits(layered.text)), encode=False)

    def _edits(self, text: bytes) -> list[Edit]:
        return self._values.decoded(
            text,
            self._table,
            lambda: self._index,
            self._offset,
            whole=self._whole,
            counted=self._changed,
        )


def _encoded(text: bytes, edits: list[Edit], *, encode: bool) -> Iterator[bytes]:
    """The text after the edits in pieces; ``encode`` writes them as dump programs do."""
    write = encode_canonical if encode else bytes
    at = 0
    for edit in [*edits, Edit(len(text), len(text), b"")]:
        for start in range(at, edit.start, _OUT_BYTES):
            yield write(text[start : min(start + _OUT_BYTES, edit.start)])
        yield write(edit.new)
        at = edit.end
