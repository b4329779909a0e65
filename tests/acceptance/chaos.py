"""Load and chaos: many operations on one machine that breaks all the time, counted from outside.

    python -m tests.acceptance.chaos --operations 1000 --seed 1

Starts a machine of its own (SITEFLEET_HOME, or a temporary one), asks, breaks, counts, and takes
the machine down. The client knows the wire contract only. Exit code 1 where anything did not end
as it must, or was not asked for because the run was interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.acceptance.chaos_blows import Hand
from tests.acceptance.chaos_left import leftovers
from tests.acceptance.chaos_plan import REJECTED, Ask, Life, blows, lives
from tests.acceptance.fleet_client import creation, envelope, eventually, promotion, update
from tests.acceptance.observers import TERMINAL, Events
from tests.acceptance.world import QUEUES, World

CHECKOUT = Path(__file__).resolve().parents[2]
SITES_AT_ONCE = 6
END_SECONDS = 900
"""The longest that one operation may take, blows and other sites included."""
MOST_RETRIES = 3
"""How often a person sends OPERATION_RETRY_REQUEST before giving an operation up."""


@dataclass(frozen=True)
class Ended:
    """One request and what became of it."""

    ask: Ask
    life: Life
    status: str
    seconds: float
    complaint: str = ""
    """What was not as it must be; nothing: it was right."""

    @property
    def line(self) -> str:
        about = f"{self.ask.kind} of {self.life.subdomain} in {self.ask.environment}"
        return f"{about}: {self.status} after {self.seconds:.0f} s. {self.complaint}"


class Heard:
    """The events of one environment by correlation id; each is parsed once."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._read = 0
        self._by_correlation: dict[str, list[dict[str, Any]]] = {}
        self._reading = threading.Lock()

    def about(self, correlation_id: str) -> list[dict[str, Any]]:
        """Return what has been heard so far of one request."""
        with self._reading:
            messages = self._events.messages
            for message in messages[self._read :]:
                event = json.loads(message["Body"])
                about = event["detail"]["metadata"]["correlationId"]
                self._by_correlation.setdefault(about, []).append(event)
            self._read = len(messages)
            return list(self._by_correlation.get(correlation_id, []))


@dataclass
class Chaos:
    """One run."""

    world: World
    operations: int
    seed: int
    ended: list[Ended] = field(default_factory=list)
    retries: int = 0
    seconds: float = 0
    hand: Hand = field(init=False)
    left: list[str] = field(default_factory=list)
    """What was found at the end that must not be there."""
    _heard: dict[str, Heard] = field(init=False)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Ask for everything while the hand strikes, then look at what is left."""
        self._heard = {name: Heard(events) for name, events in self.world.events.items()}
        self.hand = Hand(home=self.world.home, plan=blows(self.seed))
        began = time.monotonic()
        self.hand.start()
        try:
            with ThreadPoolExecutor(max_workers=SITES_AT_ONCE) as pool:
                self._wait(
                    [pool.submit(self._live, life) for life in lives(self.seed, self.operations)]
                )
        finally:
            self.hand.stop()
        self.seconds = time.monotonic() - began
        self.left = list(leftovers(self.world))

    @property
    def complaints(self) -> list[str]:
        """Return everything that was not as it must be."""
        told = [
            f"{e.ask.kind} of {e.life.subdomain} in {e.ask.environment}: {e.complaint}"
            for e in self.ended
            if e.complaint
        ]
        return told + self.left

    def report(self) -> str:
        """Return the numbers."""
        outcomes = Counter((e.ask.kind, e.status) for e in self.ended)
        asked = f"{len(self.ended)} of {self.operations} operations"
        lines = [f"{asked} in {self.seconds:.0f} s, seed {self.seed}"]
        lines += [
            f"  {kind:<8} {status:<10} {count:>5}"
            for (kind, status), count in sorted(outcomes.items())
        ]
        lines += [
            f"  {kind:<8} struck {self.hand.struck[kind]:>5}, nobody there "
            f"{self.hand.missed[kind]:>4}"
            for kind in ("worker", "job", "emulator", "mariadb")
        ]
        lines.append(f"  retried by a person: {self.retries}")
        lines.append(f"  not as it must be: {len(self.complaints)}")
        return "\n".join([*lines, *(f"    {text}" for text in self.complaints)])

    def _wait(self, lived: list[Future[list[Ended]]]) -> None:
        """Collect what ended; interrupted, let what is under way end, and ask for nothing more."""
        try:
            wait(lived)
        except KeyboardInterrupt:
            self._stopping.set()
            sys.stderr.write("What is under way ends; nothing more is asked for.\n")
        self.ended = [end for future in lived for end in future.result()]

    # --- one site ---------------------------------------------------------------------------

    def _live(self, life: Life) -> list[Ended]:
        done: list[Ended] = []
        backup = ""
        for ask in life.asks:
            if self._stopping.is_set():
                break
            began = time.monotonic()
            try:
                end = self._ask(life, ask, backup)
                status, complaint = self._judge(life, ask, end)
                backup = end["detail"]["data"].get("backupId", backup)
            except AssertionError as error:
                status, complaint = "NO END", str(error)
            done.append(Ended(ask, life, status, time.monotonic() - began, complaint))
            sys.stderr.write(f"{time.strftime('%H:%M:%S')} {done[-1].line}\n")
            if complaint:
                break  # what comes after it cannot be judged
        return done

    def _ask(self, life: Life, ask: Ask, backup: str) -> dict[str, Any]:
        request = _request(life, ask, backup)
        queue = QUEUES.get(request["messageType"], "promotion")
        account = self.world.accounts[ask.environment]
        for _ in range(1 + ask.twice):
            _patiently(lambda: account.send(queue, request))
        return self._end_of(ask, request, queue)

    def _end_of(self, ask: Ask, request: dict[str, Any], queue: str) -> dict[str, Any]:
        """Wait for the end; send a retry, as a person does, where the fleet asks for one."""
        heard = self._heard[ask.environment]
        answered: set[str] = set()

        def look() -> dict[str, Any] | None:
            for event in heard.about(request["correlationId"]):
                kind, about = event["detail-type"], event["detail"]["metadata"]
                if kind in {"SiteOperationStalled", "SiteOperationRollbackFailed"}:
                    if about["eventId"] not in answered and len(answered) < MOST_RETRIES:
                        answered.add(about["eventId"])
                        self._retry(ask.environment, queue, about["operationId"])
                elif kind in {*TERMINAL, "SiteOperationRejected"}:
                    return event
            return None

        what = f"the end of {request['messageType']} {request['correlationId']}"
        return eventually(look, what, seconds=END_SECONDS, pause_seconds=0.5)

    def _retry(self, environment: str, queue: str, operation_id: str) -> None:
        asked = {"operationId": operation_id, "reason": "The cause is gone."}
        request = envelope("OPERATION_RETRY_REQUEST", asked)
        _patiently(lambda: self.world.accounts[environment].send(queue, request))
        with self._counting:
            self.retries += 1

    def _judge(self, life: Life, ask: Ask, end: dict[str, Any]) -> tuple[str, str]:
        data = end["detail"]["data"]
        rejected = end["detail-type"] == "SiteOperationRejected"
        status = REJECTED if rejected else data["status"]
        if status != ask.ends:
            return status, f"it ended as {status} instead of {ask.ends}: {data.get('error')}"
        url = data.get("siteUrl") or f"https://{life.subdomain}.{_domain(ask.environment)}"
        if rejected or ask.answers == 0:
            host = url.removeprefix("https://")
            there = self.world.inventory[ask.environment].hosts()[host] > 0
            return status, f"{host} is still there" if there and not rejected else ""
        return status, self._answer(url, ask.answers)

    def _answer(self, url: str, wanted: int) -> str:
        """Look at the site as a visitor; while a database restarts it may say 500 for a while."""
        deadline = time.monotonic() + 60
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


def _request(life: Life, ask: Ask, backup: str) -> dict[str, Any]:
    site = {"siteId": life.site_id, "tenantId": life.tenant_id}
    match ask.kind:
        case "create":
            return creation(life.site_id, life.subdomain, tenantId=life.tenant_id)
        case "update":
            return update(life.site_id, tenant_id=life.tenant_id, **ask.payload)
        case "promote":
            return promotion(life.site_id, tenantId=life.tenant_id)
        case "restore":
            return envelope("SITE_RESTORE_REQUEST", {**site, "backupId": backup})
        case _:
            return envelope("SITE_DELETION_REQUEST", {**site, "reason": "The contract has ended."})


def _domain(environment: str) -> str:
    return {"dev": "wpdev.kimmyai.io", "sit": "wpsit.kimmyai.io"}[environment]


def _patiently(send: Any) -> None:
    """Send as a client does whose provider may stand still: again, a few times."""
    for attempt in range(5):
        try:
            send()
        except Exception:  # noqa: BLE001 - a timeout of any kind
            time.sleep(2 * attempt + 1)
        else:
            return
    raise AssertionError("The queue did not take the message in five tries.")


# --- on its own -----------------------------------------------------------------------------


def main() -> int:
    """Start a machine, run, print, take it down."""
    parser = argparse.ArgumentParser(prog="tests.acceptance.chaos", description=__doc__)
    parser.add_argument("--operations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a limit of time ends it as Ctrl-C
    named = os.environ.get("SITEFLEET_HOME")
    home = Path(named or tempfile.mkdtemp(prefix="sitefleet-chaos-")).resolve()
    home.mkdir(parents=True, exist_ok=True)
    shared = CHECKOUT / ".sitefleet" / "cache"
    if not (home / "cache").exists():
        shared.mkdir(parents=True, exist_ok=True)
        (home / "cache").symlink_to(shared)
    finished = _local(home, "up", "--json")
    try:
        if finished.returncode:
            sys.stderr.write(finished.stderr)
            return 1
        world = World(json.loads(finished.stdout), home)
        world.warm_up()
        chaos = Chaos(world=world, operations=given.operations, seed=given.seed)
        chaos.run()
        world.close()
        sys.stdout.write(f"{chaos.report()}\n")
        whole = len(chaos.ended) == given.operations
        return 0 if whole and not chaos.complaints else 1
    finally:
        _local(home, "down")


def _local(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        cwd=CHECKOUT,
        env={**os.environ, "SITEFLEET_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
