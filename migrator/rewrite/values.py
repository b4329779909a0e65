"""One string literal of a row: rewritten, kept, counted."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from migrator.rewrite.edits import Edit, apply_edits
from migrator.rewrite.encoded import (
    Decoded,
    decode_canonical,
    decode_quotes,
    encode_canonical,
    encode_quotes,
    sql_layer,
)
from migrator.rewrite.forms import OriginMatcher
from migrator.rewrite.report import RewriteReport
from migrator.rewrite.tables import Keep, Table
from migrator.rewrite.text import TextRewriter, may_be_serialized, origin_edits

_NAME_BEFORE = re.compile(rb"[A-Za-z0-9_.-]\Z")
_NAME_AFTER = rb"-*+[A-Za-z0-9_]|\.-*+[A-Za-z0-9_]"
_SEPARATORS = (b"", b"/", b" ", b"@", b'"', b"'")
_EMAIL_BEFORE = re.compile(rb"(?:@|%(?:25)*40|&#(?:64|[Xx]40);|\\u0040)\Z")
_ESCAPE_BEFORE = re.compile(rb"(?:\\[nrtbfvZ0]|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4})\Z")
_SLASH_BEFORE = re.compile(rb"(?:/|%2[Ff]|;|\\u002[Ff]){2}\Z|[/\\]/\Z")


class ValueRewriter:
    """Rewrites the inside of string literals and keeps the report's counts."""

    def __init__(self, matcher: OriginMatcher, report: RewriteReport) -> None:
        self._matcher, self._report = matcher, report
        self._text = TextRewriter(matcher)
        self._shortcuts, self._width = matcher.shortcuts(), len(matcher.needles[0])
        hosts = b"|".join(re.escape(needle) for needle in matcher.needles)
        self._name_ends = re.compile(b"(?i:" + hosts + b")(?!" + _NAME_AFTER + b")")

    def literal(
        self,
        raw: bytes,
        table: Table,
        column: Callable[[], int],
        offset: int,
        *,
        backslash: bool,
        quote: bytes,
    ) -> bytes | None:
        """The new inside of a literal, or None when it stays.

        ``raw`` is what stands between the quotes, ``column`` tells the column's index when the
        report needs it, ``offset`` is the literal's place in the dump.
        """
        hits = self._matcher.positions(raw)
        if not hits:
            return None
        if not may_be_serialized(raw, hits[-1]):
            return self.plain(raw, hits, table, column)
        return self.structured(raw, table, column, offset, backslash=backslash, quote=quote)

    def plain(
        self,
        raw: bytes,
        hits: Sequence[int],
        table: Table,
        column: Callable[[], int],
        *,
        counted: bool = False,
    ) -> bytes | None:
        """The new inside of a literal without lengths, or of a piece of one; None: it stays.

        ``counted`` tells that the value has changed before.
        """
        edits = self._plain(raw, hits)
        self._count(raw, hits, edits, table, column)
        if counted and edits:
            self._report.values_changed[table.name] -= 1
        return apply_edits(raw, edits) if edits else None

    def structured(
        self,
        raw: bytes,
        table: Table,
        column: Callable[[], int],
        offset: int,
        *,
        backslash: bool,
        quote: bytes,
    ) -> bytes | None:
        """The new inside of a literal in which lengths may stand, or None when it stays."""
        encode, text = encode_quotes, None
        if backslash and quote == b"'":
            text = decode_quotes(raw)
            if text is None:
                encode, text = encode_canonical, decode_canonical(raw)
        if text is not None:
            edits = self.decoded(text, table, column, offset)
            return encode(apply_edits(text, edits)) if edits else None
        layered = Decoded(sql_layer(quote, backslash=backslash), raw)
        edits = self.decoded(layered.text, table, column, offset)
        return apply_edits(raw, layered.encode(edits)) if edits else None

    def decoded(
        self,
        text: bytes,
        table: Table,
        column: Callable[[], int],
        offset: int,
        *,
        whole: bool = True,
        counted: bool = False,
    ) -> list[Edit]:
        """The edits of a decoded literal, or of the end of one when it is not ``whole``."""
        hits = self._matcher.positions(text)
        edits = self._text.edits(text, hits, whole=whole)
        if self._text.broken:
            self._report.add_broken(table.name, table.column(column()), offset)
        self._count(text, hits, edits, table, column)
        if counted and edits:
            self._report.values_changed[table.name] -= 1
        return edits

    def kept(self, raw: bytes, hits: Sequence[int], table: Table, index: int, reason: Keep) -> None:
        """Count what stays in a column that is not rewritten."""
        count = sum(self._stands_alone(raw, hit) for hit in hits)
        if count:
            self._report.leftovers[table.name, table.column(index), reason.value] += count

    def leftover_kind(self, text: bytes, hit: int) -> str | None:
        """What an unreplaced occurrence is; None when it is another name that contains it."""
        left = text[max(0, hit - 16) : hit]
        if _EMAIL_BEFORE.search(left):
            return "email"
        if not self._stands_alone(text, hit):
            return None
        found = self._matcher.match(text, hit)
        if found is not None and not origin_edits(text, found):
            return None  # it is the target already
        return "url" if _SLASH_BEFORE.search(left) else "host"

    # --- private ---

    def _stands_alone(self, text: bytes, hit: int) -> bool:
        """Whether the host at ``hit`` is not a part of a longer name."""
        if text[hit - 1 : hit] not in _SEPARATORS:
            left = text[max(0, hit - 16) : hit]
            if _NAME_BEFORE.search(left) and not _ESCAPE_BEFORE.search(left):
                return False
        return self._name_ends.match(text, hit) is not None

    def _plain(self, raw: bytes, hits: Sequence[int]) -> list[Edit]:
        edits: list[Edit] = []
        end = 0
        known, width = self._shortcuts.get, self._width
        for hit in hits:
            if hit < end:
                continue
            short = known(raw[hit - 8 : hit + width + 1]) or known(raw[hit - 12 : hit + width + 3])
            if short is not None and not short[0]:
                end = hit + width
                edits.append(Edit(hit, end, short[1], short[2]))
                continue
            found = self._matcher.match(raw, hit)
            if found is not None:
                edits += origin_edits(raw, found)
                end = found.end
        return edits

    def _count(
        self,
        raw: bytes,
        hits: Sequence[int],
        edits: list[Edit],
        table: Table,
        column: Callable[[], int],
    ) -> None:
        report = self._report
        replaced = {edit.start: edit.end for edit in edits if edit.form}
        if edits:
            report.values_changed[table.name] += 1
            report.tables[table.name] += len(replaced)
            for edit in edits:
                if edit.form:
                    report.forms[edit.form] += 1
        if len(replaced) == len(hits):
            return
        end = 0
        for hit in hits:
            if hit in replaced:
                end = replaced[hit]
            elif hit >= end:
                kind = self.leftover_kind(raw, hit)
                if kind is not None:
                    report.leftovers[table.name, table.column(column()), kind] += 1
