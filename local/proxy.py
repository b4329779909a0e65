"""The front proxy: every site of every environment on one loopback port, chosen by host name."""

from __future__ import annotations

import asyncio
import contextlib
import html
import logging
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from local.localhost_names import BrowserName, browser_name, is_text
from local.messages import (
    HEAD_LIMIT,
    Head,
    MalformedMessageError,
    body_of_request,
    body_of_response,
    chunk,
    read_head,
)
from local.network import LOOPBACK
from local.routing import Page, Refusal, Routing, Target

if TYPE_CHECKING:
    from local.traffic import Traffic

TARGET_SECONDS = 120
logger = logging.getLogger(__name__)


class Proxy:
    """Accepts connections and forwards each request on its own."""

    def __init__(self, routing: Routing, traffic: Traffic) -> None:
        self._routing = routing
        self._traffic = traffic

    async def listen(self, port: int) -> asyncio.Server:
        """Listen on the loopback interface."""
        return await asyncio.start_server(self._serve, LOOPBACK, port, limit=HEAD_LIMIT)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        try:
            while (request := await read_head(reader)) is not None:
                if not await self._answer(request, reader, writer):
                    break
        except MalformedMessageError as error:
            with contextlib.suppress(OSError):
                await _refuse(writer, HTTPStatus.BAD_REQUEST, str(error))
        except (OSError, asyncio.IncompleteReadError):
            logger.debug("A client went away")
        finally:
            writer.close()

    async def _answer(
        self, request: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Forward one request; return whether the connection may be used again."""
        name = browser_name(request.get("host"))
        host = name.public_host if name else request.get("host").lower().partition(":")[0]
        started = time.monotonic()
        found = await self._resolve(host)
        if isinstance(found, Page):
            await _write_page(writer, found)
            return False
        if isinstance(found, Refusal):
            self._traffic.refused(found)
            await _refuse(writer, found.status, found.sentence)
            return False
        exchange = _Exchange(request, reader, writer, name)
        status = await exchange.run(found, host)
        self._traffic.answered(found, status, time.monotonic() - started)
        return exchange.reusable

    async def _resolve(self, host: str) -> Target | Page | Refusal:
        try:
            return await asyncio.to_thread(self._routing.resolve, host)
        except (BotoCoreError, ClientError) as error:
            logger.warning("The route of %s could not be read: %s", host, error)
            return Refusal(
                status=HTTPStatus.BAD_GATEWAY, sentence="The emulator could not be asked."
            )


class _Exchange:
    """One request and its response."""

    def __init__(
        self,
        request: Head,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        name: BrowserName | None,
    ) -> None:
        self._request = request
        self._reader = reader
        self._writer = writer
        self._name = name
        self.reusable = "close" not in request.get("connection").lower()

    async def run(self, target: Target, host: str) -> int:
        """Forward to the target and pass its answer on; return the status."""
        try:
            upstream, sink = await asyncio.open_connection(
                target.host, target.port, limit=HEAD_LIMIT
            )
        except OSError:
            self.reusable = False
            await _refuse(self._writer, HTTPStatus.BAD_GATEWAY, f"{host}'s container is gone.")
            return HTTPStatus.BAD_GATEWAY
        try:
            await self._send(sink, host)
            async with asyncio.timeout(TARGET_SECONDS):
                response = await _response_head(upstream)
            await self._pass_on(response, upstream)
            return int(response.first[1])
        except (MalformedMessageError, OSError, TimeoutError) as error:
            self.reusable = False
            logger.warning("%s: no answer from the container: %s", host, error)
            await _refuse(self._writer, HTTPStatus.BAD_GATEWAY, f"{host}'s container: {error}")
            return HTTPStatus.BAD_GATEWAY
        finally:
            sink.close()

    async def _send(self, sink: asyncio.StreamWriter, host: str) -> None:
        """Send the request as a load balancer does that ended TLS."""
        method, path, _ = self._request.first
        if self._request.get("expect"):
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        headers = self._request.replaced(
            connection=None,
            keep_alive=None,
            transfer_encoding=None,
            upgrade=None,
            expect=None,
            host=host,
            x_forwarded_proto="https",
            x_forwarded_port="443",
            x_forwarded_for=_client(self._writer),
        ).headers
        headers.append(("Connection", "close"))
        if self._name:
            headers = [
                (key, self._name.incoming(value))
                for key, value in headers
                if key.lower() != "accept-encoding"
            ]
        body = body_of_request(self._request, self._reader)
        if "chunked" in self._request.get("transfer-encoding").lower():
            content = b"".join([piece async for piece in body])
            headers.append(("Content-Length", str(len(content))))
            body = _one(content)
        sink.write(Head(first=(method, path, "HTTP/1.1"), headers=headers).encoded())
        async for piece in body:
            sink.write(piece)
            await sink.drain()
        await sink.drain()

    async def _pass_on(self, response: Head, upstream: asyncio.StreamReader) -> None:
        """Stream the answer back; texts for a *.localhost name are rewritten whole."""
        method = self._request.first[0]
        body = body_of_response(response, upstream, method)
        length = response.get("content-length") or None
        if self._name:
            response = _rewritten(response, self._name)
            if is_text(response.get("content-type")):
                text = b"".join([piece async for piece in body])
                text = self._name.outgoing(text.decode("utf-8", "surrogateescape")).encode(
                    "utf-8", "surrogateescape"
                )
                body, length = _one(text), str(len(text))
        bodiless = method == "HEAD" or response.first[1] in {"204", "304"}
        chunked = length is None and not bodiless
        head = response.replaced(
            keep_alive=None,
            upgrade=None,
            content_length=length,
            transfer_encoding="chunked" if chunked else None,
            connection="keep-alive" if self.reusable else "close",
        )
        head = Head(first=("HTTP/1.1", *response.first[1:]), headers=head.headers)
        self._writer.write(head.encoded())
        async for piece in body:
            self._writer.write(chunk(piece) if chunked else piece)
            await self._writer.drain()
        if chunked:
            self._writer.write(chunk(b""))
        await self._writer.drain()


def _rewritten(response: Head, name: BrowserName) -> Head:
    headers = []
    for key, value in response.headers:
        text = name.outgoing(value)
        if key.lower() == "set-cookie":
            parts = [part for part in text.split(";") if part.strip().lower() != "secure"]
            text = ";".join(parts)
        headers.append((key, text))
    return Head(first=response.first, headers=headers)


async def _response_head(upstream: asyncio.StreamReader) -> Head:
    head = await read_head(upstream)
    if head is None:
        raise MalformedMessageError("The container closed the connection.")
    return head


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _client(writer: asyncio.StreamWriter) -> str:
    peer = writer.get_extra_info("peername")
    return str(peer[0]) if peer else LOOPBACK


async def _refuse(writer: asyncio.StreamWriter, status: HTTPStatus, sentence: str) -> None:
    """Answer with a page of one sentence and close."""
    body = (
        f"<!doctype html><title>{status.value} {status.phrase}</title>"
        f"<h1>{status.value} {status.phrase}</h1><p>{html.escape(sentence)}</p>\n"
    )
    await _write_page(writer, Page(status=status, content_type="text/html", body=body))


async def _write_page(writer: asyncio.StreamWriter, page: Page) -> None:
    """Answer with a whole page and close."""
    content = page.body.encode()
    head = Head(
        first=("HTTP/1.1", str(page.status.value), page.status.phrase),
        headers=[
            ("Content-Type", f"{page.content_type}; charset=utf-8"),
            ("Content-Length", str(len(content))),
            ("Connection", "close"),
            ("Server", "sitefleet-local"),
        ],
    )
    writer.write(head.encoded() + content)
    await writer.drain()
