"""Where blocks of a dump may be cut, and whether its rows are laid out as dump programs do it."""

from __future__ import annotations

import re

TRUSTED = (
    b"-- MySQL dump",
    b"-- MariaDB dump",
    b"/*M!999999",
    b"/*!40101 SET @OLD_CHARACTER_SET_CLIENT=",
    b"/*!40103 SET @OLD_TIME_ZONE=",
)
"""First lines of the programs whose layout is known."""
_LONG_LINE = 2 << 20
_TRIES = 8
_PEEKS = 200
_WINDOW = 256
_DOUBLED = re.compile(rb"''(?:(?<![,(\s]'')|(?![,)\s]))")
_OTHER_LINE = re.compile(rb"\n(?=[^(])")
# A literal's closing quote, certainly, and numbers behind it: an opening one follows a comma, a
# parenthesis or the space of `_binary`, and two quotes in a row are an empty literal.
_LITERAL_ENDS = re.compile(rb"(?:[^,(\\' ]|[^y] |[,(]')'(?:,[0-9A-Za-z.+_-]*+)*+\Z")


def end_of_rows(buffer: bytes, at: int) -> int:
    """Up to where rows that begin at ``at`` are complete; -1: unknown.

    Only for dumps whose literals hold no line feed and escape all their quotes.
    """
    line = buffer.find(b"\n", at)
    if line >= 0:
        other = _OTHER_LINE.search(buffer, line)
        return other.end() if other else buffer.rfind(b"\n", line) + 1
    end = _certain_row_end(buffer, at)
    return end if end >= 0 or len(buffer) - at < _LONG_LINE else _counted_row_end(buffer, at)


def plainly_quoted(buffer: bytes, start: int, end: int) -> bool:
    """Whether rows hold neither literals between double quotes nor doubled quotes."""
    quotes, escaped = buffer.count(b'"', start, end), buffer.count(b'\\"', start, end)
    return quotes == escaped and _DOUBLED.search(buffer, start, end) is None


def _certain_row_end(buffer: bytes, at: int) -> int:
    """Where, within one line of rows, a row ends that shows it by its last bytes; -1: unknown."""
    end = len(buffer)
    for _ in range(_PEEKS):
        end = buffer.rfind(b"),(", at, end)
        if end < 0:
            return -1
        if _LITERAL_ENDS.search(buffer[max(at, end - _WINDOW) : end]):
            return end + 1
    return -1


def _counted_row_end(buffer: bytes, at: int) -> int:
    """The same where quotes must be counted: those before the end of a row are even."""
    end = len(buffer)
    for _ in range(_TRIES):
        end = buffer.rfind(b"),(", at, end)
        if end < 0:
            return -1
        rows = buffer[at:end].replace(b"\\\\", b"")
        if (rows.count(b"'") - rows.count(b"\\'")) % 2 == 0:
            return end + 1
    return -1
