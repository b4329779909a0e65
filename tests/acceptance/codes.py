"""Every way to be refused or to fail that the contract names, asked for by its own messages.

A site of a tenant with room for one site is asked for what cannot be; another one meets jobs that
hang, that are killed again and again, and a source that is broken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.acceptance.browser import Page
from tests.acceptance.fleet_client import creation, envelope, promotion, update
from tests.acceptance.world import Run, World, new_site_id, site_id

FULL, STRANGER, LOCKED = "tenant-full", "tenant-unchecked", "tenant-locked"
TENANTS = {
    FULL: {"status": "REGISTERED", "tier": "trial"},
    STRANGER: {"status": "UNVALIDATED", "tier": "basic"},
    LOCKED: {"status": "SUSPENDED", "tier": "basic"},
}
BANNER = {"slug": "notice-banner", "version": "1.0.0"}
PROMOTING = ("change", "job_kills", "worker_kills", "refusals", "approvals", "rivals", "troubles")
BREAKS = b"<?php http_response_code(500); exit('broken on purpose');"


@dataclass(frozen=True)
class Codes:
    """What was answered, by what was asked; and how the site stood before and after."""

    created: Run
    before: Page
    answers: dict[str, Run]
    after: Page
    plugins: list[str]
    """Folders of plugins that the site has in the end."""


def breaking(world: World, done: Callable[[str], Any]) -> Codes:
    """Break every page of the same site; then ask for its promotion.

    The fatal errors in its own log close that gate for a day, although the plugin is gone.
    """
    for story in PROMOTING:
        done(story)
    created, before = done("codes").created, done("codes").after
    broken = update(site_id(created), tenant_id=FULL, plugins={"install": ["broken-page"]})
    answers = {
        "a plugin that breaks every page": world.run("dev", broken),
        "its promotion": world.run("sit", promotion(site_id(created), tenantId=FULL)),
    }
    return Codes(created, before, answers, world.browser.get(created.url), _plugins(world))


def codes(world: World, _done: Callable[[str], Any]) -> Codes:
    put_tenants(world)
    request = creation(new_site_id(), "olive", tenantId=FULL, configuration={"plugins": [BANNER]})
    created = world.run("dev", request)
    before = world.browser.get(created.url)

    def change(**changes: Any) -> dict[str, Any]:
        return update(site_id(created), tenant_id=FULL, **changes)

    def install(slug: str, version: str | None = None) -> dict[str, Any]:
        named = {"slug": slug, "version": version} if version else slug
        return change(plugins={"install": [named]})

    stale = change(scale={"desiredCount": 2})
    stale["payload"]["expectedVersion"] = 99
    asked = {
        "no name at all": creation(new_site_id(), "No name at all!"),
        "no such site": update("site-nowhere", scale={"desiredCount": 2}),
        "a site too many": creation(new_site_id(), "second-olive", tenantId=FULL),
        "a former version": stale,
        "no such template": change(templateId="no-such-template"),
        "a template for another WordPress": change(templateId="tomorrow"),
        "no such plugin": install("no-such-plugin"),
        "a blocklisted plugin": install("coin-miner"),
        "a vulnerable plugin": install("old-gallery", "1.0.0"),
        "a plugin in conflict": install("ribbon"),
        "an unchecked tenant": creation(new_site_id(), "unchecked", tenantId=STRANGER),
        "a suspended tenant": creation(new_site_id(), "locked", tenantId=LOCKED),
        "a plugin that does not start": install("no-start"),
        "a plugin that never comes to an end": install("slow-start"),
    }
    answers = {what: world.run("dev", message, seconds=400) for what, message in asked.items()}
    return Codes(created, before, answers, world.browser.get(created.url), _plugins(world))


@dataclass(frozen=True)
class Troubles:
    """Jobs that hang or die, and a source that is broken."""

    stalled: dict[str, Any]
    """The event that reports the hanging job's operation."""
    retried: Run
    theme: Page
    killed: list[str]
    failed: Run
    after: Page
    refused: Run
    """The promotion of the broken site."""
    told: dict[str, Any]
    """The notification of the stalled operation."""


def troubles(world: World, _done: Callable[[str], Any]) -> Troubles:
    dev, events, processes = world.accounts["dev"], world.events["dev"], world.processes
    created = world.create("quince")

    def begin(**changes: Any) -> tuple[dict[str, Any], str]:
        request = update(site_id(created), **changes)
        dev.send("update", request)
        mine = {"correlationId": request["correlationId"]}
        accepted = events.wait_for("SiteOperationAccepted", **mine)
        return request, accepted["detail"]["metadata"]["operationId"]

    request, operation_id = begin(theme="twentytwentytwo")
    job = processes.freeze_job(operation_id, "change_theme")
    stalled = events.wait_for("SiteOperationStalled", operationId=operation_id)
    told = world.notifications["dev"].wait_for(site_id(created), "OPERATION_STALLED")
    job.kill()
    again = {"operationId": operation_id, "reason": "the job hung"}
    dev.send("update", envelope("OPERATION_RETRY_REQUEST", again))
    retried = Run(request, events.wait_for_end(request["correlationId"]), 0)
    theme = world.browser.get(created.url)

    request, operation_id = begin(theme="twentytwentythree")
    mine = request["correlationId"]
    killed = processes.kill_jobs(
        operation_id,
        "change_theme",
        until=lambda: (
            events.where("SiteOperationFailed", correlationId=mine)
            or events.where("SiteStepFailed", correlationId=mine)
        ),
    )
    failed = Run(request, events.wait_for_end(mine), 0)
    after = world.browser.get(created.url)

    [folder] = world.inventory["dev"].files.glob(f"tenant-1/{_key(world, created)}/r1")
    (folder / "mu-plugins").mkdir(exist_ok=True)
    (folder / "mu-plugins" / "broken.php").write_bytes(BREAKS)
    refused = world.run("sit", promotion(site_id(created)))
    return Troubles(stalled, retried, theme, killed, failed, after, refused, told)


def put_tenants(world: World) -> None:
    """Write what the platform's tenant service would have."""
    dynamodb = world.accounts["dev"].client("dynamodb")
    for tenant_id, known in TENANTS.items():
        item = {"PK": f"TENANT#{tenant_id}", "SK": "METADATA", "tenantId": tenant_id, **known}
        values = {name: {"S": value} for name, value in item.items()}
        dynamodb.put_item(TableName="tenants", Item={**values, "active": {"BOOL": True}})


def _plugins(world: World) -> list[str]:
    folders = world.inventory["dev"].files.glob(f"{FULL}/*/r1/plugins/*/")
    return sorted(path.name for path in folders)


def _key(world: World, run: Run) -> str:
    """Return the site's short key, as it stands in the names of what it owns."""
    release = world.inventory["dev"].site(site_id(run))[1]
    return str(release["schema"].split("_")[1])
