"""Removing what belongs to a release that is not live: its schema, its folder, or both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from core.domain.names import site_key
from migrator.directories import (
    release_root,
    remove,
    remove_beside,
    remove_if_empty,
    scratch_folder,
)
from migrator.savepoints import savepoints_of
from migrator.schemas import (
    drop_schema,
    drop_user,
    operation_lock,
    require_deprovisioning,
    require_not_live,
    require_own_schema,
    require_scratch_schema,
)

if TYPE_CHECKING:
    from core.domain.backup_jobs import RemoveScratchJob, RemoveSiteJob
    from core.domain.job_models import Job
    from core.domain.jobs import DropDatabaseJob, RemoveContentJob, RetireJob
    from migrator.databases import Connection
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


def run_remove_scratch(services: Services, job: RemoveScratchJob) -> dict[str, object]:
    """Remove what a stopped proof of a backup has left; nothing there is fine."""
    root = scratch_folder(services.configuration.mount_path, job, job.scratch_root)
    schema = require_scratch_schema(job, job.scratch_schema)
    with _administration(services, job) as admin:
        dropped = drop_schema(admin, schema)
    return {"dropped": dropped, "removed": remove_beside(root)}


def run_remove_site(services: Services, job: RemoveSiteJob) -> dict[str, object]:
    """Remove schemas, user and folders of a site that is being deleted, and of no other.

    Every name is checked before the first one is removed; what is gone already is fine.
    """
    require_deprovisioning(services.sites, job)
    mount = services.configuration.mount_path
    roots = [release_root(mount, root, job.tenant_id, job.site_id) for root in job.content_roots]
    scratch = scratch_folder(mount, job, job.scratch_root)
    schemas = [database.schema_name for database in job.databases]
    for schema in schemas:
        require_own_schema(schema, job.tenant_id, job.site_id)
    schemas.append(require_scratch_schema(job, job.scratch_schema))
    with _administration(services, job) as admin:
        dropped = sum(drop_schema(admin, schema) for schema in schemas)
        drop_user(admin, f"u_{site_key(job.tenant_id, job.site_id)}")
    removed = sum(remove_beside(root) for root in (*roots, scratch))
    remove_if_empty(scratch.parent)
    log.info("site_removed", schemas=dropped, folders=removed)
    return {"dropped": dropped, "removed": removed}


# --- private --------------------------------------------------------------------------------


def _drop(services: Services, job: Job, schema: str, user: str | None = None) -> bool:
    require_not_live(services.sites, job, require_own_schema(schema, job.tenant_id, job.site_id))
    with _administration(services, job) as admin:
        dropped = drop_schema(admin, schema)
        if user is not None:
            drop_user(admin, user)
    log.info("schema_dropped", schema=schema, existed=dropped)
    return dropped


@contextmanager
def _administration(services: Services, job: Job) -> Iterator[Connection]:
    """Yield the administrator's connection, with the operation's database lock held."""
    databases = services.databases
    administrator = databases.credentials(services.configuration.required("database_admin_secret"))
    with databases.connect(administrator) as admin, operation_lock(admin, job.operation_id):
        yield admin


def _remove(services: Services, job: Job, content_root: str) -> bool:
    root = release_root(services.configuration.mount_path, content_root, job.tenant_id, job.site_id)
    require_not_live(services.sites, job, int(root.name[1:]))
    removed = remove_beside(root)
    remove(savepoints_of(root))
    log.info("content_removed", folder=content_root, existed=removed)
    return removed
