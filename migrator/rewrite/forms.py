"""The spellings of an origin in text, and the replacement that keeps the spelling.

A URL is stored plainly, JSON-escaped (any number of backslashes), percent-encoded (once or more)
or with HTML entities. All of these are recognised in one text without decoding it first, so the
same rules work on raw SQL literals and on decoded values.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import NamedTuple

from migrator.rewrite.origin import DEFAULT_PORTS, OriginMapping

_AMP = rb"&(?:amp;)*+"
_PERCENT_SLASH = rb"%(?:25)*+2[Ff]"
SLASH = (
    rb"(?:\\*+/|" + _PERCENT_SLASH + rb"|" + _AMP + rb"(?:#[Xx]0*+2[Ff]|#0*+47|sol);"
    rb"|\\++(?:u002[Ff]|x2[Ff]))"
)
COLON = (
    rb"(?::|%(?:25)*+3[Aa]|" + _AMP + rb"(?:#[Xx]0*+3[Aa]|#0*+58|colon);"
    rb"|\\++(?:u003[Aa]|x3[Aa]))"
)
_AT = rb"(?:@|%(?:25)*+40|" + _AMP + rb"(?:#[Xx]0*+40|#0*+64|commat);|\\++u0040)"
_DOT = rb"(?:\.|%(?:25)*+2[Ee]|" + _AMP + rb"(?:#[Xx]0*+2[Ee]|#0*+46|period);)"

# A letter of an internationalised name in UTF-8; ideographs and punctuation end a name in prose.
_LETTER = rb"[\xc3-\xdf][\x80-\xbf]"
_HOST_END = (
    rb"(?!(?!(?i:https?)" + COLON + SLASH + rb")"  # one address stuck to the next
    rb"(?:-*+[A-Za-z0-9_]|" + _LETTER + rb"|" + _DOT + rb"-*+(?:[A-Za-z0-9_]|" + _LETTER + rb")"
    rb"|\.?" + COLON + rb"[0-9]"
    rb"|\.?(?:" + COLON + rb"[^\s/\\@\"'<>&]{0,128})?" + _AT + rb"))"
)
# After a path: what may follow is an end of segment; anything that continues it is a sibling.
_PATH_END = (
    rb"(?!-*+[A-Za-z0-9_]|[~+@]|\.[A-Za-z0-9_]|" + _LETTER + rb"|[\xe4-\xed][\x80-\xbf]"
    rb"|%(?!(?:25)*+(?:2[237Ff]|3[CcEeFf]"
    rb"|(?(percent)(?:0[9AaDd]|2[01689BbCc]|3[AaBbDd]|5[B-Db-d]|7[B-Db-d])|(?!)))))"
)

_PREFIX = re.compile(
    rb"(?:(?P<scheme>(?i:https?))(?P<colon>" + COLON + rb"))?"
    rb"(?P<first>" + SLASH + rb")(?P<slash>" + SLASH + rb")\Z"
)
# Escaping so deep that two slashes may not fit into the first window.
_DEEP = re.compile(rb"\\{8}|%252525|&amp;amp;amp;")
_PREFIX_LAST_BYTES = frozenset(b"/fF;")
_PREFIX_WINDOWS = (40, 4096)
_ROOM = 8  # bytes a window shows before a prefix, so that it is seen whole
_MAX_TAILS = 256
# What may not stand before a protocol-relative reference: a scheme's colon, a path, a name...
_CONTINUES = re.compile(
    rb"(?:[A-Za-z0-9_.:/~%@]|" + _AMP + rb"(?i:#58|#x3a|colon|#47|#x2f|sol);)\Z"
)
# ... unless it is the tail of an escaped separator.
_SEPARATES = re.compile(
    rb"(?:\\[nrtbfvZ0]"
    rb"|\\u00(?:0[9AaDd]|2[0-2789AaCc]|3[B-Eb-e]|5[Bb]|7[Bb])"
    rb"|%(?:25)*+(?:0[9AaDd]|2[0-2789Cc]|3[B-Eb-e]|5[Bb]|7[BbCc]))\Z"
)
_SHORTCUTS = [(b"https://", bytes([each])) for each in b"/\"'<> ?#)"]
_SHORTCUTS.append((rb"https:\\/\\/", rb"\\/"))


class OriginMatch(NamedTuple):
    """One form of an origin found in a text; offsets are of that text.

    ``scheme`` is the text for ``[scheme_start:scheme_end]`` (both -1 when there is none) and
    ``tail`` the text for ``[host_start:end]``: host, port and path in the spelling of the match.
    """

    scheme_start: int
    scheme_end: int
    scheme: bytes
    host_start: int
    end: int
    tail: bytes
    form: str


class _Prefix(NamedTuple):
    """What stands before a host: separators and scheme as spelled, offsets of the text."""

    start: int
    scheme: bytes | None
    scheme_end: int
    colon: bytes
    slash: bytes


class OriginMatcher:
    """Finds the source origins of all mappings; the longest host and path win."""

    def __init__(self, mappings: Sequence[OriginMapping]) -> None:
        if not mappings:
            raise ValueError("at least one mapping is needed")
        pairs = [(host, each) for each in mappings for host in each.source.spelled_hosts()]
        pairs.sort(key=lambda pair: (len(pair[0]), len(pair[1].source.path)), reverse=True)
        self._entries = [_Entry(host, mapping) for host, mapping in pairs]
        self.needles = tuple(dict.fromkeys(host for host, _ in pairs))
        """Lower-case hosts: a text without any of them holds no form of any source."""
        self._finders = [_finder(needle) for needle in self.needles]

    def positions(self, text: bytes, start: int = 0, end: int = sys.maxsize) -> list[int]:
        """Offsets of every source host in any case, rising, without looking around it."""
        found: list[int] = []
        for pattern, before in self._finders:
            found += [each.start() - before for each in pattern.finditer(text, start, end)]
        if len(self._finders) > 1:
            found = sorted(set(found))
        return found

    def shortcuts(self) -> dict[bytes, tuple[int, bytes, str]]:
        """Frequent spellings in raw SQL literals with all that their match depends on.

        A key is 8 bytes before a host, the host and 1 behind, or 12, the host and 3; a value is
        how far before the host to replace from, by what up to its end, and the form. Empty when
        a match may depend on more.
        """
        if len(self._entries) > 1 or not self._entries[0].ends_with_host:
            return {}
        found: dict[bytes, tuple[int, bytes, str]] = {}
        host = self.needles[0]
        for before, behind in _SHORTCUTS:
            match = self.match(before + host + behind, len(before))
            if match is not None:
                back = 0 if before.startswith(match.scheme + b":") else len(before)
                new = match.scheme + before.lstrip(b"htps") if back else b""
                found[before + host + behind] = (back, new + match.tail, match.form)
        return found

    def match(
        self, text: bytes, host_start: int, start: int = 0, end: int = sys.maxsize
    ) -> OriginMatch | None:
        """The form whose host begins at ``host_start``, or None.

        Looks no further than ``start`` and ``end``, the bounds of the value.
        """
        prefix = _prefix(text, host_start, start)
        if prefix is None:
            return None
        for entry in self._entries:
            found = entry.match(text, host_start, end, prefix)
            if found is not None:
                return found
        return None


class _Entry:
    """One source host of one mapping, with its compiled right-hand boundary."""

    def __init__(self, host: bytes, mapping: OriginMapping) -> None:
        self._source, self._target = mapping.source, mapping.target
        self._pattern = re.compile(_after(host, mapping))
        self._tails: dict[tuple[bytes, bytes], bytes] = {}
        self.ends_with_host = not mapping.source.path and mapping.source.port is None
        """Whether a match ends right behind the host unless a default port follows."""
        if mapping.source.host == mapping.target.host:
            self.ends_with_host = False

    def match(self, text: bytes, host_start: int, end: int, prefix: _Prefix) -> OriginMatch | None:
        found = self._pattern.match(text, host_start, end)
        if found is None or not self._port_fits(found, prefix):
            return None
        key = (prefix.colon, prefix.slash)
        tail = self._tails.get(key) or self._tail(key)
        has_scheme = prefix.scheme is not None
        return OriginMatch(
            prefix.start if has_scheme else -1,
            prefix.scheme_end,
            self._target.scheme.encode() if has_scheme else b"",
            host_start,
            found.end(),
            tail,
            form_of(prefix.scheme, prefix.slash),
        )

    def _port_fits(self, found: re.Match[bytes], prefix: _Prefix) -> bool:
        port = found["port"]
        if port is None or self._source.port is not None:
            return True
        scheme = self._source.scheme if prefix.scheme is None else prefix.scheme.decode().lower()
        return int(port) == DEFAULT_PORTS[scheme]

    def _tail(self, key: tuple[bytes, bytes]) -> bytes:
        colon, slash = key
        target = self._target
        tail = target.host.encode()
        if target.port is not None:
            tail += (colon or colon_like(slash)) + str(target.port).encode()
        tail += target.path.encode().replace(b"/", slash)
        if len(self._tails) < _MAX_TAILS:
            self._tails[key] = tail
        return tail


def _finder(host: bytes) -> tuple[re.Pattern[bytes], int]:
    """A fast pattern for a host in any case, and how far into the host its matches begin.

    A pattern that begins with one certain byte, as a dot is, is sought by memchr; what stands
    before the dot is checked by looking back.
    """
    letters = [
        b"[%c%c]" % (each, each ^ 0x20) if chr(each).isascii() and chr(each).isalpha()
        else re.escape(bytes([each]))
        for each in host
    ]  # fmt: skip
    dot = max(host.rfind(b"."), 0)
    pattern = b"".join(letters[dot:])
    if dot:
        pattern += b"(?<=" + b"".join(letters) + b")"
    return re.compile(pattern), dot


def form_of(scheme: bytes | None, slash: bytes) -> str:
    """The report's name of a spelling."""
    if slash == b"/":
        return "protocol-relative" if scheme is None else scheme.decode().lower()
    if slash.startswith(b"\\"):
        return "json"
    return "percent" if slash.startswith(b"%") else "entity"


def colon_like(slash: bytes) -> bytes:
    """A colon spelled the way a slash was."""
    if slash.endswith(b"/"):
        return b":"
    for old, new in ((b"2F", b"3A"), (b"2f", b"3a"), (b"47", b"58"), (b"sol", b"colon")):
        if old in slash:
            return slash.replace(old, new)
    return b":"


def _after(host: bytes, mapping: OriginMapping) -> bytes:
    source, target = mapping.source, mapping.target
    pattern = b"(?i:" + re.escape(host) + b")"
    if source.port is None:
        pattern += b"(?:" + COLON + b"(?P<port>443|80)(?![0-9]))?+"
    else:
        pattern += COLON + b"(?P<port>%d)(?![0-9])" % source.port
    pattern += _path(source.path, last=b"percent")
    pattern += _PATH_END if source.path else _HOST_END
    same_place = (source.host, source.port) == (target.host, target.port)
    if same_place and target.path.startswith(source.path + "/"):
        # The target lies below the source: what is there already stays.
        below = _path(target.path.removeprefix(source.path), last=b"below")
        pattern += b"(?!" + below + _PATH_END.replace(b"(percent)", b"(below)") + b")"
    return pattern


def _path(path: str, *, last: bytes) -> bytes:
    """The pattern of a path; the group ``last`` tells that its last slash is percent-encoded."""
    parts = [re.escape(part.encode()) for part in path.split("/") if part]
    slashes = [SLASH] * (len(parts) - 1)
    slashes.append(b"(?:(?P<" + last + b">" + _PERCENT_SLASH + b")|" + SLASH + b")")
    return b"".join(slash + part for slash, part in zip(slashes, parts, strict=False))


def _prefix(text: bytes, host_start: int, start: int) -> _Prefix | None:
    if host_start <= start or text[host_start - 1] not in _PREFIX_LAST_BYTES:
        return None
    for width in _PREFIX_WINDOWS:
        begin = max(start, host_start - width)
        window = text[begin:host_start]
        found = _PREFIX.search(window)
        if begin == start or (found.start() > _ROOM if found else not _DEEP.search(window)):
            break
    if found is None:
        return None
    at = begin + found.start()
    scheme = found["scheme"]
    if scheme is None:
        left = text[max(start, at - 24) : at]
        if _CONTINUES.search(left) and not _SEPARATES.search(left):
            return None
        return _Prefix(at, None, -1, b"", found["slash"])
    return _Prefix(at, scheme, at + len(scheme), found["colon"], found["slash"])
