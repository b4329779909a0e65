"""The demo: a site is created, promoted to sit and to prod, taken back, updated, deleted, restored.

Everything is done by messages on queues; the rest is looking on.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from core.adapters.system import RandomIds, SystemClock
from core.domain.names import site_key
from demo.customer import Customer, Visitor
from demo.lifecycle import deleted_and_restored, with_a_plugin
from demo.proof import Finding, kept_promise, prove
from demo.requests import SITE, SUBDOMAIN, TENANT, creation, promotion
from demo.site import RunningSite
from demo.work import Work, failed_at
from events.vocabulary import OperationStatus
from local.cloud import clouds
from local.runtime import Runtime

REPORT = Path("demo-report.json")
EDITIONS = ("The second edition", "Fruit, with care")
"""What the pages of the two releases say, newest first."""


class Story:
    """Tells and does the demo."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._clock = SystemClock()
        self._runtime = Runtime(os.environ, self._say)
        self._run = RandomIds().new_id()[:8]
        self._timings: dict[str, float] = {}
        self._started = self._clock.now()

    def tell(self, *, keep: bool) -> int:
        """Do everything; return the exit code."""
        machine = self._runtime.up()
        self._timings["machine up"] = self._seconds()
        try:
            findings = self._tell(machine)
            self._timings["everything"] = self._seconds()
            self._conclude(machine, findings, keep=keep)
            return 0 if all(finding.held for finding in findings) else 1
        finally:
            if not keep:
                self._runtime.down()

    def _tell(self, machine: dict[str, Any]) -> list[Finding]:
        accounts = clouds(machine["endpoint"])
        key = site_key(TENANT, SITE)
        sites = {
            name: RunningSite(cloud=cloud, layout=self._runtime.layout, site_key=key)
            for name, cloud in accounts.items()
        }
        visitors = {
            name: Visitor(proxy=machine["proxy"], host=f"{SUBDOMAIN}.{cloud.account.domain}")
            for name, cloud in accounts.items()
        }
        work = Work(
            machine=machine, accounts=accounts, console=self._console, timings=self._timings
        )
        self._title("1. SITE_CREATION_REQUEST goes to the dev queue")
        work.do("dev", "creation", creation(self._run))
        self._title("2. The site gets real content")
        self._console.print(sites["dev"].run("content.php"))
        self._title("3. SITE_PROMOTION_REQUEST goes to the sit queue")
        work.do("sit", "promotion", promotion(self._run, "to-sit", "dev", "sit"))
        self._title("4. The next one goes to the prod queue; two people approve its plan")
        work.do_approved(promotion(self._run, "to-prod", "sit", "prod", changeTicket="CHG-1001"))
        self._title("5. The proof: dev's site is prod's site")
        seen = {name: site.run("look.php") for name, site in sites.items()}
        findings = list(prove(visitors["dev"], visitors["sit"], seen["dev"], seen["sit"]))
        findings += prove(visitors["sit"], visitors["prod"], seen["sit"], seen["prod"])
        self._title("6. A second edition that breaks in prod only: it takes itself back")
        self._console.print(sites["sit"].run("edition.php"))
        findings += self._broken(work, visitors["prod"])
        self._timings["machine up, dev to prod, and back"] = self._seconds()
        self._title("7. SITE_UPDATE_REQUEST: dev's site gets a plugin of the catalogue")
        findings += with_a_plugin(work, self._run, visitors["dev"])
        self._title("8. SITE_DELETION_REQUEST, then SITE_RESTORE_REQUEST: gone, and back again")
        findings += deleted_and_restored(work, self._run, visitors["dev"])
        return findings

    def _broken(self, work: Work, visitor: Visitor) -> list[Finding]:
        customer = Customer(visitor=visitor, editions=EDITIONS)
        customer.start()
        try:
            body = promotion(self._run, "broken", "sit", "prod", changeTicket="CHG-1002")
            ended = work.do_approved(body, ends=OperationStatus.ROLLED_BACK)
        finally:
            customer.stop()
        back_at, failed = customer.back_at(), failed_at(work.steps_of(ended))
        if back_at is not None:
            seconds = (back_at - failed).total_seconds()
            self._timings["rollback, from the failed check to the old edition"] = seconds
        self._timings["the second edition was to be seen for"] = customer.seconds_of(EDITIONS[0])
        return list(kept_promise(customer, ended))

    def _conclude(self, machine: dict[str, Any], findings: list[Finding], *, keep: bool) -> None:
        table = Table("", "what", "evidence")
        for finding in findings:
            table.add_row("ok" if finding.held else "BROKEN", finding.what, finding.evidence)
        self._console.print(table)
        port = machine["proxy"].rpartition(":")[2]
        for label in ("wpdev", "wpsit", "wp"):
            self._console.print(f"  http://{SUBDOMAIN}.{label}.localhost:{port}/")
        for name, seconds in self._timings.items():
            self._console.print(f"  {name}: {seconds:.1f} s")
        report = {
            "findings": [asdict(finding) for finding in findings],
            "seconds": {name: round(seconds, 1) for name, seconds in self._timings.items()},
            "proxy": machine["proxy"],
        }
        REPORT.write_text(json.dumps(report, indent=2) + "\n")
        state = "It keeps running; `make clean` or `sitefleet local down` stops it."
        over = "Stopped again; `make demo KEEP=1` leaves it running."
        self._say(f"Report: {REPORT}. {state if keep else over}")

    def _seconds(self) -> float:
        return (self._clock.now() - self._started).total_seconds()

    def _title(self, text: str) -> None:
        self._console.rule(text, align="left")

    def _say(self, sentence: str) -> None:
        self._console.print(sentence)
