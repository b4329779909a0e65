"""Fetching pages of a release from a given host:port, by Host header, as a load balancer does."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urljoin, urlsplit

_TIMEOUT_SECONDS = 30
_BODY_BYTES = 16 << 20
_PROBE_BYTES = 64 << 10
_CONNECT_ATTEMPTS = 3
_PAUSE_SECONDS = 1.0
_REDIRECTS = 3


@dataclass(frozen=True, kw_only=True)
class Page:
    """One answer; status 0 means that there was none, `error` says why."""

    path: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    error: str = ""
    milliseconds: float = 0
    """From the request to the end of the answer."""

    @property
    def text(self) -> str:
        """The body as text; bytes that are no UTF-8 become U+FFFD, which a check looks for."""
        return self.body.decode("utf-8", "replace")

    @property
    def problem(self) -> str:
        """A sentence about an answer that is not 200; empty when it is."""
        if self.status == http.client.OK:
            return ""
        if not self.status:
            return f"{self.path}: no answer ({self.error})"
        to = f" to {self.header('location')}" if self.header("location") else ""
        return f"{self.path}: status {self.status}{to}"

    def header(self, name: str) -> str:
        """Return one header's value, or nothing."""
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where to connect: host and port, and whether TLS is spoken there."""

    host: str
    port: int
    tls: bool

    @classmethod
    def parse(cls, text: str, *, public: bool) -> Self:
        """Read host:port or https://host:port.

        TLS is spoken on a public way only, when the address says https or its port is 443: targets
        of a release stand behind the load balancer and speak plain HTTP.
        """
        scheme, _, rest = text.rpartition("://")
        parts = urlsplit(f"//{rest}")
        tls = public and (scheme == "https" or parts.port == http.client.HTTPS_PORT)
        default = http.client.HTTPS_PORT if tls else http.client.HTTP_PORT
        return cls(host=parts.hostname or "", port=parts.port or default, tls=tls)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(kw_only=True)
class Visitor:
    """Visits one site at one address; every path is fetched once and remembered."""

    site_url: str
    address: Address
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    seen: dict[str, Page] = field(default_factory=dict)
    attempts: int = _CONNECT_ATTEMPTS
    """How often a request without an answer is made; 1: what a visitor would see."""

    @property
    def host(self) -> str:
        """The site's host name, with its port where it has one."""
        return urlsplit(self.site_url).netloc.lower()

    def get(self, path: str) -> Page:
        """Return the answer for a path (with query) of the site."""
        if path not in self.seen:
            self.seen[path] = self._fetch(path, _BODY_BYTES)
        return self.seen[path]

    def probe(self, path: str) -> Page:
        """Return the answer with the beginning of its body only, and do not keep it."""
        return self._fetch(path, _PROBE_BYTES)

    def pass_by(self, path: str) -> Page:
        """Return the whole answer, and do not keep it."""
        return self._fetch(path, _BODY_BYTES)

    def follow(self, path: str) -> Page:
        """Return the answer after redirects that stay on the site."""
        page = self.get(path)
        for _ in range(_REDIRECTS):
            local = self.local_path(page.header("location"), page.path)
            if page.status // 100 != 3 or local is None:  # noqa: PLR2004 - redirects
                break
            page = self.get(local)
        return page

    def local_path(self, reference: str, base: str = "/") -> str | None:
        """Return path and query of a reference on the site's own host; None for any other."""
        try:
            parts = urlsplit(urljoin(urljoin(self.site_url, base), reference.strip()))
        except ValueError:
            return None
        if not reference.strip() or parts.netloc.lower() != self.host:
            return None
        if parts.scheme not in {"http", "https"}:
            return None
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    # --- private ---

    def _fetch(self, path: str, limit: int) -> Page:
        for attempt in range(1, self.attempts + 1):
            try:
                return self._request(path, limit)
            except ssl.SSLCertVerificationError as error:
                return Page(path=path, status=0, error=f"certificate: {error.verify_message}")
            except socket.gaierror as error:
                failure = f"DNS does not know {self.address.host}"
                if error.errno == socket.EAI_NONAME:
                    break
            except (OSError, http.client.HTTPException) as error:
                failure = f"{type(error).__name__} at {self.address}"
            if attempt < self.attempts:
                time.sleep(_PAUSE_SECONDS)
        return Page(path=path, status=0, error=failure)

    def _request(self, path: str, limit: int) -> Page:
        connection, begun = self._connection(), time.monotonic()
        try:
            connection.request(
                "GET",
                path.replace(" ", "%20"),
                headers={
                    "Host": self.host,
                    "X-Forwarded-Proto": "https",
                    "User-Agent": "sitefleet-verify",
                    "Accept-Encoding": "identity",
                    "Connection": "close",
                },
            )
            answer = connection.getresponse()
            return Page(
                path=path,
                status=answer.status,
                headers=tuple(answer.getheaders()),
                body=answer.read(limit),
                milliseconds=(time.monotonic() - begun) * 1000,
            )
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if not self.address.tls:
            return http.client.HTTPConnection(
                self.address.host, self.address.port, timeout=_TIMEOUT_SECONDS
            )
        return _NamedHttps(
            self.address.host,
            self.address.port,
            name=urlsplit(self.site_url).hostname or "",
            context=self.context,
        )


class _NamedHttps(http.client.HTTPSConnection):
    """Connects to an address and checks the certificate for the site's own name."""

    def __init__(self, host: str, port: int, *, name: str, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=_TIMEOUT_SECONDS, context=context)
        self._name, self._tls = name, context

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)
