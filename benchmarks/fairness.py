"""How long one tenant's operation takes while another tenant drops a thousand of its own.

Runs the real engine on the simulation with a few workers, each of which is busy with a message for
a while, as Lambda consumers with a maximum concurrency are. One tenant drops its creations, then
another sends one. Side by side: with the cap of the policy and without, on a queue that is fair to
message groups (SQS fair queues, the tenant is the group) and on one that is not. Time is virtual
and the numbers are the same in every run; how long a message and a job take is assumed and printed.

    python benchmarks/fairness.py [--creations 1000]
"""

from __future__ import annotations

import argparse
import heapq
import json
import logging
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import structlog

from core.adapters.memory.world import StoredMessage
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events.formats import Environment
from simulation.fleet import SimulatedFleet, policy_of
from simulation.jobs import DIGEST

WORKERS = 10
"""Assumed: the maximum concurrency of the creation consumer."""
MESSAGE_SECONDS = 0.5
"""Assumed: how long a worker is busy with one message."""
JOB_SECONDS = 60
"""Assumed: how long a container job runs; they do not compete with each other here."""
LOUD, QUIET = "tenant-loud", "tenant-quiet"
ENVIRONMENT = Environment.DEV


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run."""

    alone_seconds: float
    """How long the quiet tenant's operation takes when it is alone."""
    quiet_seconds: float
    loud_seconds: float
    """Until the last of the loud tenant's operations has ended."""
    most_running: int
    """Of the loud tenant's operations at one time."""
    steps: int

    @property
    def delay_seconds(self) -> float:
        return self.quiet_seconds - self.alone_seconds

    @property
    def delay_in_steps(self) -> float:
        """The delay, in steps of the operation as they are when nobody else is there."""
        return self.delay_seconds / (self.alone_seconds / self.steps)


@dataclass(kw_only=True)
class Workers:
    """A few workers on one queue: a message is hidden while it is worked on, then dealt with."""

    fleet: SimulatedFleet
    queue: QueueName
    fair: bool
    busy: list[tuple[datetime, int, StoredMessage]] = field(default_factory=list)
    in_flight: Counter[str] = field(default_factory=Counter)
    order: count[int] = field(default_factory=count)

    def take(self) -> None:
        """Let every idle worker take a message that is there."""
        now = self.fleet.clock.now()
        waiting = [m for m in self.fleet.world.queues[self.queue] if m.visible_at <= now]
        while len(self.busy) < WORKERS and waiting:
            message = self._next(waiting)
            waiting.remove(message)
            message.receive_count += 1
            message.receipt = f"{message.message_id}/{message.receive_count}"
            message.visible_at = now + timedelta(seconds=self.fleet.queues.visibility_seconds)
            until = now + timedelta(seconds=MESSAGE_SECONDS)
            heapq.heappush(self.busy, (until, next(self.order), message))
            self.in_flight[message.tenant_id] += 1

    def _next(self, waiting: Sequence[StoredMessage]) -> StoredMessage:
        """Oldest first; a fair queue prefers the tenant with the fewest messages in flight."""
        if not self.fair:
            return waiting[0]
        return min(waiting, key=lambda message: self.in_flight[message.tenant_id])

    def finish(self) -> None:
        """Deal with what the workers have had for long enough."""
        while self.busy and self.busy[0][0] <= self.fleet.clock.now():
            _, _, message = heapq.heappop(self.busy)
            self.in_flight[message.tenant_id] -= 1
            self.fleet._handle(self.queue, message)  # noqa: SLF001 - the simulation's own workers


def creation(tenant_id: str, number: int) -> str:
    """Return the body of a creation request."""
    return json.dumps(
        {
            "messageType": "SITE_CREATION_REQUEST",
            "correlationId": f"{tenant_id}-{number}",
            "timestamp": "2026-11-21T08:00:00Z",
            "payload": {
                "siteId": f"site-{number}",
                "tenantId": tenant_id,
                "siteName": "Banana",
                "subdomain": f"{tenant_id}-{number}",
                "environment": ENVIRONMENT.value,
                "configuration": {},
            },
        }
    )


def measure(creations: int, *, cap: int | None, fair: bool) -> Measured:
    """Run the two tenants, and the quiet one alone before."""
    alone, _, steps, _ = _run(0, cap=cap, fair=fair)
    quiet, loud, _, most = _run(creations, cap=cap, fair=fair)
    return Measured(
        alone_seconds=alone,
        quiet_seconds=quiet,
        loud_seconds=loud,
        most_running=most,
        steps=steps,
    )


def _run(creations: int, *, cap: int | None, fair: bool) -> tuple[float, float, int, int]:
    fleet = _fleet(cap, creations)
    start, most = fleet.clock.now(), 0
    workers = Workers(fleet=fleet, queue=QueueName.CREATION, fair=fair)
    for number in range(creations):
        fleet.send(QueueName.CREATION, creation(LOUD, number), tenant_id=LOUD)
    fleet.send(QueueName.CREATION, creation(QUIET, 0), tenant_id=QUIET)
    while _go_on(fleet, workers):
        most = max(most, _running(fleet))
    operations = list(fleet.store.operations.values())
    if len(operations) != creations + 1 or any(o.status != "COMPLETED" for o in operations):
        raise AssertionError(f"Not everything ended well: {Counter(o.status for o in operations)}")
    ends = {
        tenant: max(
            ((o.completed_at or start) - start).total_seconds()
            for o in operations
            if o.tenant_id == tenant
        )
        for tenant in {o.tenant_id for o in operations}
    }
    quiet = next(o for o in operations if o.tenant_id == QUIET)
    return ends[QUIET], ends.get(LOUD, 0.0), len(quiet.plan), most


def _running(fleet: SimulatedFleet) -> int:
    """Return how many of the loud tenant's operations hold the lock of their site."""
    return sum(1 for tenant_id, _ in fleet.store.locks if tenant_id == LOUD)


def _fleet(cap: int | None, creations: int) -> SimulatedFleet:
    changes = {"max_running_operations_per_tenant": cap, "sites_by_tier": {"basic": creations + 1}}
    policy = policy_of(ENVIRONMENT).model_copy(update=changes)
    fleet = SimulatedFleet(environment=ENVIRONMENT, other_policy=policy)
    fleet.world.images[DIGEST] = "{}"
    fleet.world.image_tags[policy.wordpress_tag] = DIGEST
    fleet.world.rule_quota = fleet.world.target_group_quota = 2 * creations + 10
    for tenant_id in (LOUD, QUIET):
        fleet.world.tenants[tenant_id] = Tenant(tenant_id=tenant_id, status="REGISTERED")
    fleet.jobs.seconds = JOB_SECONDS
    return fleet


def _go_on(fleet: SimulatedFleet, workers: Workers) -> bool:
    """Let the next thing happen; False at the end of all things."""
    workers.take()
    if fleet.reports:
        fleet._wake(fleet.reports.pop(0))  # noqa: SLF001 - as the simulation's own loop
        return True
    fleet.reports += fleet.reporter.reports()
    if fleet.reports:
        return True
    moments = [until for until, _, _ in workers.busy]
    if len(workers.busy) < WORKERS:
        moments += [m.visible_at for m in fleet.world.queues[workers.queue]]
    coming = fleet.reporter.next_at()
    moments += [coming] if coming else []
    if not moments:
        return False
    fleet.clock.advance_to(min(moments))
    workers.finish()
    fleet.notifier_queue.clear()
    return True


def report(creations: int, cap: int) -> str:
    """Return the table."""
    assumed = f"{WORKERS} workers, {MESSAGE_SECONDS} s a message, {JOB_SECONDS} s a job (assumed)"
    titles = ("cap", "alone", "quiet", "delay", "in steps", "at work", "loud ends")
    lines = [
        f"{creations} creations of one tenant, then one of another; {assumed}",
        "",
        f"{'queue':<10}" + "".join(f"{title:>10}" for title in titles),
    ]
    for fair in (True, False):
        for most in (cap, None):
            found = measure(creations, cap=most, fair=fair)
            seconds = (found.alone_seconds, found.quiet_seconds, found.delay_seconds)
            lines.append(
                f"{'fair' if fair else 'not fair':<10}{most or '-':>10}"
                + "".join(f"{value:>8.1f} s" for value in seconds)
                + f"{found.delay_in_steps:>10.1f}{found.most_running:>10}"
                + f"{found.loud_seconds:>8.0f} s"
            )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--creations", type=int, default=1000)
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    cap = policy_of(ENVIRONMENT).max_running_operations_per_tenant or 1
    print(report(parser.parse_args().creations, cap))


if __name__ == "__main__":
    main()
