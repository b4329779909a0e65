"""Who looks at the sites: a visitor, and a customer who asks ten times a second."""

from __future__ import annotations

import http.client
import re
import threading
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from core.adapters.system import SystemClock

OK = 200
SECONDS_BETWEEN_REQUESTS = 0.1


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Fetches pages of a site through the front proxy."""

    proxy: str
    host: str

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page."""
        address = urlsplit(self.proxy)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
        try:
            connection.request("GET", path, headers={"Host": self.host})
            answer = connection.getresponse()
            headers = "\n".join(f"{name}: {value}" for name, value in answer.getheaders())
            return answer.status, f"{headers}\n\n{answer.read().decode('utf-8', 'replace')}"
        finally:
            connection.close()

    def pages(self) -> list[str]:
        """Return the paths of every page in the sitemap, and the places around them."""
        found = ["/", "/wp-json/wp/v2/posts?per_page=100", "/wp-json/", "/feed/", "/wp-login.php"]
        _, index = self.get("/wp-sitemap.xml")
        for sitemap in re.findall(r"<loc>https?://[^/]+(/[^<]+)</loc>", index):
            found.append(sitemap)
            found += re.findall(r"<loc>https?://[^/]+(/[^<]*)</loc>", self.get(sitemap)[1])
        return list(dict.fromkeys(found))


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One answer: when it came, what it was, and which edition of the page it showed."""

    at: datetime
    status: int | str
    edition: str


@dataclass(kw_only=True)
class Customer:
    """Requests until told to stop; keeps every answer."""

    visitor: Visitor
    editions: tuple[str, ...]
    """Texts by which the releases' pages are told apart, newest first."""
    seen: list[Seen] = field(default_factory=list)
    _clock: SystemClock = field(default_factory=SystemClock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to request."""
        self._thread = threading.Thread(target=self._request, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(30)

    @property
    def failed(self) -> list[Seen]:
        """Every request that was not answered with a whole page."""
        return [one for one in self.seen if one.status != OK or not one.edition]

    @property
    def order(self) -> list[str]:
        """The editions in the order in which they appeared, repeats left out."""
        shown = [one.edition for one in self.seen if one.edition]
        return [e for n, e in enumerate(shown) if n == 0 or shown[n - 1] != e]

    def seconds_of(self, edition: str) -> float:
        """How long an edition was to be seen."""
        times = [one.at for one in self.seen if one.edition == edition]
        return (times[-1] - times[0]).total_seconds() if times else 0.0

    def back_at(self) -> datetime | None:
        """When the older edition was seen first after the newer one."""
        new, old = self.editions
        came = next((n for n, one in enumerate(self.seen) if one.edition == new), len(self.seen))
        return next((one.at for one in self.seen[came:] if one.edition == old), None)

    def _request(self) -> None:
        while not self._stopping.wait(SECONDS_BETWEEN_REQUESTS):
            try:
                status, text = self.visitor.get("/")
            except (OSError, http.client.HTTPException) as error:
                self._note(type(error).__name__, "")
            else:
                self._note(status, text)

    def _note(self, status: int | str, text: str) -> None:
        edition = next((e for e in self.editions if e in text), "")
        self.seen.append(Seen(at=self._clock.now(), status=status, edition=edition))
