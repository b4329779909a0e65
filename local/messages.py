"""The little of HTTP/1.1 that the front proxy needs: heads, and bodies as streams of chunks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

HEAD_LIMIT = 64 * 1024
_PIECE = 64 * 1024
type Headers = list[tuple[str, str]]


class MalformedMessageError(Exception):
    """The peer does not speak HTTP/1.1 as the proxy understands it."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """A request's or response's first line and headers."""

    first: tuple[str, str, str]
    headers: Headers

    def get(self, name: str) -> str:
        """Return a header's value, or nothing."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    def encoded(self) -> bytes:
        """Return it as it goes over the wire."""
        lines = [" ".join(self.first), *(f"{key}: {value}" for key, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def replaced(self, **headers: str | None) -> Head:
        """Return a copy with some headers set (underscores for hyphens) or, with None, removed."""
        changes = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = [(key, value) for key, value in self.headers if key.lower() not in changes]
        added = [(key.title(), value) for key, value in changes.items() if value is not None]
        return Head(first=self.first, headers=kept + added)


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read a head; None when the peer closed the connection instead."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise MalformedMessageError("The message ends within its headers.") from None
    except asyncio.LimitOverrunError:
        raise MalformedMessageError("The headers are too long.") from None
    first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
    parts = first.split(" ", 2)
    if len(parts) == 2:  # noqa: PLR2004  (a status line may lack its reason)
        parts.append("")
    if len(parts) != 3:  # noqa: PLR2004  (method, target, version; or version, status, reason)
        raise MalformedMessageError("The first line is not HTTP.")
    headers = []
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon:
            raise MalformedMessageError("A header has no colon.")
        headers.append((key.strip(), value.strip()))
    return Head(first=(parts[0], parts[1], parts[2]), headers=headers)


async def body_of_request(head: Head, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield a request's body; without a length there is none."""
    if "chunked" in head.get("transfer-encoding").lower():
        async for piece in _chunks(reader):
            yield piece
    elif length := _length(head):
        async for piece in _exactly(reader, length):
            yield piece


async def body_of_response(
    head: Head, reader: asyncio.StreamReader, method: str
) -> AsyncIterator[bytes]:
    """Yield a response's body; without a length it ends with the connection."""
    if method == "HEAD" or head.first[1] in {"204", "304"}:
        return
    if "chunked" in head.get("transfer-encoding").lower():
        async for piece in _chunks(reader):
            yield piece
    elif head.get("content-length"):
        async for piece in _exactly(reader, _length(head)):
            yield piece
    else:
        while piece := await reader.read(_PIECE):
            yield piece


def chunk(piece: bytes) -> bytes:
    """Return a piece as one chunk; an empty piece ends the body."""
    return f"{len(piece):x}\r\n".encode() + piece + b"\r\n"


def _length(head: Head) -> int:
    text = head.get("content-length") or "0"
    if not text.isdigit():
        raise MalformedMessageError("Content-Length is not a number.")
    return int(text)


async def _exactly(reader: asyncio.StreamReader, length: int) -> AsyncIterator[bytes]:
    while length:
        piece = await reader.read(min(length, _PIECE))
        if not piece:
            raise MalformedMessageError("The body is shorter than announced.")
        length -= len(piece)
        yield piece


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        line = await reader.readline()
        try:
            size = int(line.split(b";")[0], 16)
        except ValueError:
            raise MalformedMessageError("A chunk has no size.") from None
        if size == 0:
            while (await reader.readline()).strip():
                pass
            return
        async for piece in _exactly(reader, size):
            yield piece
        await reader.readline()
