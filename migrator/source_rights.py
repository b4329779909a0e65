"""Every right that a census and an export need in the source's account, tried."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from core.domain.job_models import Check
from migrator.databases import rows
from migrator.directories import files_below
from migrator.dump import try_dump
from migrator.errors import JobFailure
from migrator.rights import can_write, tried
from migrator.sources import site_credentials

if TYPE_CHECKING:
    from core.domain.jobs import CensusJob
    from migrator.services import Services
    from migrator.sources import LiveRelease


def source_rights(services: Services, job: CensusJob, live: LiveRelease) -> list[Check]:
    """Try the secret, the database, the dump, the content and, when it is known, the bucket."""
    checks = [
        tried("secret readable", lambda: _secret(services, job)),
        tried("database reachable", lambda: _database(services, job, live)),
        # A dump fails for want of a right as it does for want of a server: it is tried once.
        tried("database dumpable", lambda: _dump(services, job, live), patience_seconds=0),
        tried("content readable", lambda: _content(live)),
    ]
    destination = job.destination
    if destination is not None:
        writer = services.writer(job.operation_id)
        checks.append(tried("transfer writable", lambda: can_write(writer, destination)))
    return checks


# --- private --------------------------------------------------------------------------------


def _secret(services: Services, job: CensusJob) -> str:
    user = site_credentials(services, job).username
    return f"The site's database secret names the user {user}."


def _database(services: Services, job: CensusJob, live: LiveRelease) -> str:
    schema = live.release.schema
    with services.databases.connect(site_credentials(services, job), schema) as connection:
        version = rows(connection, "SELECT VERSION()")[0][0]
    return f"The site's user may use {schema} (server {version})."


def _dump(services: Services, job: CensusJob, live: LiveRelease) -> str:
    schema = live.release.schema
    try_dump(services.databases, site_credentials(services, job), schema)
    return f"Tables, views, triggers, routines and events of {schema} may be dumped."


def _content(live: LiveRelease) -> str:
    files = 0
    for path, _ in files_below(live.content):
        if not os.access(live.content / path, os.R_OK):
            raise JobFailure(
                f"The content file {path} may not be read by this task. Its mode or owner is "
                "wrong, or the task's role lacks elasticfilesystem:ClientRootAccess."
            )
        files += 1
    return f"{files} files of {live.release.content_root} may be read."
