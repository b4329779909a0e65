"""Removing what belongs to a release that is not live: its schema, its folder, or both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from core.domain.names import site_key
from migrator.directories import release_root, remove
from migrator.savepoints import savepoints_of
from migrator.schemas import (
    drop_schema,
    drop_user,
    operation_lock,
    require_not_live,
    require_own_schema,
)

if TYPE_CHECKING:
    from core.domain.job_models import Job
    from core.domain.jobs import DropDatabaseJob, RemoveContentJob, RetireJob
    from migrator.services import Services

log = structlog.get_logger(__name__)


def run_drop_database(services: Services, job: DropDatabaseJob) -> dict[str, object]:
    """Drop a release's schema, and the site's user if the job says so; nothing there is fine."""
    user = f"u_{site_key(job.tenant_id, job.site_id)}" if job.drop_user else None
    return {"dropped": _drop(services, job, job.database.schema_name, user)}


def run_remove_content(services: Services, job: RemoveContentJob) -> dict[str, object]:
    """Remove a release's folder and what a killed run left beside it; nothing there is fine."""
    return {"removed": _remove(services, job, job.content_root)}


def run_retire(services: Services, job: RetireJob) -> dict[str, object]:
    """Remove both of several releases; a live one among them refuses the whole job."""
    for database in job.databases:
        number = require_own_schema(database.schema_name, job.tenant_id, job.site_id)
        require_not_live(services.sites, job, number)
    dropped = [_drop(services, job, database.schema_name) for database in job.databases]
    removed = [_remove(services, job, root) for root in job.content_roots]
    return {"dropped": sum(dropped), "removed": sum(removed)}


# --- private --------------------------------------------------------------------------------


def _drop(services: Services, job: Job, schema: str, user: str | None = None) -> bool:
    require_not_live(services.sites, job, require_own_schema(schema, job.tenant_id, job.site_id))
    databases = services.databases
    administrator = databases.credentials(services.configuration.required("database_admin_secret"))
    with databases.connect(administrator) as admin, operation_lock(admin, job.operation_id):
        dropped = drop_schema(admin, schema)
        if user is not None:
            drop_user(admin, user)
    log.info("schema_dropped", schema=schema, existed=dropped)
    return dropped


def _remove(services: Services, job: Job, content_root: str) -> bool:
    root = release_root(services.configuration.mount_path, content_root, job.tenant_id, job.site_id)
    require_not_live(services.sites, job, int(root.name[1:]))
    removed = remove(root)
    for rest in (f".{root.name}.new", f".{root.name}.old"):
        remove(root.with_name(rest))
    remove(savepoints_of(root))
    log.info("content_removed", folder=content_root, existed=removed)
    return removed
