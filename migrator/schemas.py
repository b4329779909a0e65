"""Schemas of releases: made, granted, locked for one operation, dropped; never a foreign one.

Everything here runs as the cluster's administrator; what is inside a schema is touched by the
site's own user only.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pymysql
import structlog

from core.domain.names import site_key
from events.vocabulary import SiteStatus
from migrator.databases import quoted, rows
from migrator.errors import JobFailure, Refusal

if TYPE_CHECKING:
    from core.domain.job_models import Job
    from core.ports.sites import SiteStore
    from migrator.databases import Connection, Credentials

log = structlog.get_logger(__name__)

_LOCK_SECONDS = 20
_QUIET_SECONDS = 20


def require_own_schema(schema: str, tenant_id: str, site_id: str) -> int:
    """Return the release number in a schema's name; raises Refusal unless it is this site's."""
    key = site_key(tenant_id, site_id)
    found = re.fullmatch(rf"s_{key}_r([1-9][0-9]{{0,8}})", schema)
    if found is None:
        raise Refusal(
            f"The schema {schema} is no release schema of site {site_id} (s_{key}_r<n>); "
            "nothing was touched."
        )
    return int(found[1])


def require_site_schema(sites: SiteStore, job: Job, schema: str) -> None:
    """Refuse a schema that is not of the job's site; it may be an older one, named in a record."""
    releases = sites.list_releases(job.tenant_id, job.site_id)
    if schema in {release.schema for release in releases}:
        return
    key = site_key(job.tenant_id, job.site_id)
    if not re.fullmatch(rf"s_{key}_r[1-9][0-9]{{0,8}}", schema):
        raise Refusal(f"{schema} is no schema of site {job.site_id}; nothing was touched.")


def require_scratch_schema(job: Job, schema: str) -> str:
    """Return the schema if it is where this site's backups are proved; raises Refusal otherwise."""
    expected = f"s_{site_key(job.tenant_id, job.site_id)}_scratch"
    if schema != expected:
        raise Refusal(
            f"The schema {schema} is not the scratch schema of site {job.site_id} ({expected}); "
            "nothing was touched."
        )
    return schema


def require_deprovisioning(sites: SiteStore, job: Job) -> None:
    """Refuse to remove a whole site that is not being deleted."""
    site = sites.get(job.tenant_id, job.site_id)
    if site is None or site.status is not SiteStatus.DEPROVISIONING:
        status = "not there" if site is None else str(site.status)
        raise Refusal(
            f"Site {job.site_id} is {status} and not DEPROVISIONING; a whole site is removed only "
            "while it is being deleted. Nothing was touched."
        )


def require_not_live(sites: SiteStore, job: Job, release: int) -> None:
    """Refuse to replace or remove what visitors are being served from."""
    site = sites.get(job.tenant_id, job.site_id)
    if site is not None and site.live_release == release:
        raise Refusal(
            f"Release {release} of site {job.site_id} is live; a job never replaces or removes a "
            "live release. Switch the site to another release first."
        )


@contextmanager
def operation_lock(admin: Connection, operation_id: str) -> Iterator[None]:
    """Hold the database lock named after the operation, so that two attempts never overlap.

    Raises JobFailure (retryable) when another attempt still holds it, or when the connection that
    held it was lost meanwhile.
    """
    name = f"sitefleet:{operation_id}"[:64]
    if rows(admin, "SELECT GET_LOCK(%s, %s)", name, _LOCK_SECONDS)[0][0] != 1:
        raise JobFailure(
            f"Another attempt of operation {operation_id} still works on this database. Wait for "
            "its task to stop and run the job again.",
            retryable=True,
        )
    yield
    try:
        held = rows(admin, "SELECT IS_USED_LOCK(%s) = CONNECTION_ID()", name)[0][0]
        rows(admin, "SELECT RELEASE_LOCK(%s)", name)
    except pymysql.MySQLError:
        held = 0
    if held != 1:
        raise JobFailure(
            f"The database lock of operation {operation_id} was lost while the job ran; another "
            "attempt may have started. Run the job again.",
            retryable=True,
        )


def create_schema(admin: Connection, schema: str, site: Credentials, administrator: str) -> None:
    """Make an empty schema (dropping an earlier attempt's) and let the site's user own it.

    The user is made if it is not there. Only the password of a user that this fleet has named
    (u_<siteKey>) is ever set anew: others belong to the platform.
    """
    if site.username in {administrator, "root", "rdsadmin", "mysql", "mariadb.sys"}:
        raise Refusal(
            f"The site's secret names {site.username}, an administrator. A site needs a user of "
            "its own; correct the secret."
        )
    drop_schema(admin, schema)
    rows(admin, f"CREATE DATABASE {quoted(schema)} CHARACTER SET utf8mb4")
    password = site.password.get_secret_value()
    rows(admin, "CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s", site.username, password)
    if re.fullmatch(r"u_[0-9a-f]{12}", site.username):
        rows(admin, "ALTER USER %s@'%%' IDENTIFIED BY %s", site.username, password)
    pattern = schema.replace("_", r"\_")
    rows(admin, f"GRANT ALL PRIVILEGES ON `{pattern}`.* TO %s@'%%'", site.username)
    log.info("schema_created", schema=schema)


def drop_schema(admin: Connection, schema: str) -> bool:
    """Drop a schema and what was granted on it; nothing there is fine.

    Waits until nobody is connected to it: the client of a killed attempt may still be reading the
    last of its pipe, and would write into the schema that is made next.
    """
    _wait_until_quiet(admin, schema)
    there = rows(admin, "SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", schema)
    rows(admin, f"DROP DATABASE IF EXISTS {quoted(schema)}")
    _revoke(admin, schema)
    return bool(there)


def drop_user(admin: Connection, user: str) -> bool:
    """Drop a site's database user, unless it still has a schema; nobody there is fine."""
    granted = rows(
        admin,
        "SELECT DISTINCT table_schema FROM information_schema.schema_privileges WHERE grantee = %s",
        f"'{user}'@'%'",
    )
    names = {str(pattern).replace("\\_", "_") for (pattern,) in granted}
    there = {name for (name,) in rows(admin, "SELECT schema_name FROM information_schema.schemata")}
    if names & there:
        return False
    rows(admin, "DROP USER IF EXISTS %s@'%%'", user)
    log.info("user_dropped", user=user)
    return True


def _revoke(admin: Connection, schema: str) -> None:
    pattern = schema.replace("_", r"\_")
    found = rows(
        admin,
        "SELECT DISTINCT grantee FROM information_schema.schema_privileges WHERE table_schema = %s",
        pattern,
    )
    for (grantee,) in found:
        user, _, host = str(grantee).strip("'").partition("'@'")
        rows(admin, f"REVOKE ALL PRIVILEGES ON `{pattern}`.* FROM %s@%s", user, host)


def _wait_until_quiet(admin: Connection, schema: str) -> None:
    statement = (
        "SELECT COUNT(*) FROM information_schema.processlist "
        "WHERE db = %s AND id <> CONNECTION_ID()"
    )
    deadline = time.monotonic() + _QUIET_SECONDS
    while rows(admin, statement, schema)[0][0]:
        if time.monotonic() > deadline:
            raise JobFailure(
                f"Somebody is still connected to {schema}, which is to be replaced. Stop the task "
                "or service that uses it and run the job again.",
                retryable=True,
            )
        time.sleep(0.1)
