"""`sitefleet sites`: what exists, and what the live release of a site is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import typer

from core.domain.operation import Operation
from core.domain.site import Release, Site
from core.domain.sizes import PLATFORM_SIZE, sized
from core.ports.operation_store import SiteQueue
from ops.command import command
from ops.connection import Connection
from ops.desk import Desk
from ops.documents import operation_document, release_document, site_document
from ops.flags import SiteId, SiteTenantId, TenantId
from ops.queues import at_work_cells, at_work_document, queue_document, queue_lines
from ops.site_changes import activate, suspend, update
from ops.site_finding import check_place, find_site
from ops.wording import fields, moment, table

app = typer.Typer(
    help="Look at sites and their releases; change, delete and restore sites.",
    no_args_is_help=True,
)


@dataclass(frozen=True, kw_only=True)
class SiteView:
    """A site with everything that `show` tells."""

    site: Site
    releases: Sequence[Release]
    url: str | None
    """None while nothing is live."""
    running: Operation | None
    queue: SiteQueue
    """Who waits for it."""

    @property
    def live(self) -> Release | None:
        found = (r for r in self.releases if r.number == self.site.live_release)
        return next(found, None)


@command(app, "list")
def list_sites(desk: Desk, *, tenant_id: TenantId = None) -> None:
    """List the sites of a tenant, or all sites of the environment, and what is at work on them."""
    connection = desk.connection()
    sites = _sites(connection, tenant_id)
    queues = connection.operations.queues_of([(site.tenant_id, site.site_id) for site in sites])
    listed = [(site, queues[site.tenant_id, site.site_id]) for site in sites]
    if desk.as_json:
        desk.show_json(
            {"sites": [{**site_document(s), **at_work_document(queue)} for s, queue in listed]}
        )
        return
    if not sites:
        desk.say("There are no sites.")
        return
    desk.show(table(_TITLES, [_cells(site, queue) for site, queue in listed]))


@command(app, "show")
def show(
    desk: Desk,
    site_id: SiteId,
    *,
    tenant_id: SiteTenantId = None,
) -> None:
    """Show a site, its releases, the operation that holds it and those that wait for it."""
    connection = desk.connection()
    view = _view(connection, find_site(connection, site_id, tenant_id))
    if desk.as_json:
        desk.show_json(_document(view, desk))
        return
    desk.show(_lines(view))
    if desk.machine is not None and view.url is not None:
        desk.say(f"In a browser on this machine: {desk.machine.browser_url(view.url)}")


for _name, _function in {"suspend": suspend, "activate": activate, "update": update}.items():
    command(app, _name)(_function)


_TITLES: Final = (
    *("TENANT", "SITE", "STATUS", "LIVE", "SUBDOMAIN", "NAME", "CHANGED"),
    *("AT WORK", "IN LINE"),
)


# --- inside ---------------------------------------------------------------------------------


def _sites(connection: Connection, tenant_id: str | None) -> Sequence[Site]:
    """Read the table, which has the same name in every account, and check whose it is."""
    sites = connection.sites.list_sites(tenant_id)
    for site in sites:
        check_place(connection, site)
    return sites


def _view(connection: Connection, site: Site) -> SiteView:
    releases = connection.sites.list_releases(site.tenant_id, site.site_id)
    queue = connection.operations.queue_of(site.tenant_id, site.site_id)
    holder = queue.holder
    running = connection.operations.get(holder.operation_id) if holder is not None else None
    live = next((r for r in releases if r.number == site.live_release), None)
    builder = connection.operations.get(live.operation_id) if live is not None else None
    url = builder.summary.get("siteUrl") if builder is not None else None
    return SiteView(
        site=site,
        releases=releases,
        url=str(url) if url is not None else None,
        running=running,
        queue=queue,
    )


def _cells(site: Site, queue: SiteQueue) -> tuple[str, ...]:
    live = "-" if site.live_release is None else f"r{site.live_release}"
    changed = moment(site.updated_at)
    return (
        site.tenant_id,
        site.site_id,
        site.status,
        live,
        site.subdomain,
        site.site_name,
        changed,
        *at_work_cells(queue),
    )


def _lines(view: SiteView) -> list[str]:
    site, live = view.site, view.live
    lines = [f"{site.site_name} ({site.site_id} of {site.tenant_id}) in {site.environment}"]
    lines += [*_facts(view), *queue_lines(view.queue)]
    if live is not None:
        lines += ["", f"live release r{live.number}", *_parts(live)]
    if view.releases:
        rows = [
            (f"r{r.number}", r.status, moment(r.created_at), r.operation_id) for r in view.releases
        ]
        lines += ["", *table(("RELEASE", "STATUS", "BUILT", "OPERATION"), rows)]
    return lines


def _facts(view: SiteView) -> list[str]:
    site = view.site
    return fields(
        [
            ("status", site.status),
            ("reason", site.failure_reason),
            ("url", view.url or "nothing is live"),
            ("subdomain", site.subdomain),
            ("domain", site.domain),
            ("version", str(site.version)),
            ("wordpress", site.wordpress_version),
            ("php", site.php_version),
            ("containers", _containers(site)),
            ("read-only", "since its promotion" if site.read_only else None),
            ("created", moment(site.created_at)),
            ("changed", moment(site.updated_at)),
            ("running", _running(view.running)),
        ],
        indent="  ",
    )


def _containers(site: Site) -> str | None:
    """Return number and size where they are not what every site has."""
    size = sized(site.cpu_units, site.memory_mib)
    if (site.desired_count, size) == (1, PLATFORM_SIZE):
        return None
    return f"{site.desired_count}, each {size.cpu_units} CPU units and {size.memory_mib} MiB"


def _parts(release: Release) -> list[str]:
    return fields(
        [
            ("schema", release.schema),
            ("content", release.content_root),
            ("access point", release.access_point_id),
            ("image", release.image_digest),
            ("task definition", release.task_definition_arn),
            ("service", release.service_name),
            ("target group", release.target_group_arn),
        ],
        indent="  ",
    )


def _running(operation: Operation | None) -> str:
    if operation is None:
        return "no operation"
    return (
        f"{operation.operation_type} {operation.operation_id}, {operation.status}, "
        f"at {operation.step}"
    )


def _document(view: SiteView, desk: Desk) -> dict[str, object]:
    running = view.running
    return {
        "site": site_document(view.site),
        "url": view.url,
        "liveRelease": release_document(view.live) if view.live is not None else None,
        "releases": [release_document(release) for release in view.releases],
        "runningOperation": None
        if running is None
        else operation_document(running, desk.clock.now()),
        "waiting": queue_document(view.queue),
    }
