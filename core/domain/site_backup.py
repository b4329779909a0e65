"""A proved backup of a whole site: what a deletion leaves behind, and a restore begins with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from core.domain.job_facts import ExportFacts
from core.domain.job_models import JobModel
from events.formats import Environment


class SiteBackup(JobModel):
    """The record of one backup. It is written once the backup was restored and compared."""

    backup_id: str
    """The id of the deletion that made it."""
    tenant_id: str
    site_id: str
    environment: Environment
    site_name: str
    subdomain: str
    site_url: str
    isolation_level: int = 1
    read_only: bool = False
    wordpress_version: str | None = None
    php_version: str | None = None
    image_digest: str | None = None
    exported: ExportFacts
    """Where dump and content are, what they must hold, and their checksums."""
    folder: str
    """Prefix of dump and content in the transfer bucket."""
    proved_tables: Annotated[int, Field(ge=0)]
    """Tables whose rows and checksums were equal after a restore into a scratch schema."""
    created_at: datetime
    keep_until: datetime
    """When it expires: retention is policy (deletion.backup_retention_days)."""

    def has_expired(self, now: datetime) -> bool:
        """Tell whether it must not be counted on any more."""
        return now >= self.keep_until
