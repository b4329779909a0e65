"""`sitefleet promotions`: ask for a promotion."""

from __future__ import annotations

from typing import Annotated

import typer

from core.ports.messaging import QueueName
from events.formats import Environment
from events.requests import SitePromotionRequest, encode
from ops.command import command
from ops.composing import composed
from ops.desk import Desk
from ops.flags import RequestedBy, Watch
from ops.following import report
from ops.sending import send_request

app = typer.Typer(help="Promote sites from dev to sit and from sit to prod.", no_args_is_help=True)


TenantId = Annotated[str, typer.Option(help="The site's tenant.", show_default=False)]
SiteId = Annotated[str, typer.Option(help="The site to promote.", show_default=False)]
Source = Annotated[
    Environment, typer.Option(help="Where it is now.", case_sensitive=False, show_default=False)
]
Target = Annotated[
    Environment, typer.Option(help="Where it is to be.", case_sensitive=False, show_default=False)
]
ChangeTicket = Annotated[
    str | None, typer.Option(help="Required when the target is prod.", show_default=False)
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Stop after the plan.")]


@command(app, "start")
def start(
    desk: Desk,
    *,
    tenant_id: TenantId,
    site_id: SiteId,
    source: Source,
    target: Target,
    change_ticket: ChangeTicket = None,
    dry_run: DryRun = False,
    requested_by: RequestedBy = None,
    watch: Watch = False,
) -> None:
    """Send a promotion request to the target environment and print its operationId.

    The target decides where the request goes, whatever --env says.
    """
    connection = desk.connection(target)
    payload = {
        "siteId": site_id,
        "tenantId": tenant_id,
        "sourceEnvironment": source,
        "targetEnvironment": target,
        "changeTicket": change_ticket,
        "dryRun": dry_run,
    }
    request = composed(SitePromotionRequest, desk, connection, requested_by, payload)
    sent = send_request(desk, connection, request, encode(request), QueueName.PROMOTION)
    report(desk, connection, sent, watch=watch)
