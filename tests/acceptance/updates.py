"""A site is suspended, brought back, given another image and more containers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.acceptance.browser import Page, Visitors, Visits
from tests.acceptance.world import Run, World, site_id

IMAGE, CRASHING = "wordpress-6.1.9-php8.2", "wordpress-crashing"
DOMAIN = "cherry.example"
ORIGINS = (f"https://{DOMAIN}", f"https://www.{DOMAIN}")


@dataclass(frozen=True)
class Changes:
    """What was asked for, what a visitor read after it, and how the services stood."""

    suspended: Run
    page_of_suspended: Page
    containers_of_suspended: list[int]
    activated: Run
    page_of_activated: Page
    renewed: Run
    page_of_renewed: Page
    visits: list[Visits]
    services: list[dict[str, Any]]
    images: list[str]
    crashed: Run
    refused: Run
    moved: Run
    pages_of_moved: dict[str, Page]
    """Origin -> what a visitor reads there."""
    records: list[dict[str, Any]]


def changes(world: World, _done: Callable[[str], Any]) -> Changes:
    created = world.create("cherry")
    suspended = world.update(created, status="SUSPENDED")
    closed, resting = world.browser.get(created.url), _services(world, created)
    activated = world.update(created, status="ACTIVE")
    opened = world.browser.get(created.url)
    with Visitors(world.browser, created.url) as visitors:
        renewed = world.update(created, imageTag=IMAGE, scale={"desiredCount": 2})
        crashed = world.update(created, imageTag=CRASHING)
    renewed_page = world.browser.get(created.url)
    refused = world.update(created, imageTag="no-such-image")
    services, images = _services(world, created), _images(world, created)
    records = world.inventory["dev"].site(site_id(created))
    moved = world.update(created, domain=DOMAIN)
    return Changes(
        suspended=suspended,
        page_of_suspended=closed,
        containers_of_suspended=[service["desiredCount"] for service in resting],
        activated=activated,
        page_of_activated=opened,
        renewed=renewed,
        page_of_renewed=renewed_page,
        visits=visitors.visits,
        services=services,
        images=images,
        crashed=crashed,
        refused=refused,
        moved=moved,
        pages_of_moved={url: world.browser.get(url) for url in (*ORIGINS, created.url)},
        records=records,
    )


def _services(world: World, site: Run) -> list[dict[str, Any]]:
    """Return the services of a site's releases: also a trial that was left behind."""
    ecs = world.accounts["dev"].client("ecs")
    [cluster] = [arn for arn in ecs.list_clusters()["clusterArns"] if "bbws-cluster" in arn]
    arns = ecs.list_services(cluster=cluster, maxResults=100)["serviceArns"]
    live = world.inventory["dev"].site(site_id(site))[1]["serviceName"]
    mine = [arn for arn in arns if live in arn]
    return list(ecs.describe_services(cluster=cluster, services=mine)["services"])


def _images(world: World, site: Run) -> list[str]:
    ecs = world.accounts["dev"].client("ecs")
    found = [
        ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        for service in _services(world, site)
    ]
    return [definition["containerDefinitions"][0]["image"] for definition in found]
