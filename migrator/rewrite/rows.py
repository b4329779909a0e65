"""The fast scanner: rewrites complete rows by looking only where a source host stands.

Dump programs write every literal between single quotes, escape quotes within it by a backslash,
and put a comma, a parenthesis or an introducer in front of it. In such text the last unescaped
quote before a host is the opening quote of its literal, so nothing else has to be read. Where the
text is not like that, the scan ends and the exact lexer takes over from there.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from migrator.rewrite.forms import OriginMatcher
from migrator.rewrite.report import RewriteReport
from migrator.rewrite.tables import Keep, Table
from migrator.rewrite.text import MARK, PERCENT_MARK, origin_edits
from migrator.rewrite.values import ValueRewriter

_BACKSLASH = 0x5C
_STEPS = 32
_LITERAL_STARTS = frozenset(b",(")
_BINARY = b"_binary "
_CLOSING = re.compile(rb"'(?:(?<!\\')|(?<=\\\\'))")
_VALUE = rb"[^',()]*+(?:'(?:[^'\\]++|\\.)*+'[^',()]*+)?+"
_ROW_END = rb"\)\s*+(?:[,;/-]|[Oo][Nn]\b|\Z)"
_REST_OF_ROW = re.compile(rb"'((?:," + _VALUE + rb")*+)" + _ROW_END, re.DOTALL)
_VALUE_IN_REST = re.compile(rb"," + _VALUE, re.DOTALL)


class RowScanner:
    """Scans rows of one dump; ``out`` and ``copied`` are what the last scan made of them."""

    def __init__(
        self, matcher: OriginMatcher, values: ValueRewriter, report: RewriteReport
    ) -> None:
        self._matcher, self._values, self._report = matcher, values, report
        self._shortcuts = matcher.shortcuts()
        self._width = len(matcher.needles[0])
        self._tails: dict[int, re.Pattern[bytes]] = {}
        self._forms: list[str] = []
        self._stayed: list[int] = []
        self._changed = 0
        self.out: list[bytes] = []
        """The output up to ``copied``, an offset of the buffer."""
        self.copied = 0

    def scan(
        self, buffer: bytes, span: tuple[int, int], copied: int, table: Table, offset: int
    ) -> int:
        """Rewrite the rows between two offsets; ``offset`` is the buffer's in the dump.

        Returns how far they are settled: when that is not their end, the rest is not what a dump
        program writes.
        """
        start, end = span
        self.out, self.copied, self._changed = [], copied, 0
        settled, index = start, 0
        hits = self._matcher.positions(buffer, start, end)
        while index < len(hits):
            at = hits[index]
            opening = buffer.rfind(b"'", settled, at)
            if opening > 0 and buffer[opening - 1] == _BACKSLASH:
                opening = _opening_before(buffer, settled, at)
            closing = buffer.find(b"'", at, end)
            if closing > 0 and buffer[closing - 1] == _BACKSLASH:
                closing = _closing(buffer, closing, end)
            if opening < 0 or closing < 0:
                break
            behind = bisect_left(hits, closing, index + 1)
            inside = hits[index:behind]
            if table.keep or buffer[opening - 1] not in _LITERAL_STARTS:
                kept = self._keeps(buffer, (opening, closing), inside, table)
                if kept is None:
                    break
            else:
                kept = False
            if not kept and (
                MARK.search(buffer, opening, inside[-1]) or not self._plain(buffer, opening, inside)
            ):
                self._structured(buffer, opening, closing, table, offset)
            settled, index = closing + 1, behind
        else:
            settled = end
        self._count(buffer, table)
        return settled

    # --- private ---

    def _plain(self, buffer: bytes, opening: int, hits: Sequence[int]) -> bool:
        """Rewrite the hits in a literal without lengths; False: it must be parsed after all."""
        out, forms, known, width = self.out, self._forms, self._shortcuts.get, self._width
        copied = begin = self.copied
        pieces, counted, stayed = len(out), len(forms), len(self._stayed)
        settled = 0
        for at in hits:
            if at < settled:
                continue
            found = known(buffer[at - 8 : at + width + 1]) or known(
                buffer[at - 12 : at + width + 3]
            )
            if found:
                out += (buffer[copied : at - found[0]], found[1])
                forms.append(found[2])
                copied = settled = at + width
                continue
            match = self._matcher.match(buffer, at, opening + 1)
            if match is None:
                self._stayed.append(at)
                continue
            settled = match.end
            if match.form == "percent" and PERCENT_MARK.search(buffer, opening, at):
                del out[pieces:], forms[counted:], self._stayed[stayed:]
                return False
            for first, last, new, form in origin_edits(buffer, match):
                out += (buffer[copied:first], new)
                copied = last
                if form:
                    forms.append(form)
        self._changed += copied != begin
        self.copied = copied
        return True

    def _keeps(
        self, buffer: bytes, literal: tuple[int, int], hits: Sequence[int], table: Table
    ) -> bool | None:
        """Whether a literal is kept as it is, in which case it is counted; None: not understood."""
        opening, closing = literal
        reason = Keep.BLOB
        if buffer[opening - 1] not in _LITERAL_STARTS:
            if buffer[opening - len(_BINARY) : opening] != _BINARY:
                return None
            column = _column(buffer, closing, table)
        else:
            after = len(table.columns) - 1
            fits = (at for at in table.keep if self._tail(after - at).match(buffer, closing))
            column = next(fits, -1)
            if column < 0:
                return False
            reason = table.keep[column]
        first = opening + 1
        inside = [at - first for at in hits]
        self._values.kept(buffer[first:closing], inside, table, column, reason)
        return True

    def _tail(self, columns: int) -> re.Pattern[bytes]:
        """Matches from a closing quote when exactly ``columns`` values follow in the row."""
        tail = self._tails.get(columns)
        if tail is None:
            pattern = b"'(?:,%s){%d}" % (_VALUE, columns) + _ROW_END
            tail = self._tails[columns] = re.compile(pattern, re.DOTALL)
        return tail

    def _structured(
        self, buffer: bytes, opening: int, closing: int, table: Table, offset: int
    ) -> None:
        """Rewrite one literal with all its lengths."""
        new = self._values.structured(
            buffer[opening + 1 : closing],
            table,
            lambda: _column(buffer, closing, table),
            offset + opening,
            backslash=True,
            quote=b"'",
        )
        if new is not None:
            self.out += (buffer[self.copied : opening + 1], new)
            self.copied = closing

    def _count(self, buffer: bytes, table: Table) -> None:
        report = self._report
        if self._forms:
            report.forms.update(Counter(self._forms))
            report.tables[table.name] += len(self._forms)
            report.values_changed[table.name] += self._changed
            self._forms.clear()
        for at in self._stayed:
            kind = self._values.leftover_kind(buffer, at)
            if kind is not None:
                column = table.column(_column(buffer, _closing(buffer, at, len(buffer)), table))
                report.leftovers[table.name, column, kind] += 1
        self._stayed.clear()


def _opening_before(buffer: bytes, start: int, at: int) -> int:
    """The opening quote of the literal around ``at`` though escaped quotes stand in between."""
    quote = at
    for _ in range(_STEPS):
        quote = buffer.rfind(b"'", start, quote)
        if quote < 1 or buffer[quote - 1] != _BACKSLASH:
            return quote
        if buffer[quote - 2] == _BACKSLASH and not _escaped(buffer, quote):
            return quote
    # Many of them: what stands in front of it cannot stand in front of a quote inside.
    found = buffer.rfind(b",'", start, at)
    found = max(found, buffer.rfind(b"('", max(found, start), at))
    found = max(found, buffer.rfind(b" '", max(found, start), at))
    return found + 1 if found >= 0 else -1


def _escaped(buffer: bytes, at: int) -> bool:
    run = at
    while run and buffer[run - 1] == _BACKSLASH:
        run -= 1
    return (at - run) % 2 == 1


def _closing(buffer: bytes, at: int, end: int) -> int:
    """The quote that ends the literal around ``at``; -1 when there is none before ``end``."""
    found = _CLOSING.search(buffer, at, end)
    while found is not None and _escaped(buffer, found.start()):
        found = _CLOSING.search(buffer, found.end(), end)
    return -1 if found is None else found.start()


def _column(buffer: bytes, closing: int, table: Table) -> int:
    """The index of the column whose literal ends at ``closing``, counted from the row's end."""
    rest = _REST_OF_ROW.match(buffer, closing) if closing >= 0 else None
    if rest is None or not table.columns:
        return -1
    return len(table.columns) - 1 - len(_VALUE_IN_REST.findall(rest[1]))
