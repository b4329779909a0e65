"""The fast scanner: rewrites complete rows by looking only where a source host stands.

Dump programs write every literal between single quotes, escape quotes within it by a backslash,
and put a comma, a parenthesis or an introducer in front of it. In such text the last unescaped
quote before a host is the opening quote of its literal, so nothing else has to be read. Where the
text is not like that, the scan ends and the exact lexer takes over from there.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from migrator.rewrite.forms import OriginMatcher
from migrator.rewrite.report import RewriteReport
from migrator.rewrite.tables import Keep, Table
from migrator.rewrite.text import MARK, PERCENT_MARK, origin_edits
from migrator.rewrite.values import ValueRewriter

RawEdit = tuple[int, int, bytes, str]
"""Start, end, new text, form (empty for all but the host of an origin)."""

_BACKSLASH = 0x5C
_STEPS = 4
_LITERAL_STARTS = frozenset(b",(")
_BINARY = b"_binary "
_CLOSING = re.compile(rb"'(?:(?<!\\')|(?<=\\\\'))")
_VALUE = rb"[^',()]*+(?:'(?:[^'\\]++|\\.)*+'[^',()]*+)?+"
_REST_OF_ROW = re.compile(rb"'((?:," + _VALUE + rb")*+)\)[,;]", re.DOTALL)
_VALUE_IN_REST = re.compile(rb"," + _VALUE, re.DOTALL)


class Scan(NamedTuple):
    """The edits found and how far the rows are settled."""

    edits: list[RawEdit]
    settled: int


class RowScanner:
    """Scans rows of one dump."""

    def __init__(
        self, matcher: OriginMatcher, values: ValueRewriter, report: RewriteReport
    ) -> None:
        self._matcher, self._values, self._report = matcher, values, report
        self._shortcuts = matcher.shortcuts()
        self._width = len(matcher.needles[0])
        self._tails: dict[int, re.Pattern[bytes]] = {}

    def scan(  # noqa: C901, PLR0912 - the inner loop of everything: calls would cost a third
        self, buffer: bytes, start: int, end: int, table: Table, offset: int
    ) -> Scan:
        """Edits for the rows in ``buffer[start:end]``; ``offset`` is the buffer's in the dump.

        When ``settled`` is less than ``end``, the rest is not what a dump program writes.
        """
        rfind, known, width = buffer.rfind, self._shortcuts.get, self._width
        edits: list[RawEdit] = []
        stayed: list[int] = []
        settled, opening = start, -1
        first = changed = marked = 0  # of the literal at hand: index of its first edit, ...
        for at in self._matcher.positions(buffer, start, end):
            if at < settled:
                continue
            quote = rfind(b"'", settled, at)
            if quote >= 0 and buffer[quote - 1] == _BACKSLASH:
                quote = _unescaped_before(buffer, settled, quote)
            if quote >= 0:
                changed += len(edits) > first
                first, opening, marked = len(edits), quote, quote
                if table.keep or buffer[quote - 1] not in _LITERAL_STARTS:
                    done = self._exceptional(buffer, quote, at, table)
                    if done:
                        settled = max(done, settled)
                        if done < 0:
                            break
                        continue
            if opening < 0:
                break
            if not MARK.search(buffer, marked, at):
                marked = at
                found = known(buffer[at - 8 : at + width + 1]) or known(
                    buffer[at - 12 : at + width + 3]
                )
                if found:
                    settled = at + width
                    edits.append((at - found[0], settled, found[1], found[2]))
                    continue
                done = self._single(buffer, at, opening, edits, stayed)
                if done:
                    settled = done
                    continue
            del edits[first:]
            while stayed and stayed[-1] > opening:
                stayed.pop()
            settled = self._whole(buffer, opening, table, offset, edits)
            first = len(edits)
        else:
            settled = end
        self._count(buffer, table, edits, changed + (len(edits) > first), stayed)
        return Scan(edits, settled)

    # --- private ---

    def _exceptional(self, buffer: bytes, opening: int, at: int, table: Table) -> int:
        """End of a literal that is kept as it is; 0: not kept, -1: not understood."""
        if buffer[opening - 1] not in _LITERAL_STARTS:
            if buffer[opening - len(_BINARY) : opening] != _BINARY:
                return -1
            return self._keep(buffer, (opening, at), table, None, Keep.BLOB)
        closing = _closing(buffer, at)
        for index, reason in table.keep.items():
            tail = self._tail(len(table.columns) - 1 - index)
            if tail.match(buffer, closing):
                return self._keep(buffer, (opening, at), table, index, reason)
        return 0

    def _tail(self, columns: int) -> re.Pattern[bytes]:
        """Matches from a closing quote when exactly ``columns`` values follow in the row."""
        tail = self._tails.get(columns)
        if tail is None:
            pattern = b"'(?:,%s){%d}" % (_VALUE, columns) + rb"\)[,;]"
            tail = self._tails[columns] = re.compile(pattern, re.DOTALL)
        return tail

    def _keep(
        self, buffer: bytes, place: tuple[int, int], table: Table, index: int | None, reason: Keep
    ) -> int:
        opening, at = place
        closing = _closing(buffer, at)
        column = _column(buffer, closing, table) if index is None else index
        self._values.kept(buffer[opening + 1 : closing], table, column, reason)
        return closing + 1

    def _single(
        self, buffer: bytes, at: int, opening: int, edits: list[RawEdit], stayed: list[int]
    ) -> int:
        """Settle one hit outside of serialized data; 0: its literal must be parsed after all."""
        found = self._matcher.match(buffer, at, opening + 1)
        if found is None:
            stayed.append(at)
            return at + 1
        if found.form == "percent" and PERCENT_MARK.search(buffer, opening, at):
            return 0
        edits += map(tuple, origin_edits(buffer, found))  # type: ignore[arg-type]
        return found.end

    def _whole(
        self, buffer: bytes, opening: int, table: Table, offset: int, edits: list[RawEdit]
    ) -> int:
        """Rewrite one literal with all its lengths; returns its end."""
        closing = _closing(buffer, opening + 1)
        new = self._values.literal(
            buffer[opening + 1 : closing],
            table,
            lambda: _column(buffer, closing, table),
            offset + opening,
            backslash=True,
            quote=b"'",
        )
        if new is not None:
            edits.append((opening + 1, closing, new, ""))
        return closing + 1

    def _count(
        self, buffer: bytes, table: Table, edits: list[RawEdit], changed: int, stayed: list[int]
    ) -> None:
        report = self._report
        forms = Counter([edit[3] for edit in edits if edit[3]])
        report.forms.update(forms)
        if forms:
            report.tables[table.name] += forms.total()
            report.values_changed[table.name] += changed
        for at in stayed:
            kind = self._values.leftover_kind(buffer, at)
            if kind is not None:
                column = table.column(_column(buffer, _closing(buffer, at), table))
                report.leftovers[table.name, column, kind] += 1


def _unescaped_before(buffer: bytes, start: int, quote: int) -> int:
    """The last unescaped quote up to ``quote``, not before ``start``; -1 when there is none."""
    for _ in range(_STEPS):
        if quote < 0 or buffer[quote - 1] != _BACKSLASH or not _escaped(buffer, quote):
            return quote
        quote = buffer.rfind(b"'", start, quote)
    last = -1  # many escaped quotes: a pattern passes over them faster, though from the front
    for found in _CLOSING.finditer(buffer, start, max(quote + 1, start)):
        if not _escaped(buffer, found.start()):
            last = found.start()
    return last


def _escaped(buffer: bytes, at: int) -> bool:
    run = at
    while run and buffer[run - 1] == _BACKSLASH:
        run -= 1
    return (at - run) % 2 == 1


def _closing(buffer: bytes, at: int) -> int:
    """The quote that ends the literal around ``at``."""
    found = _CLOSING.search(buffer, at)
    while found is not None and _escaped(buffer, found.start()):
        found = _CLOSING.search(buffer, found.end())
    return len(buffer) if found is None else found.start()


def _column(buffer: bytes, closing: int, table: Table) -> int:
    """The index of the column whose literal ends at ``closing``, counted from the row's end."""
    rest = _REST_OF_ROW.match(buffer, closing)
    if rest is None or not table.columns:
        return -1
    return len(table.columns) - 1 - len(_VALUE_IN_REST.findall(rest[1]))
