"""The exact scanner: follows a dump statement by statement, row by row, value by value.

It accepts any MySQL or MariaDB dump, however it is laid out. What it cannot decide yet, because a
token goes on beyond the bytes it has, it leaves for the next call.
"""

from __future__ import annotations

from collections.abc import Iterator

from migrator.rewrite.forms import OriginMatcher
from migrator.rewrite.grammar import INTRODUCER, ROW_GAP
from migrator.rewrite.layout import TRUSTED, end_of_rows, plainly_quoted
from migrator.rewrite.longrow import LONG, LongLiteral
from migrator.rewrite.report import RewriteReport
from migrator.rewrite.rows import RowScanner
from migrator.rewrite.statements import MORE, Place, Statements
from migrator.rewrite.tables import Keep

_QUOTES = frozenset(b"'\"")


class Lexer(Statements):
    """Rewrites what it is given as far as it is complete."""

    def __init__(self, matcher: OriginMatcher, report: RewriteReport, *, keep_guid: bool) -> None:
        super().__init__(matcher, report, keep_guid=keep_guid)
        self.offset = 0
        """The offset in the dump of the first byte of the buffer."""
        self._out: list[bytes] = []
        self._copied = self._settled = 0
        self._index = 0
        self._literal: LongLiteral | None = None
        self.large: Iterator[bytes] | None = None
        """What follows the output of the last call: a literal too large to be joined with it."""
        self._scanner = RowScanner(matcher, self.values, report)
        self.trusted = False
        """Whether the dump's first line is that of a program whose layout is known."""

    def consume(self, buffer: bytes, *, final: bool) -> tuple[list[bytes], int]:
        """The output for the first n bytes of the buffer, and n.

        That is all of it when ``final``, unless a ``large`` literal comes in between.
        """
        self._out, self._copied, self._settled, self.large = [], 0, 0, None
        if self.offset == 0:
            self.trusted = buffer.startswith(TRUSTED)
        at, size = 0, len(buffer)
        while at < size and self.large is None:
            after = self._step(buffer, at, final=final)
            if after == MORE:
                if not final:
                    break
                after = size
            at = after
        self._out.append(buffer[self._copied : at])
        self.offset += at
        return self._out, at

    def _step(self, buffer: bytes, at: int, *, final: bool) -> int:
        if self.place is Place.ROWS:
            return self._rows(buffer, at, final=final)
        if self.place is Place.ROUTINE:
            return self._routine(buffer, at, final=final)
        if self.place is Place.ROW:
            return self._row(buffer, at, final=final)
        if self._literal is not None:
            return self._in_literal(self._literal, buffer, at, final=final)
        return self._top(buffer, at, final=final)

    # --- rows ---

    def _rows(self, buffer: bytes, at: int, *, final: bool) -> int:
        gap = ROW_GAP.match(buffer, at)
        if gap:
            return gap.end()
        if not buffer.startswith(b"(", at):
            self.place = Place.TOP
            return self._statement(buffer, at, final=final)
        fast = self.trusted and self.grammar.backslash
        end = end_of_rows(buffer, at) if fast else MORE
        if end == MORE:
            if fast and len(buffer) - at < LONG and not final:
                return MORE
            rows = self.grammar.rows.match(buffer, at) or self.grammar.row.match(buffer, at)
            if rows is None:
                return self._long_row(buffer, at, final=final)
            end = rows.end()
        if fast or (self.grammar.backslash and plainly_quoted(buffer, at, end)):
            self._scan(buffer, at, end)
        else:
            self._rewrite_rows(buffer, at, end)
        return end

    def _scan(self, buffer: bytes, start: int, end: int) -> None:
        """Rewrite complete rows the fast way, what that cannot do the exact way."""
        scanner = self._scanner
        settled = scanner.scan(buffer, (start, end), self._copied, self.table, self.offset)
        self._out += scanner.out
        self._copied = scanner.copied
        if settled < end:
            self._settled = settled
            self._rewrite_rows(buffer, start, end)
        if buffer[max(start, end - 8) : end].rstrip().endswith(b";"):
            self.place = Place.TOP

    def _rewrite_rows(self, buffer: bytes, start: int, end: int) -> None:
        """Rewrite complete rows; walks only as far as rows with a hit."""
        at = start
        for hit in self._matcher.positions(buffer, start, end):
            if hit < self._settled:
                continue
            while at <= hit:
                row = self.grammar.row.match(buffer, at)
                if row is None:
                    gap = ROW_GAP.match(buffer, at)
                    if gap is None:
                        return
                    at = gap.end()
                    continue
                if row.end() > hit:
                    self._rewrite_row(buffer, at, row.end())
                at = row.end()

    def _rewrite_row(self, buffer: bytes, start: int, end: int) -> None:
        at, index = start + 1, 0
        while at < end:
            value = self.grammar.value.match(buffer, at, end)
            if value is None:
                return
            if self._matcher.positions(buffer, at, value.end()):
                self._rewrite_value(buffer, at, value.end(), index)
            at = value.end()
            index += 1

    def _keep(self, buffer: bytes, start: int, opening: int, index: int) -> Keep | None:
        """Why a literal of the value at ``start`` is kept as it is, if it is."""
        introducer = INTRODUCER.search(buffer, start, opening)
        binary = introducer is not None and introducer[1] is not None
        return Keep.BLOB if binary else self.table.keep.get(index)

    def _rewrite_value(self, buffer: bytes, start: int, end: int, index: int) -> None:
        at = start
        for found in self.grammar.literal.finditer(buffer, start, end):
            if found.end() <= self._settled:
                continue
            inside = (found.start() + 1, found.end() - 1)
            raw = buffer[inside[0] : inside[1]]
            keep = self._keep(buffer, at, found.start(), index)
            at = found.end()
            if keep is not None:
                self.values.kept(raw, self._matcher.positions(raw), self.table, index, keep)
                continue
            new = self.values.literal(
                raw,
                self.table,
                lambda: index,
                self.offset + found.start(),
                backslash=self.grammar.backslash,
                quote=buffer[found.start() : found.start() + 1],
            )
            if new is not None:
                self._out += (buffer[self._copied : inside[0]], new)
                self._copied = inside[1]

    # --- rows that are too long for a block ---

    def _long_row(self, buffer: bytes, at: int, *, final: bool) -> int:
        if final or len(buffer) - at < LONG:
            return MORE
        self.place, self._index = Place.ROW, 0
        return at + 1

    def _row(self, buffer: bytes, at: int, *, final: bool) -> int:
        value = self.grammar.value.match(buffer, at)
        if value is not None:
            end = value.end()
            self._rewrite_value(buffer, at, end, self._index)
            self._index += 1
            if buffer[end - 1 : end] == b")":
                self.place = Place.ROWS
            return end
        if final or len(buffer) - at < LONG:
            return MORE
        begun = self.grammar.begun.match(buffer, at)
        opening = begun.end() if begun else at
        if opening == len(buffer) or buffer[opening] not in _QUOTES:
            return MORE
        self._literal = LongLiteral(
            self._matcher,
            self.values,
            table=self.table,
            index=self._index,
            keep=self._keep(buffer, at, opening, self._index),
            offset=self.offset + opening,
            backslash=self.grammar.backslash,
            quote=buffer[opening : opening + 1],
        )
        self.place = Place.LITERAL
        return opening + 1

    def _in_literal(self, literal: LongLiteral, buffer: bytes, at: int, *, final: bool) -> int:
        end, closed = literal.extent(buffer, at, final=final)
        if end <= at and not closed:
            return MORE
        new = literal.take(buffer[at:end])
        if new is not None:
            self._out += (buffer[self._copied : at], new)
            self._copied = end
        if not closed:
            return end
        self.large = literal.finish()
        if self.large is not None:
            return end  # the closing quote follows it
        self.place, self._literal = Place.ROW, None
        return end + 1
