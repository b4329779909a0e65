"""`sitefleet sites`: what exists, and what the live release of a site is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from core.domain.errors import ConfigurationError, NotFoundError
from core.domain.operation import Operation
from core.domain.site import Release, Site
from ops.command import command
from ops.connection import Connection
from ops.desk import Desk
from ops.documents import operation_document, release_document, site_document
from ops.errors import BadInputError
from ops.flags import TenantId
from ops.wording import fields, moment, table

app = typer.Typer(
    help="Look at sites and their releases, delete sites, restore them.", no_args_is_help=True
)


@dataclass(frozen=True, kw_only=True)
class SiteView:
    """A site with everything that `show` tells."""

    site: Site
    releases: Sequence[Release]
    url: str | None
    """None while nothing is live."""
    running: Operation | None

    @property
    def live(self) -> Release | None:
        found = (r for r in self.releases if r.number == self.site.live_release)
        return next(found, None)


@command(app, "list")
def list_sites(desk: Desk, *, tenant_id: TenantId = None) -> None:
    """List the sites of a tenant, or all sites of the environment."""
    sites = _sites(desk.connection(), tenant_id)
    if desk.as_json:
        desk.show_json({"sites": [site_document(site) for site in sites]})
        return
    if not sites:
        desk.say("There are no sites.")
        return
    titles = ("TENANT", "SITE", "STATUS", "LIVE", "SUBDOMAIN", "NAME", "CHANGED")
    desk.show(table(titles, [_cells(site) for site in sites]))


@command(app, "show")
def show(
    desk: Desk,
    site_id: Annotated[str, typer.Argument(help="The site's id.", metavar="SITE")],
    *,
    tenant_id: Annotated[
        str | None,
        typer.Option(
            help="Its tenant; needed where two have a site of this id.", show_default=False
        ),
    ] = None,
) -> None:
    """Show a site, its address, its releases, and the operation that holds it."""
    connection = desk.connection()
    view = _view(connection, _one(connection, site_id, tenant_id))
    if desk.as_json:
        desk.show_json(_document(view, desk))
        return
    desk.show(_lines(view))
    if desk.machine is not None and view.url is not None:
        desk.say(f"In a browser on this machine: {desk.machine.browser_url(view.url)}")


# --- inside ---------------------------------------------------------------------------------


def _sites(connection: Connection, tenant_id: str | None) -> Sequence[Site]:
    """Read the table, which has the same name in every account, and check whose it is."""
    sites = connection.sites.list_sites(tenant_id)
    for site in sites:
        _check(connection, site)
    return sites


def _check(connection: Connection, site: Site) -> None:
    if site.environment is not connection.environment:
        raise ConfigurationError(
            f"These credentials open the account of {site.environment}, not of "
            f"{connection.environment}. Use the profile of {connection.environment}, or "
            f"--env {site.environment}."
        )


def _one(connection: Connection, site_id: str, tenant_id: str | None) -> Site:
    if tenant_id is not None:
        site = connection.sites.get(tenant_id, site_id)
        found = [] if site is None else [site]
    else:
        found = [site for site in connection.sites.list_sites() if site.site_id == site_id]
    if not found:
        of = f" of tenant {tenant_id}" if tenant_id is not None else ""
        raise NotFoundError(
            f"There is no site {site_id}{of} in {connection.environment}. "
            f"See what there is: sitefleet sites list --env {connection.environment}"
        )
    if len(found) > 1:
        tenants = ", ".join(site.tenant_id for site in found)
        raise BadInputError(f"Several tenants have a site {site_id}: say --tenant-id ({tenants}).")
    _check(connection, found[0])
    return found[0]


def _view(connection: Connection, site: Site) -> SiteView:
    releases = connection.sites.list_releases(site.tenant_id, site.site_id)
    holder = connection.operations.lock_holder(site.tenant_id, site.site_id)
    running = connection.operations.get(holder) if holder is not None else None
    live = next((r for r in releases if r.number == site.live_release), None)
    builder = connection.operations.get(live.operation_id) if live is not None else None
    url = builder.summary.get("siteUrl") if builder is not None else None
    return SiteView(
        site=site, releases=releases, url=str(url) if url is not None else None, running=running
    )


def _cells(site: Site) -> tuple[str, ...]:
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
    )


def _lines(view: SiteView) -> list[str]:
    site, live = view.site, view.live
    lines = [f"{site.site_name} ({site.site_id} of {site.tenant_id}) in {site.environment}"]
    lines += _facts(view)
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
            ("version", str(site.version)),
            ("wordpress", site.wordpress_version),
            ("php", site.php_version),
            ("created", moment(site.created_at)),
            ("changed", moment(site.updated_at)),
            ("running", _running(view.running)),
        ],
        indent="  ",
    )


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
    }
