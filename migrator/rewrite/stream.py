"""The streaming interface: bytes of a dump in, bytes of the rewritten dump out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from migrator.rewrite.forms import OriginMatcher
from migrator.rewrite.lexer import Lexer
from migrator.rewrite.origin import OriginMapping
from migrator.rewrite.report import RewriteReport

BLOCK_BYTES = 1 << 22


class Source(Protocol):
    """Anything that reads bytes; an empty answer is the end."""

    def read(self, size: int, /) -> bytes: ...


class Sink(Protocol):
    """Anything that takes bytes."""

    def write(self, data: bytes, /) -> object: ...


class Rewriter:
    """Rewrites one dump, fed in pieces of any size; the output does not depend on the sizes."""

    def __init__(self, mappings: Sequence[OriginMapping], *, keep_guid: bool = True) -> None:
        self.report = RewriteReport()
        self._lexer = Lexer(OriginMatcher(mappings), self.report, keep_guid=keep_guid)
        self._pieces: list[bytes] = []
        self._size = 0
        self._wanted = BLOCK_BYTES

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; returns what is ready, which may be nothing."""
        self._pieces.append(chunk)
        self._size += len(chunk)
        self.report.bytes_in += len(chunk)
        if self._size < self._wanted:
            return b""
        return self._advance(final=False)

    def finish(self) -> bytes:
        """The rest of the output; afterwards ``report`` is complete."""
        return self._advance(final=True)

    def _advance(self, *, final: bool) -> bytes:
        buffer = b"".join(self._pieces)
        self._pieces = []
        out, used = self._lexer.consume(buffer, final=final)
        rest = buffer[used:]
        if rest:
            self._pieces = [rest]
        self._size = len(rest)
        # A token longer than the buffer is tried again when twice as much is there.
        self._wanted = max(BLOCK_BYTES, 2 * len(rest))
        result = b"".join(out)
        self.report.bytes_out += len(result)
        return result


def rewrite_stream(
    source: Source, sink: Sink, mappings: Sequence[OriginMapping], *, keep_guid: bool = True
) -> RewriteReport:
    """Rewrite everything ``source`` has into ``sink``."""
    rewriter = Rewriter(mappings, keep_guid=keep_guid)
    while chunk := source.read(BLOCK_BYTES):
        sink.write(rewriter.feed(chunk))
    sink.write(rewriter.finish())
    return rewriter.report
