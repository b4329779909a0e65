"""The text of a dump: told apart into lines of SQL and stretches of row data, while it streams.

mysqldump escapes every newline inside a value, so a physical newline is always structure: row data
begins after `INSERT INTO ... VALUES` and ends at the first ";" before a newline. That is what lets
a gigabyte be counted with a few searches per megabyte. MariaDB's client writes one row per line;
MySQL's writes a whole statement in one line, there the texts between quotes are left out first.

Rows are counted here because this is the dump's own snapshot: a second connection would count
another moment, and the site's user has no right to lock the site for the time between the two.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from migrator.errors import JobFailure

_LINE_LIMIT = 16 << 20
_TABLE = re.compile(rb"CREATE TABLE `((?:[^`]|``)+)`")
_INSERT = re.compile(rb"INSERT INTO `((?:[^`]|``)+)`(?: \((?:`(?:[^`]|``)+`(?:, ?)?)+\))? VALUES")
_DELIMITER = re.compile(rb"DELIMITER (\S+)")
_UNFINISHED = re.compile(rb"\\+\Z|\),?\Z")


class Piece(NamedTuple):
    """A stretch of the dump; all pieces in order are the whole text."""

    is_data: bool
    text: bytes
    """A complete line of SQL, or any part of an INSERT's rows."""


class DumpText:
    """Reads a dump chunk by chunk: splits it, counts its rows, and knows whether it is complete."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        """Table -> rows; a table without rows is there with 0."""
        self.size_bytes = 0
        self._held = b""
        self._in_data = False
        self._one_line = False
        self._in_quotes = False
        self._table = ""
        self._delimiter = b";"
        self._last_line = b""

    @property
    def complete(self) -> bool:
        """Whether the last line that came is the mark a dump ends with."""
        return not self._in_data and self._last_line.startswith(b"-- Dump completed")

    @property
    def in_script(self) -> bool:
        """Whether lines are statements of the dump itself, not the body of a routine."""
        return self._delimiter == b";"

    def feed(self, chunk: bytes) -> list[Piece]:
        """Take the next part; return what is now known, keeping back an unfinished line."""
        self.size_bytes += len(chunk)
        text = self._held + chunk if self._held else chunk
        pieces: list[Piece] = []
        at = 0
        while at < len(text):
            end = self._data(text, at, pieces) if self._in_data else self._line(text, at, pieces)
            if end == at:
                break
            at = end
        self._held = text[at:]
        return pieces

    def finish(self) -> list[Piece]:
        """Return what was kept back."""
        rest, self._held = self._held, b""
        if rest and not self._in_data:
            self._read(rest)
        return [Piece(self._in_data, rest)] if rest else []

    # --- private ---

    def _line(self, text: bytes, at: int, pieces: list[Piece]) -> int:
        end = text.find(b"\n", at)
        head = _INSERT.match(text, at) if self._delimiter == b";" else None
        if head and (end < 0 or head.end() <= end) and head.end() < len(text):
            self._begin_data(head, text)
            pieces.append(Piece(is_data=False, text=text[at : head.end()]))
            return head.end()
        if end < 0:
            if len(text) - at > _LINE_LIMIT:
                raise JobFailure("This is no dump of mysqldump: a line outside of rows is 16 MiB.")
            return at
        self._read(text[at:end])
        pieces.append(Piece(is_data=False, text=text[at : end + 1]))
        return end + 1

    def _begin_data(self, head: re.Match[bytes], text: bytes) -> None:
        self._in_data = True
        self._in_quotes = False
        self._one_line = text[head.end() : head.end() + 1] != b"\n"
        self._table = _name(head[1])
        self._last_line = b""
        self.rows.setdefault(self._table, 0)
        if self._one_line:
            self.rows[self._table] += 1

    def _data(self, text: bytes, at: int, pieces: list[Piece]) -> int:
        found = text.find(b";\n", at)
        end = found + 2 if found >= 0 else self._safe_end(text, at)
        if end == at:
            return at
        stretch = text[at:end]
        self.rows[self._table] += self._separators(stretch)
        pieces.append(Piece(is_data=True, text=stretch))
        self._in_data = found < 0
        return end

    def _safe_end(self, text: bytes, at: int) -> int:
        """Where a stretch may end so that nothing that is searched for is cut in two."""
        if not self._one_line:
            return len(text) - 1 if text.endswith((b"\n", b";")) else len(text)
        if text.endswith(b";"):
            return len(text) - 1
        found = _UNFINISHED.search(text, max(at, len(text) - 64))
        if found is None:
            return len(text)
        if found[0].startswith(b"\\"):
            run = text[at:]
            return len(text) - (len(run) - len(run.rstrip(b"\\"))) % 2
        return max(found.start(), at)

    def _separators(self, stretch: bytes) -> int:
        if not self._one_line:
            return stretch.count(b"\n(")
        bare = stretch.replace(b"\\\\", b"").replace(b"\\'", b"")
        segments = bare.split(b"'")
        outside = segments[1 if self._in_quotes else 0 :: 2]
        if len(segments) % 2 == 0:
            self._in_quotes = not self._in_quotes
        return b"'".join(outside).count(b"),(")

    def _read(self, line: bytes) -> None:
        if line.strip():
            self._last_line = line
        if found := _DELIMITER.match(line):
            self._delimiter = found[1]
        elif self._delimiter == b";" and (created := _TABLE.match(line)):
            self.rows.setdefault(_name(created[1]), 0)


def _name(raw: bytes) -> str:
    return raw.replace(b"``", b"`").decode("utf-8", "replace")
