"""`promotions start`: ask for a promotion."""

from __future__ import annotations

from typing import Annotated

import typer

from core.ports.messaging import QueueName
from events.formats import Environment
from events.requests import SitePromotionRequest, encode
from ops.composing import composed
from ops.desk import Desk
from ops.flags import RequestedBy, Watch
from ops.following import report
from ops.sending import send_request

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
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="End after the plan and its gates; change nothing.")
]
SelectTable = Annotated[
    list[str] | None,
    typer.Option(
        help="Only this table travels, and others so named; else all.", show_default=False
    ),
]
SelectFolder = Annotated[
    list[str] | None,
    typer.Option(
        help="Only this folder below wp-content travels, and others so named; else all.",
        show_default=False,
    ),
]
ProtectTable = Annotated[
    list[str] | None,
    typer.Option(
        help="A table that stays as the target has it, beside those of the policy.",
        show_default=False,
    ),
]
ProtectFolder = Annotated[
    list[str] | None,
    typer.Option(help="A folder that stays as the target has it.", show_default=False),
]
ProtectOption = Annotated[
    list[str] | None,
    typer.Option(help="A WordPress option that stays as the target has it.", show_default=False),
]
EmergencyIncident = Annotated[
    str | None,
    typer.Option(
        help="The incident that makes it urgent: the emergency roles approve.", show_default=False
    ),
]


def start(
    desk: Desk,
    *,
    tenant_id: TenantId,
    site_id: SiteId,
    source: Source,
    target: Target,
    change_ticket: ChangeTicket = None,
    dry_run: DryRun = False,
    select_table: SelectTable = None,
    select_folder: SelectFolder = None,
    protect_table: ProtectTable = None,
    protect_folder: ProtectFolder = None,
    protect_option: ProtectOption = None,
    emergency_incident: EmergencyIncident = None,
    requested_by: RequestedBy = None,
    watch: Watch = False,
) -> None:
    """Send a promotion request to the target environment and print its operationId.

    The target decides where the request goes, whatever --env says. Flags that name a table, folder
    or option may be repeated.
    """
    connection = desk.connection(target)
    payload = {
        "siteId": site_id,
        "tenantId": tenant_id,
        "sourceEnvironment": source,
        "targetEnvironment": target,
        "changeTicket": change_ticket,
        "dryRun": dry_run,
        "selection": {"database": select_table or "all", "content": select_folder or "all"},
        "protect": {
            "tables": protect_table or (),
            "folders": protect_folder or (),
            "options": protect_option or (),
        },
        "emergency": {"incidentId": emergency_incident} if emergency_incident else None,
    }
    request = composed(SitePromotionRequest, desk, connection, requested_by, payload)
    sent = send_request(desk, connection, request, encode(request), QueueName.PROMOTION)
    report(desk, connection, sent, watch=watch)
