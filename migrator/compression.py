"""zstd around a stream, in constant memory: one block of plain bytes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, cast

import zstandard

from migrator.errors import JobFailure
from migrator.transfer import BLOCK_BYTES, ByteSink


class Compressor:
    """zstd in front of a sink; `close` writes the end of the frame, the sink stays open."""

    def __init__(self, sink: ByteSink) -> None:
        self._sink = sink
        self._zstd = zstandard.ZstdCompressor(level=3, write_checksum=True).compressobj()

    def write(self, data: bytes) -> int:
        """Take the next plain bytes."""
        if packed := self._zstd.compress(data):
            self._sink.write(packed)
        return len(data)

    def close(self) -> None:
        """Write what is left."""
        self._sink.write(self._zstd.flush())

    def as_file(self) -> IO[bytes]:
        """Return itself for a library that only ever writes to its file."""
        return cast("IO[bytes]", self)


class BlockReader:
    """Reads an iterator of blocks like a file (`read(n)` for zstandard and tarfile)."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; b"" at the end."""
        if size < 0:
            return self._rest + b"".join(self._blocks)
        if not self._rest:
            self._rest = next(self._blocks, b"")
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def as_file(self) -> IO[bytes]:
        """Return itself for a library that only ever reads from its file."""
        return cast("IO[bytes]", self)


def decompressed(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the plain bytes of a zstd stream, never more than a block at once.

    Reads the source to its very end, so that its sha256 is checked there.
    Raises JobFailure when it is no zstd stream or its checksum is wrong.
    """
    source = BlockReader(blocks)
    try:
        with zstandard.ZstdDecompressor().stream_reader(
            source.as_file(), read_across_frames=True, closefd=False
        ) as reader:
            while block := reader.read(BLOCK_BYTES):
                yield block
    except zstandard.ZstdError as error:
        raise JobFailure(
            f"A transfer cannot be decompressed ({error}): it is damaged. Export it again."
        ) from None
    while source.read(BLOCK_BYTES):
        continue
