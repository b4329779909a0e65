"""AWS over https for the functions: what has a name of AWS and no SDK endpoint of its own.

ECR hands out https addresses of image layers. Inside the functions those names resolve to this
front (local/container.py); it ends TLS with a certificate of the private authority and passes the
bytes to the emulator, which knows by the Host header whose registry is meant.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local.certificates import make_certificate
from local.cloud import ACCOUNTS
from local.emulator import REGION
from local.network import LOOPBACK

if TYPE_CHECKING:
    from local.layout import Layout

CERTIFICATE = "aws"
NAMES = tuple(f"{a.account_id}.dkr.ecr.{REGION}.amazonaws.com" for a in ACCOUNTS.values())
_PIECE = 64 * 1024


def make_front_certificate(layout: Layout) -> None:
    """Make the certificate; the authority must be there."""
    alternatives = ", ".join(f"DNS:{name}" for name in NAMES)
    make_certificate(layout.certificates, CERTIFICATE, alternatives)


async def listen(layout: Layout, port: int, endpoint: str) -> asyncio.Server:
    """Listen on the loopback interface and pass everything to the emulator."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(
        layout.certificates / f"{CERTIFICATE}.pem", layout.certificates / f"{CERTIFICATE}.key"
    )
    emulator_port = urlsplit(endpoint).port

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, sink = await asyncio.open_connection(LOOPBACK, emulator_port)
        try:
            await asyncio.gather(_pass(reader, sink), _pass(upstream, writer))
        finally:
            sink.close()
            writer.close()

    return await asyncio.start_server(serve, LOOPBACK, port, ssl=context)


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(_PIECE):
            sink.write(piece)
            await sink.drain()
    sink.close()
