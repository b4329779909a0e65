"""Says of each end under chaos whether it is the right one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from tests.acceptance.chaos_blows import Hand
from tests.acceptance.chaos_plan import COMPLETED, REJECTED, Ask, Life
from tests.acceptance.world import World

ROLLED_BACK = "ROLLED_BACK"
DOMAINS = {"dev": "wpdev.kimmyai.io", "sit": "wpsit.kimmyai.io"}
VISITORS_SEE = ("mariadb", "emulator")
"""The blows that a visitor meets as a failed request; the load balancer is the emulator's."""
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Verdict:
    """What one request came to."""

    status: str
    complaint: str = ""
    """What was not as it must be; nothing: it was right."""
    again: bool = False
    """Whether a person would ask once more: the monitor saw a blow, and took a promotion back."""


@dataclass(frozen=True)
class Judge:
    """Looks at an end, and at the site from outside."""

    world: World
    hand: Hand

    def judge(self, life: Life, ask: Ask, end: dict[str, Any], *, began: float) -> Verdict:
        """Return the verdict on the end of a request that was sent at `began` (monotonic)."""
        data = end["detail"]["data"]
        rejected = end["detail-type"] == "SiteOperationRejected"
        status = REJECTED if rejected else data["status"]
        url = data.get("siteUrl") or f"https://{life.subdomain}.{DOMAINS[ask.environment]}"
        if status == ROLLED_BACK and ask.ends == COMPLETED and self._saw_a_blow(data, began):
            left = self._still_there(ask, url)
            return Verdict(status, left, again=not left)
        if status != ask.ends:
            told = f"it ended as {status} instead of {ask.ends}: {data.get('error')}"
            return Verdict(status, told)
        if rejected:
            return Verdict(status)
        seen = self._still_there(ask, url) if ask.answers == 0 else self._answer(url, ask.answers)
        return Verdict(status, seen)

    def _saw_a_blow(self, data: dict[str, Any], began: float) -> bool:
        """Return whether the monitor of a promotion was right to find the new release broken."""
        error = data.get("error") or {}
        by_the_monitor = error.get("details", {}).get("step") == "monitor"
        struck = self.hand.struck_since(began, VISITORS_SEE)
        return error.get("code") == "PROM_002" and by_the_monitor and struck

    def _still_there(self, ask: Ask, url: str) -> str:
        host = url.removeprefix("https://")
        there = self.world.inventory[ask.environment].hosts()[host] > 0
        return f"{host} is still there" if there else ""

    def _answer(self, url: str, wanted: int) -> str:
        """Look at the site as a visitor; while a database restarts it may say 500 for a while."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        seen = 0
        while time.monotonic() < deadline:
            try:
                seen = self.world.browser.get(url).status
            except OSError:
                seen = 0
            if seen == wanted:
                return ""
            time.sleep(1)
        return f"{url} answers with {seen} instead of {wanted}"
