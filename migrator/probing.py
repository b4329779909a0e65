"""The probe job: requests a site as a visitor would, for a while, and reports what it saw.

It asks for one path at one address at a time, in turn, through the site's public name, and each
request is made once: what one visitor would have seen as an error counts as one.
"""

from __future__ import annotations

import http.client
import itertools
import math
import ssl
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from core.domain.job_facts import NO_ANSWER, ProbeFacts
from migrator.checks.visits import Address, Page, Visitor
from migrator.errors import JobFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.domain.jobs import ProbeJob
    from migrator.services import Services

log = structlog.get_logger(__name__)

_PERCENT = 95


def run_probe(_services: Services, job: ProbeJob) -> ProbeFacts:
    """Request the site until the window ends, or until it fails too often in a row.

    Failures are facts, not errors of the job: whoever asked decides what they mean.
    """
    if not job.addresses or not job.paths:
        raise JobFailure("A probe needs at least one address and one path.")
    sight, started = _Sight(), time.monotonic()
    for visitor, path in itertools.cycle(_turns(job)):
        begun = time.monotonic()
        page = visitor.probe(path)
        sight.add(page, at=visitor.address, seconds=time.monotonic() - begun)
        if sight.in_a_row >= job.failures_to_end:
            break
        rest = started + job.window_seconds - time.monotonic()
        if rest <= 0:
            break
        time.sleep(max(0.0, min(rest, begun + job.interval_seconds - time.monotonic())))
    facts = sight.facts(time.monotonic() - started, ended_early=sight.ends_early(job))
    log.info("site_probed", requests=facts.requests, failures=facts.failures)
    return facts


# --- private --------------------------------------------------------------------------------


def _turns(job: ProbeJob) -> Iterator[tuple[Visitor, str]]:
    visitors = [
        Visitor(
            site_url=job.site_url,
            address=Address.parse(text, public=True),
            context=ssl.create_default_context(),
            attempts=1,
        )
        for text in job.addresses
    ]
    return ((visitor, path) for path in job.paths for visitor in visitors)


@dataclass(kw_only=True)
class _Sight:
    """What has been seen so far."""

    statuses: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    failures: int = 0
    in_a_row: int = 0
    first_failure: str | None = None

    def add(self, page: Page, *, at: Address, seconds: float) -> None:
        self.statuses[str(page.status) if page.status else NO_ANSWER] += 1
        if page.status:
            self.latencies_ms.append(seconds * 1000)
        if page.status == http.client.OK:
            self.in_a_row = 0
            return
        self.failures += 1
        self.in_a_row += 1
        request = self.statuses.total()
        self.first_failure = self.first_failure or f"Request {request} at {at}: {page.problem}."

    def ends_early(self, job: ProbeJob) -> bool:
        return self.in_a_row >= job.failures_to_end

    def facts(self, seconds: float, *, ended_early: bool) -> ProbeFacts:
        return ProbeFacts(
            requests=self.statuses.total(),
            failures=self.failures,
            statuses=dict(sorted(self.statuses.items())),
            latency_median_ms=round(statistics.median(self.latencies_ms or [0.0]), 1),
            latency_p95_ms=round(_percentile(self.latencies_ms), 1),
            window_seconds=round(seconds, 3),
            ended_early=ended_early,
            first_failure=self.first_failure,
        )


def _percentile(values: list[float]) -> float:
    """Return the value that 95% do not exceed (nearest rank); 0 without any."""
    if not values:
        return 0.0
    return sorted(values)[math.ceil(len(values) * _PERCENT / 100) - 1]
