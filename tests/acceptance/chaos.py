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
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.acceptance.chaos_blows import Hand
from tests.acceptance.chaos_judge import Judge, Verdict
from tests.acceptance.chaos_left import leftovers
from tests.acceptance.chaos_plan import Ask, Life, blows, lives
from tests.acceptance.fleet_client import creation, envelope, eventually, promotion, update
from tests.acceptance.observers import TERMINAL, Heard
from tests.acceptance.world import QUEUES, World

CHECKOUT = Path(__file__).resolve().parents[2]
SITES_AT_ONCE = 6
END_SECONDS = 900
"""The longest that one operation may take, blows and other sites included."""
MOST_RETRIES = 3
"""How often a person sends OPERATION_RETRY_REQUEST before giving an operation up, and how often one
asks again for a promotion that was taken back."""


@dataclass(frozen=True)
class Ended:
    """One request and what became of it."""

    ask: Ask
    life: Life
    verdict: Verdict
    seconds: float

    @property
    def line(self) -> str:
        about = f"{self.ask.kind} of {self.life.subdomain} in {self.ask.environment}"
        told = self.verdict.complaint or ("Asked for again." if self.verdict.again else "")
        return f"{about}: {self.verdict.status} after {self.seconds:.0f} s. {told}".rstrip()


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
    _judge: Judge = field(init=False)
    _backups: dict[str, str] = field(default_factory=dict)
    """The newest backup of each site."""
    _stopping: threading.Event = field(default_factory=threading.Event)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Ask for everything while the hand strikes, then look at what is left."""
        self._heard = {name: Heard(events) for name, events in self.world.events.items()}
        self.hand = Hand(home=self.world.home, plan=blows(self.seed))
        self._judge = Judge(world=self.world, hand=self.hand)
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
    def settled(self) -> int:
        """Return how many requests have an end that nobody would ask again for."""
        return sum(not e.verdict.again for e in self.ended)

    @property
    def complaints(self) -> list[str]:
        """Return everything that was not as it must be."""
        told = [
            f"{e.ask.kind} of {e.life.subdomain} in {e.ask.environment}: {e.verdict.complaint}"
            for e in self.ended
            if e.verdict.complaint
        ]
        return told + self.left

    def report(self) -> str:
        """Return the numbers."""
        outcomes = Counter((e.ask.kind, e.verdict.status) for e in self.ended)
        asked = f"{self.settled} of {self.operations} operations"
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
        again = len(self.ended) - self.settled
        lines.append(f"  taken back for a blow, asked for again: {again}")
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
        for ask in life.asks:
            if self._stopping.is_set():
                break
            done += self._settle(life, ask)
            if done[-1].verdict.complaint:
                break  # what comes after it cannot be judged
        return done

    def _settle(self, life: Life, ask: Ask) -> list[Ended]:
        """Ask, and ask again as a person does whose promotion was taken back for a blow."""
        done: list[Ended] = []
        while not done or done[-1].verdict.again:
            began = time.monotonic()
            try:
                end = self._ask(life, ask)
                verdict = self._judge.judge(life, ask, end, began=began)
                if backup := end["detail"]["data"].get("backupId"):
                    self._backups[life.site_id] = backup
            except AssertionError as error:
                verdict = Verdict("NO END", str(error))
            if verdict.again and len(done) == MOST_RETRIES:
                verdict = replace(verdict, again=False, complaint="It was taken back every time.")
            done.append(Ended(ask, life, verdict, time.monotonic() - began))
            sys.stderr.write(f"{time.strftime('%H:%M:%S')} {done[-1].line}\n")
        return done

    def _ask(self, life: Life, ask: Ask) -> dict[str, Any]:
        request = _request(life, ask, self._backups.get(life.site_id, ""))
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
        whole = chaos.settled == given.operations
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
