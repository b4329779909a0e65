"""Does a browser show the front page: text, the site's own scripts without errors, all they load.

The browser has no network. Each of its requests comes to us, and we ask the release for the answer
the way the other checks do: at a given address, by host name. So it works before DNS and without a
certificate, nothing that could write leaves, and no other host hears of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from core.domain.job_models import Check
from migrator.checks.pages import FRONT
from migrator.checks.verdicts import verdict
from migrator.errors import JobFailure

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Error, Playwright, Route

    from migrator.checks.visits import Visitor

NAME = "a browser shows the front page"
_LOAD_MS = 30_000
_SETTLE_MS = 250
"""For what scripts do after the page has loaded."""
_SHOWN_TEXT = "document.body?.getClientRects().length ? document.body.innerText : ''"
"""Of a body that is not shown at all, innerText would be everything in it."""
_READING = frozenset({"GET", "HEAD"})
_NOWHERE = "127.0.0.1:9"
_ARGUMENTS = (
    "--no-sandbox",  # the job is root in its container; the site is the customer's own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    # Whatever is not a request that we see (a socket, a prefetch) ends here.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    f"--proxy-server={_NOWHERE}",
    "--proxy-bypass-list=<-loopback>",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
)
_NOT_PASSED_ON = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "keep-alive",
        "set-cookie",
        "strict-transport-security",
        "transfer-encoding",
    }
)


@dataclass(frozen=True)
class Browser:
    """Chromium, started for one look and closed again."""

    executable: Path

    def shows(self, visitor: Visitor) -> Check:
        """Load the front page and say what went wrong; raises JobFailure without a browser."""
        from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - takes 0.3 s

        if not self.executable.is_file():
            raise JobFailure(
                f"There is no browser at {self.executable}. Install chromium, or name it in "
                "MIGRATOR_CHROMIUM_PATH."
            )
        watch = _Watch(visitor)
        try:
            with sync_playwright() as playwright:
                visible = self._look(playwright, watch)
        except Error as error:
            raise JobFailure(
                f"The browser {self.executable} did not do its work "
                f"({error.message.splitlines()[0][:200]}). Run the job again.",
                retryable=True,
            ) from None
        return watch.verdict(visible)

    def _look(self, playwright: Playwright, watch: _Watch) -> int:
        browser = playwright.chromium.launch(
            executable_path=self.executable,
            args=list(_ARGUMENTS),
            env={"PATH": "/usr/bin:/bin", "HOME": "/tmp"},  # noqa: S108 - no credentials inside
        )
        try:
            context = browser.new_context(service_workers="block", accept_downloads=False)
            return _load(context, watch)
        finally:
            browser.close()


@dataclass
class _Watch:
    """Answers the browser's requests and remembers what was wrong."""

    visitor: Visitor
    loaded: int = 0
    problems: list[str] = field(default_factory=list)
    foreign: set[str] = field(default_factory=set)
    foreign_scripts: bool = False
    writes: int = 0
    errors: list[str] = field(default_factory=list)

    def answer(self, route: Route) -> None:
        """Answer one request from the release, or refuse it."""
        request = route.request
        parts = urlsplit(request.url)
        local = self.visitor.local_path(request.url)
        if request.method not in _READING:
            self.writes += 1
            route.abort("blockedbyclient")
        elif local is None:
            self._refuse(route, parts.hostname or parts.scheme)
        else:
            self._pass_on(route, local)

    def note_error(self, error: Error) -> None:
        """Keep an error that no script has caught."""
        if "Failed to fetch" in error.message and (self.writes or self.foreign):
            return  # our own refusal
        where = next((line for line in (error.stack or "").splitlines() if "://" in line), "")
        self.errors.append(f"script: {error.message.splitlines()[0]} {where.strip()}".strip())

    def verdict(self, visible: int) -> Check:
        """Say what was seen. Errors are not judged where scripts of other hosts were missing."""
        problems = list(dict.fromkeys(self.problems))
        if not visible:
            problems.insert(0, "the page shows no text")
        if not self.foreign_scripts:
            problems += dict.fromkeys(self.errors)
        notes = [f"{visible} visible characters, {self.loaded} requests answered"]
        if self.foreign:
            hosts = sorted(self.foreign)
            notes.append(f"kept out: {', '.join(hosts[:5])}{' and more' if hosts[5:] else ''}")
        if self.writes:
            notes.append(f"{self.writes} requests that could write were refused")
        if self.errors and self.foreign_scripts:
            notes.append(f"{len(self.errors)} script errors not judged, scripts were kept out")
        return verdict(NAME, problems, "; ".join(notes))

    def _refuse(self, route: Route, host: str) -> None:
        self.foreign.add(host)
        self.foreign_scripts |= route.request.resource_type == "script"
        route.abort("blockedbyclient")

    def _pass_on(self, route: Route, local: str) -> None:
        page = self.visitor.follow(local)
        if page.problem and page.status // 100 == 3:  # noqa: PLR2004 - redirects, to elsewhere
            self._refuse(route, urlsplit(page.header("location")).hostname or "elsewhere")
            return
        if page.problem:
            self.problems.append(page.problem)
        if not page.status:
            route.fulfill(status=HTTPStatus.BAD_GATEWAY)
            return
        self.loaded += 1
        headers = {key: value for key, value in page.headers if key.lower() not in _NOT_PASSED_ON}
        route.fulfill(status=page.status, headers=headers, body=page.body)


def _load(context: BrowserContext, watch: _Watch) -> int:
    """Load the front page; return the number of visible characters."""
    from playwright.sync_api import Error  # noqa: PLC0415 - as above

    page = context.new_page()
    page.on("pageerror", watch.note_error)
    page.route("**/*", watch.answer)
    address = watch.visitor.site_url.rstrip("/") + FRONT
    try:
        page.goto(address, wait_until="load", timeout=_LOAD_MS)
    except Error as error:
        if context.browser is None or not context.browser.is_connected():
            raise
        watch.problems.append(f"it cannot be loaded: {error.message.splitlines()[0]}")
        return 0
    page.wait_for_timeout(_SETTLE_MS)
    return len("".join(str(page.evaluate(_SHOWN_TEXT)).split()))
