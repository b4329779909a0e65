"""The streaming interface: bytes of a dump in, bytes of the rewritten dump out."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Protocol

from migrator.rewrite.forms import OriginMatcher
from migrator.rewrite.lexer import Lexer
from migrator.rewrite.origin import OriginMapping
from migrator.rewrite.report import RewriteReport

BLOCK_BYTES = 1 << 19


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
        return _joined(self.pieces(chunk))

    def finish(self) -> bytes:
        """The rest of the output; afterwards ``report`` is complete."""
        return _joined(self.last_pieces())

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """`feed` for values of any size: the output in pieces, to be taken before the next call."""
        self._pieces.append(chunk)
        self._size += len(chunk)
        self.report.bytes_in += len(chunk)
        if self._size >= self._wanted:
            yield from self._advance(final=False)

    def last_pieces(self) -> Iterator[bytes]:
        """`finish` in pieces."""
        return self._advance(final=True)

    def _advance(self, *, final: bool) -> Iterator[bytes]:
        buffer = b"".join(self._pieces)
        self._pieces.clear()
        large: Iterator[bytes] | None = iter(())
        while large is not None:
            out, used = self._lexer.consume(buffer, final=final)
            buffer = buffer[used:]
            result = b"".join(out)
            del out
            self.report.bytes_out += len(result)
            yield result
            large = self._lexer.large
            for piece in large or ():
                self.report.bytes_out += len(piece)
                yield piece
        self._size = len(buffer)
        # A token longer than the buffer is tried again when twice as much is there.
        self._wanted = max(BLOCK_BYTES, 2 * self._size)
        if buffer:
            self._pieces.append(buffer)


def _joined(pieces: Iterator[bytes]) -> bytes:
    """All pieces in one; a buffer that grows needs less memory than a join of large ones."""
    first = next(pieces, b"")
    joined: io.BytesIO | None = None
    for piece in pieces:
        if joined is None:
            joined = io.BytesIO()
            joined.write(first)
        joined.write(piece)
    return first if joined is None else joined.getvalue()


def rewrite_stream(
    source: Source, sink: Sink, mappings: Sequence[OriginMapping], *, keep_guid: bool = True
) -> RewriteReport:
    """Rewrite everything ``source`` has into ``sink``."""
    rewriter = Rewriter(mappings, keep_guid=keep_guid)
    while chunk := source.read(BLOCK_BYTES):
        for piece in rewriter.pieces(chunk):
            sink.write(piece)
    for piece in rewriter.last_pieces():
        sink.write(piece)
    return rewriter.report
