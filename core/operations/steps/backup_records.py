"""The records of proved backups: found by tenant, site and id, and only while they are kept."""

from __future__ import annotations

from datetime import datetime

from core.domain.errors import RefusedError
from core.domain.names import SiteNames
from core.domain.site_backup import SiteBackup
from core.ports.protection import Documents
from events.vocabulary import ErrorCode


def read_backup(
    documents: Documents, names: SiteNames, backup_id: str, now: datetime
) -> SiteBackup:
    """Return a site's backup; raises RefusedError when there is none, or not any more."""
    text = documents.get(names.backup_record(backup_id))
    where = f"tenant {names.tenant_id} and site {names.site_id} in {names.environment}"
    if text is None:
        raise RefusedError(
            ErrorCode.SITE_002,
            f"There is no backup {backup_id} of {where}. See which there are: sitefleet sites "
            f"backups --tenant-id {names.tenant_id} --env {names.environment}",
        )
    backup = SiteBackup.model_validate_json(text)
    if backup.has_expired(now):
        raise RefusedError(
            ErrorCode.SITE_002,
            f"The backup {backup_id} of {where} was kept until {backup.keep_until:%Y-%m-%d %H:%M} "
            "UTC and cannot be restored any more.",
        )
    return backup
