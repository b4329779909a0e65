"""Many at once: fifty creations of five tenants, and everything that can be asked of one site."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.acceptance.fleet_client import creation, envelope, promotion, update
from tests.acceptance.inventory import Inventory
from tests.acceptance.observers import TERMINAL
from tests.acceptance.world import Run, World, new_site_id, site_id

TENANTS = tuple(f"tenant-crowd-{number}" for number in range(1, 6))
SITES_OF_EACH = 10
LOUD = "tenant-loud"
CROWD_SECONDS = 1500


@dataclass(frozen=True)
class Crowd:
    """Fifty creations at once; two of them ask for one subdomain. Meanwhile, one update."""

    runs: list[Run]
    rivals: tuple[Run, Run]
    alone: Run
    """An update by another tenant while nobody else was there."""
    between: Run
    """The same kind of update in the middle of the crowd."""
    most_running: dict[str, int]
    """Tenant -> its operations that were at work at one moment."""


def crowd(world: World, _done: Callable[[str], Any]) -> Crowd:
    dev, events = world.accounts["dev"], world.events["dev"]
    quiet = world.create("quiet")
    alone = world.update(quiet, theme="twentytwentytwo")
    requests = [
        creation(new_site_id(), f"crowd-{tenant[-1]}-{number}", tenantId=tenant)
        for number in range(SITES_OF_EACH)
        for tenant in TENANTS
    ]
    rivals = [creation(new_site_id(), "wanted", tenantId=tenant) for tenant in TENANTS[:2]]
    started = time.monotonic()
    for request in (*requests[:-2], *rivals):
        dev.send("creation", request)
    between = world.update(quiet, theme="twentytwentythree")

    def ended(request: dict[str, Any]) -> Run:
        end = events.wait_for_end(request["correlationId"], seconds=CROWD_SECONDS)
        return Run(request, end, time.monotonic() - started)

    runs = [ended(request) for request in requests[:-2]]
    first, second = (ended(request) for request in rivals)
    return Crowd(runs, (first, second), alone, between, _most_running(world))


def _most_running(world: World) -> dict[str, int]:
    """Return how many operations of each tenant were between their first step and their end."""
    changes: dict[str, list[tuple[str, int]]] = {tenant: [] for tenant in TENANTS}
    for tenant in TENANTS:
        for first, last in spans(world, "dev", tenantId=tenant).values():
            changes[tenant] += [(first, 1), (last, -1)]
    return {tenant: max(_sums(sorted(found)), default=0) for tenant, found in changes.items()}


def _sums(changes: list[tuple[str, int]]) -> Iterator[int]:
    running = 0
    for _, change in changes:
        running += change
        yield running


@dataclass(frozen=True)
class Thousand:
    """One tenant drops a thousand creations; then another one changes its site."""

    alone: Run
    behind: Run
    ended_before: int
    """Creations of the loud tenant that had ended when the update did."""


def thousand(world: World, _done: Callable[[str], Any]) -> Thousand:
    quiet = world.create("behind-a-crowd")
    alone = world.update(quiet, theme="twentytwentytwo")
    dev, url = world.accounts["dev"], world.accounts["dev"].queue_url("creation")
    for start in range(0, 1000, 10):
        entries = [
            {
                "Id": str(number),
                "MessageBody": json.dumps(creation(new_site_id(), f"loud-{number}", tenantId=LOUD)),
                "MessageGroupId": LOUD,
            }
            for number in range(start, start + 10)
        ]
        dev.client("sqs").send_message_batch(QueueUrl=url, Entries=entries)
    behind = world.update(quiet, theme="twentytwentythree")
    ended = [e for e in world.events["dev"].where(tenantId=LOUD) if e["detail-type"] in TERMINAL]
    return Thousand(alone, behind, len(ended))


@dataclass(frozen=True)
class Rivals:
    """An update, a deletion and promotions of one site, all asked for at one moment."""

    asked: dict[str, Run]
    spans: dict[str, tuple[str, str]]
    """Operation -> when it had taken the site's lock, and when it gave it back."""
    steps: list[tuple[str, str, str]]
    """Of what was done under the lock, as recorded in the table: began, ended, whose it was."""
    records: list[dict[str, Any]]
    left: dict[str, Any]


def rivals(world: World, _done: Callable[[str], Any]) -> Rivals:
    created = world.create("plum")
    world.promote(site_id(created))
    site = {"siteId": site_id(created), "tenantId": "tenant-1"}
    asked = {
        "update": update(site["siteId"], scale={"desiredCount": 2}),
        "promotion": promotion(site["siteId"]),
        "another update": update(site["siteId"], scale={"desiredCount": 1}),
        "deletion": envelope("SITE_DELETION_REQUEST", {**site, "reason": "A test."}),
        "another promotion": promotion(site["siteId"]),
    }
    queues = {"SITE_UPDATE_REQUEST": "update", "SITE_DELETION_REQUEST": "deletion"}
    for request in asked.values():
        world.accounts["sit"].send(queues.get(request["messageType"], "promotion"), request)
    events, inventory = world.events["sit"], world.inventory["sit"]
    runs = {
        what: Run(request, events.wait_for_end(request["correlationId"]), 0)
        for what, request in asked.items()
    }
    key = _key(world, created)
    left = {
        "releases": {
            kind: [release for release in found if release[0] == key]
            for kind, found in inventory.releases().items()
        },
        "hosts": [host for host in inventory.hosts() if host.startswith("plum.")],
    }
    held = spans(world, "sit", siteId=site["siteId"])
    steps = sorted(step for operation in held for step in _under_lock(inventory, operation))
    return Rivals(runs, held, steps, inventory.site(site["siteId"]), left)


def spans(world: World, environment: str, **metadata: str) -> dict[str, tuple[str, str]]:
    """Return when each operation had taken its site's lock, and when it gave it back.

    It is given back by the end, or by the undo of the step that has taken it. Source: the times in
    the fleet's own events.
    """
    taken: dict[str, str] = {}
    given: dict[str, list[str]] = {}
    for event in world.events[environment].where(**metadata):
        about = event["detail"]["metadata"]
        operation, when = about["operationId"], about["occurredAt"]
        locking = about.get("step") == "lock_site"
        if event["detail-type"] in TERMINAL or (locking and about["phase"] == "undo"):
            given.setdefault(operation, []).append(when)
        elif locking and event["detail-type"] == "SiteStepCompleted":
            taken[operation] = when
    return {operation: (when, min(given[operation])) for operation, when in taken.items()}


def _under_lock(inventory: Inventory, operation_id: str) -> Iterator[tuple[str, str, str]]:
    """Yield the recorded steps between the one that took the lock and the one that gave it back."""
    items = inventory.items(f"bbws-wp-operations-{inventory.account.environment}")
    steps = {
        i["SK"]: (i["startedAt"], i["completedAt"], operation_id)
        for i in items
        if operation_id in i["PK"] and i["SK"].startswith("STEP#")
    }
    _, taken, _ = steps["STEP#forward#lock_site"]
    given, *_ = steps.get("STEP#undo#lock_site", ("9",))
    yield from (step for step in steps.values() if taken <= step[0] < given)


def _key(world: World, run: Run) -> str:
    release = world.inventory["dev"].site(site_id(run))[1]
    return str(release["schema"].split("_")[1])
