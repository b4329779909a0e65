"""PHP's serialize() format: which lengths change when a text inside it changes.

The parser is strict, as unserialize() is: lengths in bytes, element counts, terminators. It never
builds the structure; it walks over it and hands every string that may hold an origin to the
caller, whose edits it returns together with the edits of the lengths around them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence

from migrator.rewrite.edits import Edit, growth, shifted
from migrator.rewrite.encoded import PHP_HEX, Decoded

Inner = Callable[[bytes, int, int, Sequence[int]], list[Edit]]
"""Edits of a string's content: the text it stands in, its bounds and the hits between them."""
Positions = Callable[[bytes], list[int]]
"""The rising offsets at which an origin may stand in a text."""

_ENUM = rb"|E:[0-9]++:\"[^\";]*+\";"
_SCALAR = (
    rb"(?:i:[+-]?[0-9]++;|b:[01];|N;|[rR]:[0-9]++;"
    + _ENUM
    + rb"|d:(?:[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?|-?INF|NAN);)"
)
_TOKEN = re.compile(
    _SCALAR + rb"|s:([0-9]++):\"|a:([0-9]++):\{|O:([0-9]++):\"|C:([0-9]++):\"|S:([0-9]++):\""
)
# The frequent tokens at once: numbers and strings of fewer than 100 bytes with their length
# checked. None of them holds a semicolon but its last byte, so counting those counts the tokens.
_RUN = re.compile(
    rb"(?:s:(?:"
    + b"|".join(
        b'%d(?::"[^;]{%d}"%s);'
        % (
            ten,
            ten,
            b"".join(b'|%d:"[^;]{%d}"' % (one, 10 * ten + one) for one in range(10) if ten),
        )
        for ten in range(10)
    )
    + rb")|"
    + _SCALAR.replace(_ENUM, b"")
    + rb")++"
)
_SIMPLE = re.compile(rb"s:([0-9]{1,10}):\"|a:([0-9]{1,10}):\{")
_STRING, _ARRAY, _OBJECT, _CUSTOM, _HEX_STRING = range(1, 6)
_PROPERTIES = re.compile(rb'":([0-9]++):\{')
_MAX_LENGTH_DIGITS = 10


class NotSerializedError(ValueError):
    """Not a serialized value: unserialize() would refuse it. ``at`` is where the walk ended."""

    def __init__(self, at: int) -> None:
        super().__init__(f"not serialized data at byte {at}")
        self.at = at


def parse_serialized(
    text: bytes, start: int, hits: Sequence[int], inner: Inner, positions: Positions
) -> tuple[int, list[Edit]]:
    """Walk over the value at ``start``; returns its end and the edits within it.

    ``hits`` are the rising offsets at which an origin may stand; strings without one are skipped.
    Raises NotSerializedError.
    """
    walk = _Walk(text, hits, inner, positions)
    end = walk.value(start)
    return end, walk.edits


def simple_edits(  # noqa: C901 - one loop over what most values consist of
    text: bytes, hits: Sequence[int], inner: Inner
) -> list[Edit] | None:
    """The edits of a text that is one serialized value of arrays, strings and numbers.

    The same as those of `parse_serialized`, sooner; None: the text is something else.
    """
    edits: list[Edit] = []
    outer: list[int] = []  # values still to come in the containers around
    at, left, size, index = 0, 1, len(text), 0
    hit = hits[0]
    while at < size:
        if outer:
            run = _RUN.match(text, at, hit)
            if run is not None:
                left -= text.count(b";", at, run.end())
                at = run.end()
            if text[at : at + 1] == b"}":
                if left:
                    return None
                left, at = outer.pop(), at + 1
                if not outer:
                    break
                continue
        token = _SIMPLE.match(text, at)
        if token is None or left < 1:
            return None
        left -= 1
        if token.lastindex == _ARRAY:
            outer.append(left)
            at, left = token.end(), 2 * int(token[_ARRAY])
            continue
        start = token.end()
        end = start + int(token[_STRING])
        at = end + 2
        if text[end:at] != b'";':
            return None
        if hit < end:
            first, index = index, bisect_left(hits, end, index)
            found = inner(text, start, end, hits[first:index])
            delta = growth(found)
            if delta:
                edits.append(Edit(*token.span(_STRING), b"%d" % (end - start + delta)))
            edits += found
            hit = hits[index] if index < len(hits) else size
        if not outer:
            break
    return edits if at == size and index == len(hits) else None


class _Walk:
    def __init__(
        self, text: bytes, hits: Sequence[int], inner: Inner, positions: Positions
    ) -> None:
        self._text, self._hits, self._inner, self._positions = text, hits, inner, positions
        self.edits: list[Edit] = []

    def value(self, start: int) -> int:
        """Walk one value, however deeply its containers nest; returns its end."""
        text, at = self._text, start
        outer: list[int] = []  # values still to come in the containers around
        left = 1  # and in the innermost one
        while True:
            if outer:
                run = _RUN.match(text, at, self._next_hit(at))
                if run is not None:
                    left -= text.count(b";", at, run.end())
                    at = run.end()
                if text[at : at + 1] == b"}":
                    if left:
                        raise NotSerializedError(at)
                    left, at = outer.pop(), at + 1
                    if not outer:
                        return at
                    continue
            if left < 1:
                raise NotSerializedError(at)
            at, inside = self._token(at)
            left -= 1
            if inside is not None:
                outer.append(left)
                left = inside
            elif not outer:
                return at

    def _next_hit(self, at: int) -> int:
        index = bisect_left(self._hits, at)
        return self._hits[index] if index < len(self._hits) else len(self._text)

    def _token(self, at: int) -> tuple[int, int | None]:
        """Take one token of any kind; returns its end and, for a container, its value count."""
        token = _TOKEN.match(self._text, at)
        if token is None:
            raise NotSerializedError(at)
        kind = token.lastindex
        if kind is None:
            return token.end(), None
        if kind in (_ARRAY, _OBJECT):
            return self._container(token, kind)
        if kind == _STRING:
            return self._string(token), None
        return (self._custom(token) if kind == _CUSTOM else self._hex_string(token)), None

    def _string(self, token: re.Match[bytes]) -> int:
        start = token.end()
        end = start + _length(token, _STRING)
        if self._text[end : end + 2] != b'";':
            raise NotSerializedError(token.start())
        self._content(start, end, token.span(_STRING))
        return end + 2

    def _container(self, token: re.Match[bytes], kind: int) -> tuple[int, int]:
        """The offset behind the opening brace and the number of values inside."""
        count = _length(token, kind)
        if kind == _ARRAY:
            return token.end(), 2 * count
        found = _PROPERTIES.match(self._text, token.end() + count)
        if found is None:
            raise NotSerializedError(token.start())
        return found.end(), 2 * _length(found, 1)

    def _custom(self, token: re.Match[bytes]) -> int:
        found = _PROPERTIES.match(self._text, token.end() + _length(token, _CUSTOM))
        if found is None:
            raise NotSerializedError(token.start())
        end = found.end() + _length(found, 1)
        if self._text[end : end + 1] != b"}":
            raise NotSerializedError(token.start())
        self._content(found.end(), end, found.span(1))
        return end + 1

    def _hex_string(self, token: re.Match[bytes]) -> int:
        text, start = self._text, token.end()
        end, left = start, _length(token, _HEX_STRING)
        while left:
            step = 3 if PHP_HEX.unit.match(text, end) else 1
            if text[end : end + 1] == b"\\" and step == 1:
                raise NotSerializedError(end)
            end, left = end + step, left - 1
        if text[end : end + 2] != b'";':
            raise NotSerializedError(token.start())
        decoded = Decoded(PHP_HEX, text[start:end])
        inside = decoded.text
        edits = self._inner(inside, 0, len(inside), self._positions(inside))
        if edits:
            self._lengthen(token.span(_HEX_STRING), growth(edits))
            self.edits += shifted(decoded.encode(edits), start)
        return end + 2

    def _content(self, start: int, end: int, length: tuple[int, int]) -> None:
        hits = self._hits
        index = bisect_left(hits, start)
        if index == len(hits) or hits[index] >= end:
            return
        edits = self._inner(self._text, start, end, hits[index : bisect_left(hits, end, index)])
        if edits:
            self._lengthen(length, growth(edits))
            self.edits += edits

    def _lengthen(self, span: tuple[int, int], delta: int) -> None:
        if delta:
            length = int(self._text[span[0] : span[1]]) + delta
            self.edits.append(Edit(span[0], span[1], b"%d" % length))


def _length(found: re.Match[bytes], group: int) -> int:
    digits = found[group]
    if len(digits) > _MAX_LENGTH_DIGITS:
        raise NotSerializedError(found.start())
    return int(digits)
