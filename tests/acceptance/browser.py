"""A visitor and an author of the sites: HTTP through the proxy, by Host header."""

from __future__ import annotations

import http.client
import json
import threading
import time
import xmlrpc.client
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Page:
    """An answer of a site."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def everything(self) -> str:
        """Headers and body as one text."""
        return "\n".join(f"{name}: {value}" for name, value in self.headers) + "\n" + self.text


class Browser:
    """Asks the proxy for sites by their public names."""

    def __init__(self, proxy: str) -> None:
        self._address = urlsplit(proxy)

    def get(self, url: str, path: str = "/") -> Page:
        return self._ask("GET", url, path)

    def call(self, url: str, method: str, *arguments: Any) -> Any:
        """Call WordPress' XML-RPC interface, as an editor's program does."""
        body = xmlrpc.client.dumps(arguments, method)
        page = self._ask("POST", url, "/xmlrpc.php", body)
        assert page.status == 200, page.text[:500]
        return xmlrpc.client.loads(page.body)[0][0]

    def _ask(self, method: str, url: str, path: str, body: str | None = None) -> Page:
        host, port = self._address.hostname or "", self._address.port
        with closing(http.client.HTTPConnection(host, port, timeout=30)) as connection:
            headers = {"Host": urlsplit(url).hostname or "", "Content-Type": "text/xml"}
            content = None if body is None else body.encode()
            connection.request(method, path, body=content, headers=headers)
            with connection.getresponse() as answer:
                return Page(answer.status, answer.getheaders(), answer.read())


@dataclass
class Visits:
    """What a stream of visitors saw, in order."""

    pages: list[Page] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Visitors:
    """Ten requests a second, from several visitors, until stopped."""

    def __init__(self, browser: Browser, url: str, *, visitors: int = 5, pause: float = 0.5):
        self.visits = [Visits() for _ in range(visitors)]
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._visit, args=(browser, url, pause, seen), daemon=True)
            for seen in self.visits
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(30)

    def _visit(self, browser: Browser, url: str, pause: float, seen: Visits) -> None:
        due = time.monotonic()
        while not self._ended.is_set():
            try:
                seen.pages.append(browser.get(url))
            except (OSError, http.client.HTTPException) as error:
                seen.errors.append(repr(error))
            due += pause
            self._ended.wait(max(0.0, due - time.monotonic()))
