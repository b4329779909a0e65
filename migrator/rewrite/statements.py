"""What stands between the rows of a dump: comments, statements, bodies of routines."""

from __future__ import annotations

from enum import Enum, auto

from migrator.rewrite.forms import OriginMatcher
from migrator.rewrite.grammar import (
    BLANK,
    CREATE_TABLE_WORD,
    DELIMITER,
    DELIMITER_END,
    INSERT_HEAD,
    INSERT_WORD,
    SQL_MODE,
    grammar,
)
from migrator.rewrite.report import RewriteReport
from migrator.rewrite.tables import Catalog, Table, listed_names, plain_name
from migrator.rewrite.values import ValueRewriter

COMPLETED = b"-- Dump completed"
MORE = -1
"""The answer of a step whose token goes on beyond the buffer."""
_KEYWORD_BYTES = 64
_HEAD_BYTES = 1 << 18
_ROUTINE_TAIL = 256


class Place(Enum):
    """Where in a dump the scanner stands."""

    TOP = auto()
    """Between statements."""
    ROWS = auto()
    """Behind VALUES, at a row, a comma or the end of the statement."""
    ROW = auto()
    """Within a row that is too long for a block, at the beginning of a value or behind a literal
    of it."""
    LITERAL = auto()
    """Within a literal that is too long for a block."""
    ROUTINE = auto()
    """Between DELIMITER lines: bodies of triggers, routines and events."""


class Statements:
    """Copies what is no row, learning from it what the rows need."""

    def __init__(self, matcher: OriginMatcher, report: RewriteReport, *, keep_guid: bool) -> None:
        self.place = Place.TOP
        self.table = Table("")
        self.values = ValueRewriter(matcher, report)
        self.grammar = grammar(backslash=True)
        self._matcher, self._report = matcher, report
        self._catalog = Catalog(keep_guid=keep_guid)

    # --- between statements ---

    def _top(  # noqa: PLR0911 - one line for each thing that may begin here
        self, buffer: bytes, at: int, *, final: bool
    ) -> int:
        blank = BLANK.match(buffer, at)
        if blank:
            return blank.end()
        if len(buffer) - at < _KEYWORD_BYTES and not final:
            return MORE
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
                return MORE
            end = len(buffer) - 1
        if buffer.startswith(COMPLETED, at):
            self._report.dump_completed = True
        return end + 1

    def _block_comment(self, buffer: bytes, at: int, *, final: bool) -> int:
        """Versioned ones are statements, but the semicolon behind them is one by itself."""
        end = buffer.find(b"*/", at)
        if end < 0 and not final:
            return MORE
        end = len(buffer) if end < 0 else end + 2
        self.learn(buffer[at:end])
        return end

    def _insert(self, buffer: bytes, at: int, *, final: bool) -> int:
        head = INSERT_HEAD.match(buffer, at)
        if head is None:
            incomplete = len(buffer) - at < _HEAD_BYTES
            if incomplete and not final and self.grammar.statement.match(buffer, at) is None:
                return MORE
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
            return MORE
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
                return MORE
        self.count_leftovers(buffer[at:end], "routine")
        return end
