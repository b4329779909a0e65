"""The exact scanner: follows a dump statement by statement, row by row, value by value.

It accepts any MySQL or MariaDB dump, however it is laid out. What it cannot decide yet, because a
token goes on beyond the bytes it has, it leaves for the next call.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from migrator.rewrite.forms import OriginMatcher
from migrator.rewrite.grammar import (
    BLANK,
    CREATE_TABLE_WORD,
    DELIMITER,
    DELIMITER_END,
    INSERT_HEAD,
    INSERT_WORD,
    INTRODUCER,
    ROW_GAP,
    SQL_MODE,
    grammar,
)
from migrator.rewrite.report import RewriteReport
from migrator.rewrite.rows import RowScanner
from migrator.rewrite.tables import Catalog, Keep, Table, listed_names, plain_name
from migrator.rewrite.values import ValueRewriter

COMPLETED = b"-- Dump completed"
_MORE = -1
_KEYWORD_BYTES = 64
_HEAD_BYTES = 1 << 18
_ROUTINE_TAIL = 256


_LONG_LINE = 8 << 20
_TRIES = 8
_TRUSTED = (
    b"-- MySQL dump",
    b"-- MariaDB dump",
    b"/*M!999999",
    b"/*!40101 SET @OLD_CHARACTER_SET_CLIENT=",
    b"/*!40103 SET @OLD_TIME_ZONE=",
)
_DOUBLED = re.compile(rb"''(?:(?<![,(\s]'')|(?![,)\s]))")
_OTHER_LINE = re.compile(rb"\n(?=[^(])")


class Place(Enum):
    """Where in a dump the scanner stands."""

    TOP = auto()
    """Between statements."""
    ROWS = auto()
    """Behind VALUES, at a row, a comma or the end of the statement."""
    ROUTINE = auto()
    """Between DELIMITER lines: bodies of triggers, routines and events."""


class Lexer:
    """Rewrites what it is given as far as it is complete."""

    def __init__(self, matcher: OriginMatcher, report: RewriteReport, *, keep_guid: bool) -> None:
        self.place = Place.TOP
        self.table = Table("")
        self.offset = 0
        """The offset in the dump of the first byte of the buffer."""
        self.values = ValueRewriter(matcher, report)
        self.grammar = grammar(backslash=True)
        self._matcher, self._report = matcher, report
        self._catalog = Catalog(keep_guid=keep_guid)
        self._out: list[bytes] = []
        self._copied = self._settled = 0
        self._scanner = RowScanner(matcher, self.values, report)
        self.trusted = False
        """Whether the dump's first line is that of a program whose layout is known."""

    def consume(self, buffer: bytes, *, final: bool) -> tuple[list[bytes], int]:
        """The output for the first n bytes of the buffer, and n; all of it when ``final``."""
        self._out, self._copied, self._settled = [], 0, 0
        if self.offset == 0:
            self.trusted = buffer.startswith(_TRUSTED)
        at, size = 0, len(buffer)
        while at < size:
            after = self._step(buffer, at, final=final)
            if after == _MORE:
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
        return self._top(buffer, at, final=final)

    # --- between statements ---

    def _top(  # noqa: PLR0911 - one line for each thing that may begin here
        self, buffer: bytes, at: int, *, final: bool
    ) -> int:
        blank = BLANK.match(buffer, at)
        if blank:
            return blank.end()
        if len(buffer) - at < _KEYWORD_BYTES and not final:
            return _MORE
        if buffer.startswith((b"-- ", b"--\n", b"--\r", b"--\t", b"#"), at):
            return self._comment(buffer, at, final=final)
        if buffer.startswith(b"/*", at):
            return self._block_comment(buffer, at, final=final)
        if DELIMITER.match(buffer, at):
            self.place = Place.ROUTINE
            return at
        if INSERT_WORD.match(buffer, at):
            return self._insert(buffer, at, final=final)
        return self._statement(buffer, at, final=final)

    def _comment(self, buffer: bytes, at: int, *, final: bool) -> int:
        end = buffer.find(b"\n", at)
        if end < 0:
            if not final:
                return _MORE
            end = len(buffer) - 1
        if buffer.startswith(COMPLETED, at):
            self._report.dump_completed = True
        return end + 1

    def _block_comment(self, buffer: bytes, at: int, *, final: bool) -> int:
        """Versioned ones are statements, but the semicolon behind them is one by itself."""
        end = buffer.find(b"*/", at)
        if end < 0 and not final:
            return _MORE
        end = len(buffer) if end < 0 else end + 2
        self.learn(buffer[at:end])
        return end

    def _insert(self, buffer: bytes, at: int, *, final: bool) -> int:
        head = INSERT_HEAD.match(buffer, at)
        if head is None:
            incomplete = len(buffer) - at < _HEAD_BYTES
            if incomplete and not final and self.grammar.statement.match(buffer, at) is None:
                return _MORE
            return self._statement(buffer, at, final=final)
        self.enter_rows(head[1], head[2] or b"")
        return head.end()

    def enter_rows(self, name: bytes, columns: bytes) -> None:
        """An INSERT into ``name`` has begun; its rows follow."""
        self.table = self._catalog.table(plain_name(name), listed_names(columns))
        self._report.tables_seen[self.table.name] = None
        self.place = Place.ROWS

    def _statement(self, buffer: bytes, at: int, *, final: bool) -> int:
        found = self.grammar.statement.match(buffer, at)
        if found is None and not final:
            return _MORE
        end = found.end() if found else len(buffer)
        self.learn(buffer[at:end])
        return end

    def learn(self, statement: bytes) -> None:
        """Take in a statement that is copied as it is: columns, SQL mode, leftovers."""
        if CREATE_TABLE_WORD.match(statement):
            self._catalog.define(statement)
        mode = SQL_MODE.search(statement, 0, 4096)
        if mode:
            standard = b"NO_BACKSLASH_ESCAPES" in (mode[1] or b"").upper()
            self.grammar = grammar(backslash=not standard)
        self.count_leftovers(statement, "ddl")

    def count_leftovers(self, text: bytes, kind: str) -> None:
        """Count source hosts in text outside of rows."""
        for hit in self._matcher.positions(text):
            if self.values.leftover_kind(text, hit) is not None:
                self._report.leftovers["", "", kind] += 1

    # --- bodies of triggers, routines and events ---

    def _routine(self, buffer: bytes, at: int, *, final: bool) -> int:
        found = DELIMITER.match(buffer, at)
        back = found if found and found[1] == b";" else DELIMITER_END.search(buffer, at)
        if back is not None:
            self.place = Place.TOP
            end = back.end()
        else:
            tail = len(buffer) - _ROUTINE_TAIL
            end = len(buffer) if final else buffer.rfind(b"\n", at, max(at, tail))
            if end <= at:
                return _MORE
        self.count_leftovers(buffer[at:end], "routine")
        return end

    # --- rows ---

    def _rows(self, buffer: bytes, at: int, *, final: bool) -> int:
        gap = ROW_GAP.match(buffer, at)
        if gap:
            return gap.end()
        if not buffer.startswith(b"(", at):
            self.place = Place.TOP
            return self._statement(buffer, at, final=final)
        fast = self.trusted and self.grammar.backslash
        end = _end_of_rows(buffer, at) if fast else _MORE
        if end == _MORE and fast and len(buffer) - at < _LONG_LINE and not final:
            return _MORE
        if end == _MORE and fast:
            end = _last_row_end(buffer, at)
        if end == _MORE:
            rows = self.grammar.rows.match(buffer, at) or self.grammar.row.match(buffer, at)
            if rows is None:
                return _MORE
            end = rows.end()
        if fast or (self.grammar.backslash and _plainly_quoted(buffer, at, end)):
            self._scan(buffer, at, end)
        else:
            self._rewrite_rows(buffer, at, end)
        return end

    def _scan(self, buffer: bytes, start: int, end: int) -> None:
        """Rewrite complete rows the fast way, what that cannot do the exact way."""
        edits, settled = self._scanner.scan(buffer, start, end, self.table, self.offset)
        out, copied = self._out, self._copied
        for first, last, new, _form in edits:
            out.append(buffer[copied:first])
            out.append(new)
            copied = last
        self._copied = copied
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

    def _rewrite_value(self, buffer: bytes, start: int, end: int, index: int) -> None:
        at = start
        for found in self.grammar.literal.finditer(buffer, start, end):
            if found.end() <= self._settled:
                continue
            inside = (found.start() + 1, found.end() - 1)
            raw = buffer[inside[0] : inside[1]]
            introducer = INTRODUCER.search(buffer, at, found.start())
            binary = introducer is not None and introducer[1] is not None
            at = found.end()
            keep = Keep.BLOB if binary else self.table.keep.get(index)
            if keep is not None:
                self.values.kept(raw, self.table, index, keep)
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


def _last_row_end(buffer: bytes, at: int) -> int:
    """Where, within one long line of rows, a row ends near the end of the buffer; -1: unknown.

    What looks like the end of a row is one when the unescaped quotes before it are even.
    """
    end = len(buffer)
    for _ in range(_TRIES):
        end = buffer.rfind(b"),(", at, end)
        if end < 0:
            return -1
        rows = buffer[at:end].replace(b"\\\\", b"")
        if (rows.count(b"'") - rows.count(b"\\'")) % 2 == 0:
            return end + 1
    return -1


def _plainly_quoted(buffer: bytes, start: int, end: int) -> bool:
    """Whether rows hold neither literals between double quotes nor doubled quotes."""
    quotes, escaped = buffer.count(b'"', start, end), buffer.count(b'\\"', start, end)
    return quotes == escaped and _DOUBLED.search(buffer, start, end) is None


def _end_of_rows(buffer: bytes, at: int) -> int:
    """Where the lines of rows that begin at ``at`` end as far as the buffer shows; -1: unknown.

    Only for dumps whose literals hold no line feed.
    """
    other = _OTHER_LINE.search(buffer, at)
    if other:
        return other.end()
    end = buffer.rfind(b"\n", at)
    return -1 if end < 0 else end + 1
