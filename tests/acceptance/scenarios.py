"""What clients do to the fleet while the tests wait: each scenario tells one story and returns it.

All scenarios that the selected tests ask for run at once, in threads of their own; the assertions
stand in the tests.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.acceptance.browser import Page, Visitors, Visits
from tests.acceptance.fleet_client import creation, envelope, eventually, promotion, rollback
from tests.acceptance.world import Run, World, new_site_id, site_id

type Done = Callable[[str], Any]
LOOKED_AT = ("/", "/wp-json/", "/wp-sitemap.xml", "/wp-sitemap-posts-post-1.xml", "/sample-page/")


@dataclass(frozen=True)
class Story:
    """A site was created in dev, written in, and promoted to sit."""

    created: Run
    picture: str
    promoted: Run
    dev: dict[str, Page]
    sit: dict[str, Page]

    @property
    def site_id(self) -> str:
        return site_id(self.created)


def story(world: World, _done: Done) -> Story:
    created = world.create("banana", siteName="Banana bread & more")
    picture = world.publish(created, "First article")
    promoted = world.promote(site_id(created))
    pages = [
        {path: world.browser.get(run.url, path) for path in LOOKED_AT}
        for run in (created, promoted)
    ]
    return Story(created, picture, promoted, *pages)


@dataclass(frozen=True)
class Change:
    """Something was changed in dev and promoted again, under the eyes of visitors."""

    promoted: Run
    visits: list[Visits]
    page: Page
    records: list[dict[str, Any]]
    """The site's records once it was done."""


def change(world: World, done: Done) -> Change:
    before: Story = done("story")
    world.publish(before.created, "Second article")
    request = promotion(before.site_id)
    world.accounts["sit"].send("promotion", request)
    asked = {"correlationId": request["correlationId"]}
    world.events["sit"].wait_for("SiteStepCompleted", step="start_release", **asked)
    with Visitors(world.browser, before.promoted.url) as visitors:
        end = world.events["sit"].wait_for_end(request["correlationId"])
        time.sleep(1)
    promoted = Run(request, end, 0)
    page = world.browser.get(promoted.url)
    records = world.inventory["sit"].site(before.site_id)
    return Change(promoted, visitors.visits, page, records)


@dataclass(frozen=True)
class Back:
    """The change was taken back on request, hours later as it were, under the eyes of visitors."""

    rolled_back: Run
    visits: list[Visits]
    seconds: float
    """From the request to the end."""


def back(world: World, done: Done) -> Back:
    before: Change = done("change")
    url = done("story").promoted.url
    world.publish(before.promoted, "Written after the switch")
    request = rollback(before.promoted.operation_id)
    started = time.monotonic()
    with Visitors(world.browser, url) as visitors:
        world.accounts["sit"].send("promotion", request)
        end = world.events["sit"].wait_for_end(request["correlationId"])
        seconds = time.monotonic() - started
        time.sleep(1)
    return Back(Run(request, end, 0), visitors.visits, seconds)


@dataclass(frozen=True)
class Return:
    """A site that was written in was deleted, and brought back from its backup."""

    created: Run
    before: dict[str, Page]
    deleted: Run
    left: dict[str, Any]
    """What the account still had of it then."""
    restored: Run
    after: dict[str, Page]


def returned(world: World, _done: Done) -> Return:
    created = world.create("phoenix")
    world.publish(created, "Before the fire")
    site, inventory = {"siteId": site_id(created), "tenantId": "tenant-1"}, world.inventory["dev"]
    before = {path: world.browser.get(created.url, path) for path in LOOKED_AT}
    deleted = world.run("dev", envelope("SITE_DELETION_REQUEST", {**site, "reason": "A test."}))
    left = {
        "names": sorted(inventory.names() | set(inventory.hosts())),
        "releases": inventory.releases(),
        "records": inventory.site(site_id(created)),
    }
    backup = {"backupId": deleted.data["backupId"]}
    restored = world.run("dev", envelope("SITE_RESTORE_REQUEST", {**site, **backup}))
    after = {path: world.browser.get(created.url, path) for path in LOOKED_AT}
    return Return(created, before, deleted, left, restored, after)


def clone(world: World, done: Done) -> Run:
    return world.create("banana-copy", cloneFrom=done("story").site_id)


@dataclass(frozen=True)
class Repeats:
    """The same creation was asked for ten times at once, and once more when it was done."""

    created: Run
    late_answer: dict[str, Any]
    other_payload: dict[str, Any]


def repeats(world: World, _done: Done) -> Repeats:
    request, dev, events = creation(new_site_id(), "ten-times"), world.accounts["dev"], world.events
    for _ in range(9):
        dev.send("creation", request)
    created = world.run("dev", request)
    dev.send("creation", request)
    mine = {"operationId": created.operation_id}

    def completed_status() -> dict[str, Any] | None:
        answers = events["dev"].where("SiteOperationStatus", **mine)
        return next((a for a in answers if a["detail"]["data"]["status"] == "COMPLETED"), None)

    late = eventually(completed_status, "an answer to the late repeat", seconds=30)
    other = {**request, "payload": {**request["payload"], "siteName": "Another name"}}
    dev.send("creation", other)
    rejected = events["dev"].wait_for("SiteOperationRejected", **mine)
    return Repeats(created, late, rejected)


@dataclass(frozen=True)
class Kills:
    """Processes were killed in the middle of a creation and of a promotion."""

    created: Run
    promoted: Run
    killed: list[Any]


def job_kills(world: World, _done: Done) -> Kills:
    """kill -9 of the migrator: while it installs, while it exports, while it imports."""
    killed: list[Any] = []

    def run(environment: str, request: dict[str, Any], *steps: str) -> Run:
        queue = "creation" if environment == "dev" else "promotion"
        world.accounts[environment].send(queue, request)
        asked = request["correlationId"]
        accepted = world.events[environment].wait_for("SiteOperationAccepted", correlationId=asked)
        operation_id = accepted["detail"]["metadata"]["operationId"]
        killed.extend(world.processes.kill_job(operation_id, step, after=0.1) for step in steps)
        return Run(request, world.events[environment].wait_for_end(asked), 0)

    site = new_site_id()
    created = run("dev", creation(site, "cut-short"), "install_wordpress")
    promoted = run("sit", promotion(site), "export_source", "import_database", "place_content")
    return Kills(created, promoted, killed)


def worker_kills(world: World, _done: Done) -> Kills:
    """kill -9 of the function's processes for a while, right after a step was completed."""
    killed: list[Any] = []

    def run(environment: str, request: dict[str, Any], function: str, step: str) -> Run:
        world.accounts[environment].send(function, request)
        asked = request["correlationId"]
        events = world.events[environment]
        events.wait_for("SiteStepCompleted", correlationId=asked, step=step)
        name = f"{environment}-bbws-async-processor-{function}"
        killed.append(world.processes.kill_workers(name, seconds=1.5))
        return Run(request, events.wait_for_end(asked), 0)

    site = new_site_id()
    created = run("dev", creation(site, "no-worker"), "creation", "reserve_release")
    promoted = run("sit", promotion(site), "promotion", "prepare_secrets")
    return Kills(created, promoted, killed)


@dataclass(frozen=True)
class Refusals:
    """Requests that came at the wrong time or asked for what is not allowed."""

    site: Run
    same_subdomain: Run
    second: Run
    cancelled: Run
    paths: dict[str, dict[str, Any]]


def refusals(world: World, _done: Done) -> Refusals:
    paths = {}
    for source, target in (("dev", "prod"), ("sit", "dev"), ("prod", "sit"), ("prod", "dev")):
        asked = promotion("site-1", sourceEnvironment=source, targetEnvironment=target)
        asked["payload"]["changeTicket"] = "CHG0012345"
        paths[f"{source} to {target}"] = world.run(target, asked).end
    site = world.create("first-come")
    taken = creation(new_site_id(), "first-come")
    world.accounts["dev"].send("creation", taken)
    first, second = promotion(site_id(site)), promotion(site_id(site))
    world.accounts["sit"].send("promotion", first)
    mine = {"correlationId": first["correlationId"]}
    locked = world.events["sit"].wait_for("SiteStepCompleted", step="open_record", **mine)
    operation_id = locked["detail"]["metadata"]["operationId"]
    # Behind the import; it stands still until the cancellation ends it, however late both come.
    world.processes.freeze_job(operation_id, "place_content")
    refused = world.run("sit", second)
    world.cancel("sit", operation_id)
    end = world.events["sit"].wait_for_end(first["correlationId"])
    same = world.events["dev"].wait_for_end(taken["correlationId"])
    return Refusals(site, Run(taken, same, 0), refused, Run(first, end, 0), paths)
