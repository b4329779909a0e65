"""Layers of escaping around a text: SQL literal, JSON string, percent, entities, PHP ``S:``.

A layer decodes a stretch of text so that what lies inside can be parsed and measured, and then
carries edits of the decoded text back onto the encoded one. Only edited spans are encoded anew,
so everything else keeps the spelling it had.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import unescape

from migrator.rewrite.edits import Edit


@dataclass(frozen=True, slots=True)
class Layer:
    """One kind of escaping.

    ``unit`` matches one escape sequence; ``decode`` gives its bytes; ``escape`` encodes new text
    and ``slash`` is how the slash before it was spelled (empty when there was none).
    """

    name: str
    unit: re.Pattern[bytes]
    decode: Callable[[bytes], bytes]
    escape: Callable[[bytes, bytes], bytes]


class Decoded:
    """A decoded stretch of text and the way back; offsets are relative to the stretch."""

    def __init__(self, layer: Layer, encoded: bytes) -> None:
        self._layer, self._encoded = layer, encoded
        # Ends of escape sequences, decoded and encoded: between them both advance alike.
        self._plain_ends = [0]
        self._coded_ends = [0]
        self._starts = [0]
        pieces: list[bytes] = []
        at = size = 0
        for found in layer.unit.finditer(encoded):
            start, end = found.span()
            text = layer.decode(found[0])
            pieces += (encoded[at:start], text)
            size += start - at
            self._starts.append(size)
            size += len(text)
            self._plain_ends.append(size)
            self._coded_ends.append(end)
            at = end
        pieces.append(encoded[at:])
        self.text = b"".join(pieces)

    def encode(self, edits: Sequence[Edit]) -> list[Edit]:
        """Edits of ``text`` as edits of the encoded stretch."""
        return [self._encode(edit) for edit in edits]

    def _encode(self, edit: Edit) -> Edit:
        start = self._coded(edit.start)
        slash = b""
        if edit.start and self.text[edit.start - 1 : edit.start] == b"/":
            slash = self._encoded[self._coded(edit.start - 1) : start]
        new = self._layer.escape(edit.new, slash)
        return Edit(start, self._coded(edit.end), new, edit.form)

    def _coded(self, offset: int) -> int:
        """The encoded offset at which the decoded byte ``offset`` begins."""
        index = bisect_right(self._plain_ends, offset) - 1
        if index + 1 < len(self._starts) and offset > self._starts[index + 1]:
            return self._coded_ends[index + 1]  # inside a sequence of several bytes: behind it
        return self._coded_ends[index] + offset - self._plain_ends[index]


# --- SQL literals ---

_SQL_NAMED = {b"0": b"\0", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"Z": b"\x1a"}
_SQL_SPECIAL = re.compile(rb"[\\'\"\0\n\r\x1a]")
_CANONICAL = (
    (b"\\", b"\\\\"),
    (b'"', b'\\"'),
    (b"'", b"\\'"),
    (b"\n", b"\\n"),
    (b"\r", b"\\r"),
    (b"\0", b"\\0"),
    (b"\x1a", b"\\Z"),
)
_SQL_SPECIAL_UNQUOTED = re.compile(rb"[\0\n\r\x1a']")
_SQL_ESCAPED = {b"\0": b"\\0", b"\n": b"\\n", b"\r": b"\\r", b"\x1a": b"\\Z"}


def _sql_decode(unit: bytes) -> bytes:
    if unit[:1] != b"\\":
        return unit[:1]
    return _SQL_NAMED.get(unit[1:], unit[1:])


def _sql_escape(new: bytes, _slash: bytes) -> bytes:
    return _SQL_SPECIAL.sub(lambda found: _SQL_ESCAPED.get(found[0], b"\\" + found[0]), new)


def sql_layer(quote: bytes, *, backslash: bool) -> Layer:
    """A literal between ``quote``s.

    Without ``backslash`` (NO_BACKSLASH_ESCAPES) only a doubled quote is an escape.
    """
    doubled = quote + quote
    if backslash:
        unit = re.compile(rb"\\.|" + doubled, re.DOTALL)
        return Layer("sql", unit, _sql_decode, _sql_escape)
    return Layer(
        "sql-standard",
        re.compile(doubled),
        lambda found: found[:1],
        lambda new, _slash: new.replace(quote, doubled),
    )


def decode_quotes(raw: bytes) -> bytes | None:
    """The text of a literal in which only quotes are escaped, and all of them; otherwise None.

    ``encode_quotes`` of the result is ``raw`` again.
    """
    text = half = raw.replace(b'\\"', b'"')
    if b"\\" in half:
        text = half.replace(b"\\'", b"'")
        if b"\\" in text:
            return None
    escaped = text.count(b'"') == len(raw) - len(half) and text.count(b"'") == len(half) - len(text)
    return text if escaped else None


def encode_quotes(text: bytes) -> bytes:
    """A text without backslashes with its quotes escaped."""
    return text.replace(b'"', b'\\"').replace(b"'", b"\\'")


def decode_canonical(raw: bytes) -> bytes | None:
    """The text of a literal written the way dump programs do, otherwise None.

    Much faster than `Decoded`; ``encode_canonical`` of the result is ``raw`` again.
    """
    text = raw.replace(b'\\"', b'"')
    if b"\\" not in text and text.count(b'"') == len(raw) - len(text):
        return text if _SQL_SPECIAL_UNQUOTED.search(text) is None else None
    parts = [_unescape(part) for part in raw.split(b"\\\\")]
    text = b"\\".join(parts)
    return text if encode_canonical(text) == raw else None


def encode_canonical(text: bytes) -> bytes:
    """A text as dump programs write it between single quotes."""
    for plain, escaped in _CANONICAL:
        text = text.replace(plain, escaped)
    return text


def _unescape(part: bytes) -> bytes:
    for plain, escaped in _CANONICAL[1:]:
        part = part.replace(escaped, plain)
    return part


# --- JSON strings ---

_JSON_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def _json_decode(unit: bytes) -> bytes:
    code = unit[1:]
    if code[:1] != b"u" or len(code) == 1:
        return _JSON_NAMED.get(code, code)
    text = code[1:].decode("ascii").replace("\\u", "")
    raw = bytes.fromhex(text).decode("utf-16-be", "surrogatepass")
    return raw.encode("utf-8", "surrogatepass")


def _json_escape(new: bytes, slash: bytes) -> bytes:
    escaped = new.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return escaped.replace(b"/", slash) if slash else escaped


JSON = Layer(
    "json",
    re.compile(
        rb"\\u[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\.",
        re.DOTALL,
    ),
    _json_decode,
    _json_escape,
)

# --- percent-encoding ---


def _percent_escape(new: bytes, slash: bytes) -> bytes:
    lower = slash == b"%2f"
    escaped = new.replace(b"%", b"%25").replace(b":", b"%3a" if lower else b"%3A")
    return escaped.replace(b"/", slash) if slash else escaped


PERCENT = Layer(
    "percent",
    re.compile(rb"%[0-9A-Fa-f]{2}|\+"),
    lambda unit: b" " if unit == b"+" else bytes.fromhex(unit[1:].decode("ascii")),
    _percent_escape,
)

# --- HTML entities ---


def _entity_decode(unit: bytes) -> bytes:
    return unescape(unit.decode("ascii")).encode("utf-8", "surrogatepass")


def _entity_escape(new: bytes, slash: bytes) -> bytes:
    escaped = new.replace(b"&", b"&amp;").replace(b'"', b"&quot;")
    return escaped.replace(b"/", slash) if slash else escaped


ENTITY = Layer(
    "entity",
    re.compile(rb"&(?:#[0-9]{1,7}|#[Xx][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});"),
    _entity_decode,
    _entity_escape,
)

# --- PHP's S: strings, in which a byte may be written as backslash and two hex digits ---

PHP_HEX = Layer(
    "php-hex",
    re.compile(rb"\\[0-9A-Fa-f]{2}"),
    lambda unit: bytes.fromhex(unit[1:].decode("ascii")),
    lambda new, slash: new.replace(b"\\", b"\\5c").replace(b"/", slash or b"/"),
)
