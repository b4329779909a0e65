"""`sitefleet tenants`: what a tenant has, its first site, and its last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from core.domain.errors import NotFoundError, RefusedError
from core.domain.site import Site
from core.domain.tenancy import HOLDS_A_PLACE, Tier, check_status
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events.requests import SiteCreationRequest, SiteDeletionRequest, encode
from events.vocabulary import OperationType
from ops.command import command
from ops.composing import composed
from ops.connection import Connection
from ops.desk import Desk
from ops.errors import BadInputError
from ops.flags import RequestedBy, Watch, Yes
from ops.following import report
from ops.sending import Sent, send_request
from ops.tenant_policy import tier_here
from ops.tenant_remains import Remains, look
from ops.wording import fields, table

app = typer.Typer(help="Take tenants on and see them off.", no_args_is_help=True)

TenantId = Annotated[str, typer.Option(help="The tenant.", show_default=False)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Look and tell; send nothing.")]


@dataclass(frozen=True, kw_only=True)
class TenantView:
    """A tenant with everything that `show` tells."""

    tenant: Tenant
    tier: Tier
    sites: Sequence[Site]
    remains: Remains

    @property
    def used(self) -> int:
        return len(self.remains.found["place"])


@command(app, "show")
def show(desk: Desk, *, tenant_id: TenantId) -> None:
    """Show a tenant's status, tier and places, its sites, and what is there of it on AWS."""
    view = _view(desk.connection(), tenant_id)
    if desk.as_json:
        desk.show_json(_document(view))
        return
    desk.show(_lines(view))


@command(app, "onboard")
def onboard(
    desk: Desk,
    *,
    tenant_id: TenantId,
    site_id: Annotated[str, typer.Option(help="Id of its first site.", show_default=False)],
    site_name: Annotated[str, typer.Option(help="The site's title.", show_default=False)],
    subdomain: Annotated[str, typer.Option(help="The site's name in DNS.", show_default=False)],
    isolation_level: Annotated[
        int | None, typer.Option(help="1, 2 or 3; else the tier decides.", show_default=False)
    ] = None,
    dry_run: DryRun = False,
    requested_by: RequestedBy = None,
    watch: Watch = False,
) -> None:
    """Check that a tenant may have its first site, and send the request for it."""
    connection = desk.connection()
    view = _view(connection, tenant_id)
    _check_first(view)
    desk.say(f"Tenant {tenant_id} may have its first site in {connection.environment}:")
    for line in _facts(view):
        desk.say(line)
    payload = {
        "siteId": site_id,
        "tenantId": tenant_id,
        "siteName": site_name,
        "subdomain": subdomain,
        "environment": connection.environment,
        "isolationLevel": isolation_level,
    }
    request = composed(SiteCreationRequest, desk, connection, requested_by, payload)
    if dry_run:
        desk.say("Nothing was sent (--dry-run).")
        return
    sent = send_request(desk, connection, request, encode(request), QueueName.CREATION)
    report(desk, connection, sent, watch=watch)


@command(app, "offboard")
def offboard(
    desk: Desk,
    *,
    tenant_id: TenantId,
    reason: Annotated[str, typer.Option(help="Why, for the audit.", show_default=False)],
    dry_run: DryRun = False,
    requested_by: RequestedBy = None,
    yes: Yes = False,
) -> None:
    """Delete every site of a tenant, each with a proved backup; then tell what is left.

    Run it again once the deletions have ended: with no site left it only looks, and exits with 0
    when nothing is there any more.
    """
    connection = desk.connection()
    view = _view(connection, tenant_id)
    standing = [site for site in view.sites if site.status in HOLDS_A_PLACE]
    if not standing:
        _tell_what_is_left(desk, view)
        return
    desk.say(f"You are about to delete every site of {tenant_id} in {connection.environment}:")
    for site in standing:
        desk.say(f"  {site.site_id}  {site.status}  {site.subdomain}  {site.site_name}")
    if dry_run:
        desk.say("Nothing was sent (--dry-run).")
        return
    if not yes:
        desk.ask(f"Delete {len(standing)} of {tenant_id}'s sites?")
    sent = [_delete(desk, connection, site, reason, requested_by) for site in standing]
    if desk.as_json:
        desk.show_json({"operationIds": [one.operation_id for one in sent]})
    else:
        desk.show([one.operation_id for one in sent if one.operation_id is not None])
    desk.say(
        "Follow them: sitefleet operations show <operationId> --watch. Then run this command "
        "again: it tells what is left."
    )


# --- inside ---------------------------------------------------------------------------------


def _view(connection: Connection, tenant_id: str) -> TenantView:
    tenant = connection.tenants.get(tenant_id)
    if tenant is None:
        raise NotFoundError(
            f"There is no tenant {tenant_id} in the tenants table of {connection.environment}. "
            "Have the platform's tenant service register it there."
        )
    sites = connection.sites.list_sites(tenant_id)
    return TenantView(
        tenant=tenant,
        tier=tier_here(connection, tenant),
        sites=sites,
        remains=look(connection, tenant_id, sites),
    )


def _check_first(view: TenantView) -> None:
    """Raise BadInputError with the sentence that the fleet itself would refuse with."""
    tenant = view.tenant
    try:
        check_status(
            tenant.tenant_id,
            tenant.status,
            active=tenant.active,
            operation_type=OperationType.SITE_CREATION,
        )
    except RefusedError as refused:
        raise BadInputError(f"{refused.message} Nothing was sent.") from refused
    standing = [site.site_id for site in view.sites if site.status in HOLDS_A_PLACE]
    if standing:
        raise BadInputError(
            f"Tenant {tenant.tenant_id} has sites already ({', '.join(standing)}): it is on board. "
            "Send a SITE_CREATION_REQUEST for another one (sitefleet send)."
        )


def _delete(
    desk: Desk, connection: Connection, site: Site, reason: str, requested_by: str | None
) -> Sent:
    payload = {"siteId": site.site_id, "tenantId": site.tenant_id, "reason": reason}
    request = composed(SiteDeletionRequest, desk, connection, requested_by, payload)
    return send_request(desk, connection, request, encode(request), QueueName.DELETION)


def _tell_what_is_left(desk: Desk, view: TenantView) -> None:
    """Raise typer.Exit(1) when something is: scripts see the difference."""
    left = view.remains
    if desk.as_json:
        desk.show_json({"left": {kind: list(names) for kind, names in left.found.items()}})
    elif not left.is_nothing:
        desk.show(table(("LEFT", "NAME"), left.rows()))
    if left.is_nothing:
        desk.say(f"Nothing is left of tenant {view.tenant.tenant_id}.")
        return
    desk.say(
        "It has no site any more, and this is left. Kept backups are not listed; what is listed "
        "belongs to an operation that has not ended or was taken back only in part: see "
        "sitefleet operations list."
    )
    raise typer.Exit(1)


def _facts(view: TenantView) -> list[str]:
    tier = view.tier
    state = view.tenant.status if view.tenant.active else f"{view.tenant.status}, inactive"
    return fields(
        [
            ("status", state),
            ("tier", tier.name),
            ("isolation", f"level {tier.isolation_level}, or a lower one on request"),
            ("sites", f"{view.used} of {tier.most_sites}"),
            ("network", ", ".join(view.remains.found["security group"]) or "none yet"),
        ],
        indent="  ",
    )


def _lines(view: TenantView) -> list[str]:
    lines = [view.tenant.tenant_id, *_facts(view)]
    if view.sites:
        rows = [(s.site_id, s.status, f"{s.isolation_level}", s.subdomain) for s in view.sites]
        lines += ["", *table(("SITE", "STATUS", "LEVEL", "SUBDOMAIN"), rows)]
    if not view.remains.is_nothing:
        lines += ["", *table(("RESOURCE", "NAME"), view.remains.rows())]
    return lines


def _document(view: TenantView) -> dict[str, object]:
    return {
        "tenantId": view.tenant.tenant_id,
        "status": view.tenant.status,
        "active": view.tenant.active,
        "tier": view.tier.name,
        "isolationLevel": view.tier.isolation_level,
        "sitesUsed": view.used,
        "sitesAllowed": view.tier.most_sites,
        "sites": [
            {"siteId": s.site_id, "status": s.status, "isolationLevel": s.isolation_level}
            for s in view.sites
        ],
        "resources": {kind: list(names) for kind, names in view.remains.found.items()},
    }
