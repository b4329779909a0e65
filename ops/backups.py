"""`sitefleet sites delete`, `restore` and `backups`: taking a site down, and having it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from pydantic import ValidationError

from core.domain.amounts import size
from core.domain.errors import ConfigurationError, NotFoundError
from core.domain.names import backup_records
from core.domain.site_backup import SiteBackup
from core.ports.messaging import QueueName
from events.formats import format_timestamp
from events.requests import SiteDeletionRequest, SiteRestoreRequest, encode
from ops.command import command
from ops.composing import composed
from ops.connection import Connection
from ops.desk import Desk
from ops.documents import Document
from ops.errors import BadInputError
from ops.flags import RequestedBy, TenantId, Watch, Yes
from ops.following import report
from ops.sending import send_request
from ops.wording import fields, moment, table

SiteId = Annotated[str, typer.Argument(help="The site's id.", metavar="SITE")]
BackupId = Annotated[
    str, typer.Argument(help="The backup's id, as `sites backups` shows it.", metavar="BACKUP")
]
ItsTenant = Annotated[str, typer.Option("--tenant-id", help="Its tenant.", show_default=False)]
OnlySite = Annotated[str | None, typer.Option("--site-id", help="Only this site's.")]
Reason = Annotated[
    str, typer.Option(help="Why; people who are asked to agree read it.", show_default=False)
]
NoBackup = Annotated[
    bool,
    typer.Option(
        "--no-backup", help="Discard the backup once the site is gone: nothing can be restored."
    ),
]


def add(app: typer.Typer) -> None:
    """Add the commands to those of `sitefleet sites`."""
    command(app, "delete")(delete)
    command(app, "restore")(restore)
    command(app, "backups")(list_backups)


def delete(
    desk: Desk,
    site_id: SiteId,
    *,
    tenant_id: ItsTenant,
    reason: Reason,
    no_backup: NoBackup = False,
    yes: Yes = False,
    requested_by: RequestedBy = None,
    watch: Watch = False,
) -> None:
    """Delete a site, after its backup was restored beside it and compared.

    The site stops serving when the work begins. Until its name is taken down a failure brings it
    back; from then on the operation only goes forward. In prod two people agree first.
    """
    connection = desk.connection()
    site = connection.sites.get(tenant_id, site_id)
    if site is None:
        raise NotFoundError(
            f"There is no site {site_id} of tenant {tenant_id} in {connection.environment}. See "
            f"what there is: sitefleet sites list --env {connection.environment}"
        )
    payload = {
        "siteId": site_id,
        "tenantId": tenant_id,
        "reason": reason,
        "retainBackup": not no_backup,
    }
    request = composed(SiteDeletionRequest, desk, connection, requested_by, payload)
    kept = "discarded once the site is gone: there is NO way back" if no_backup else "kept"
    desk.say(f"You are about to delete this site of {connection.environment}:")
    named = [
        ("site", f"{site_id} ({tenant_id}): {site.site_name}"),
        ("subdomain", site.subdomain),
        ("status", site.status),
        ("backup", kept),
    ]
    for line in fields(named, indent="  "):
        desk.say(line)
    if not yes:
        desk.ask("Delete it?")
    sent = send_request(desk, connection, request, encode(request), QueueName.DELETION)
    report(desk, connection, sent, watch=watch)


def restore(
    desk: Desk,
    backup_id: BackupId,
    *,
    tenant_id: TenantId = None,
    requested_by: RequestedBy = None,
    watch: Watch = False,
) -> None:
    """Bring a site back from its backup, as a new release under its former name.

    A site that lives is put back to the backup; its present release is kept.
    """
    connection = desk.connection()
    backup = _one(connection, backup_id, tenant_id)
    payload = {
        "siteId": backup.site_id,
        "tenantId": backup.tenant_id,
        "backupId": backup.backup_id,
    }
    request = composed(SiteRestoreRequest, desk, connection, requested_by, payload)
    sent = send_request(desk, connection, request, encode(request), QueueName.CREATION)
    report(desk, connection, sent, watch=watch)


def list_backups(desk: Desk, *, tenant_id: TenantId = None, site_id: OnlySite = None) -> None:
    """List the backups of deleted sites, newest first, and until when each can be restored."""
    if site_id is not None and tenant_id is None:
        raise BadInputError("A site is named by its tenant too: say --tenant-id beside --site-id.")
    connection = desk.connection()
    now = desk.clock.now()
    found = [b for b in _backups(connection, tenant_id, site_id) if not b.has_expired(now)]
    if desk.as_json:
        desk.show_json({"backups": [_document(backup) for backup in found]})
        return
    if not found:
        desk.say("There are no backups that could be restored.")
        return
    titles = ("BACKUP", "TENANT", "SITE", "SUBDOMAIN", "MADE", "UNTIL", "TABLES", "FILES", "SIZE")
    desk.show(table(titles, [_cells(backup) for backup in found]))
    env = connection.environment
    desk.say(f"Bring one back: sitefleet sites restore BACKUP --env {env} --watch")


# --- inside ---------------------------------------------------------------------------------


def _backups(
    connection: Connection, tenant_id: str | None, site_id: str | None = None
) -> Sequence[SiteBackup]:
    found = []
    for key in connection.document_keys(backup_records(tenant_id, site_id)):
        text = connection.document(key)
        if text is not None:  # removed since
            found.append(_read(key, text))
    return sorted(found, key=lambda backup: backup.created_at, reverse=True)


def _read(key: str, text: str) -> SiteBackup:
    try:
        return SiteBackup.model_validate_json(text)
    except ValidationError as error:
        raise ConfigurationError(
            f"The record {key} is not one that this version can read ({error.error_count()} "
            "fields). Use the version that is deployed; the backup itself is not affected."
        ) from None


def _one(connection: Connection, backup_id: str, tenant_id: str | None) -> SiteBackup:
    for backup in _backups(connection, tenant_id):
        if backup.backup_id == backup_id:
            return backup
    raise NotFoundError(
        f"There is no backup {backup_id} in {connection.environment}, or it is gone by now. See "
        f"which there are: sitefleet sites backups --env {connection.environment}"
    )


def _cells(backup: SiteBackup) -> tuple[str, ...]:
    return (
        backup.backup_id,
        backup.tenant_id,
        backup.site_id,
        backup.subdomain,
        moment(backup.created_at),
        moment(backup.keep_until),
        str(backup.proved_tables),
        str(backup.exported.files),
        size(backup.exported.dump_size_bytes + backup.exported.content_size_bytes),
    )


def _document(backup: SiteBackup) -> Document:
    exported = backup.exported
    return {
        "backupId": backup.backup_id,
        "tenantId": backup.tenant_id,
        "siteId": backup.site_id,
        "siteName": backup.site_name,
        "subdomain": backup.subdomain,
        "createdAt": format_timestamp(backup.created_at),
        "keepUntil": format_timestamp(backup.keep_until),
        "provedTables": backup.proved_tables,
        "rows": sum(exported.rows.values()),
        "files": exported.files,
        "dumpSizeBytes": exported.dump_size_bytes,
        "contentSizeBytes": exported.content_size_bytes,
    }
