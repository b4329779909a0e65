"""Every right that the later jobs need in the target's account, tried and taken back."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from pydantic import SecretStr

from core.domain.job_models import Check, ObjectLocation
from core.domain.names import SiteNames, manifest_key, marks_key, salvage_key, transfer_prefix
from migrator.databases import Credentials, quoted, rows
from migrator.directories import OWNER, own, release_root, remove
from migrator.errors import JobFailure
from migrator.rights import can_read, can_write, tried
from migrator.schemas import create_schema, drop_schema, drop_user, operation_lock

if TYPE_CHECKING:
    from pathlib import Path

    from core.domain.jobs import TargetCensusJob
    from migrator.databases import Connection
    from migrator.services import Services


def target_rights(services: Services, job: TargetCensusJob) -> list[Check]:
    """Try database, file system and bucket as import, content and cut-over will use them."""
    names, bucket = _names(services, job), job.result.bucket
    written = {
        "manifests writable": manifest_key(names, 1),
        "marks writable": marks_key(names.release(1)),
        "salvage writable": salvage_key(job.operation_id),
    }
    checks = [
        tried("schemas and users", lambda: _schema(services, job)),
        tried("live database readable", lambda: _live(services, job)),
        tried("directories and owners", lambda: _directory(services, job)),
        tried(
            "transfer readable",
            lambda: can_read(
                services, ObjectLocation(bucket=bucket, key=transfer_prefix(job.operation_id))
            ),
        ),
    ]
    for name, key in written.items():
        prefix = ObjectLocation(bucket=bucket, key=key.rpartition("/")[0])
        checks.append(tried(name, lambda prefix=prefix: can_write(services.s3, prefix)))  # type: ignore[misc]
    return checks


# --- private --------------------------------------------------------------------------------


def _names(services: Services, job: TargetCensusJob) -> SiteNames:
    environment = services.configuration.environment
    if environment is None:
        raise JobFailure("MIGRATOR_ENVIRONMENT is not set. Set it in the task definition.")
    return SiteNames(environment=environment, tenant_id=job.tenant_id, site_id=job.site_id)


def _schema(services: Services, job: TargetCensusJob) -> str:
    """Make a scratch schema and its user, work in it as that user, lock it, drop both."""
    databases = services.databases
    administrator = databases.credentials(services.configuration.required("database_admin_secret"))
    name = f"t_{_names(services, job).key}"
    scratch = administrator.model_copy(
        update={"username": name, "password": SecretStr(secrets.token_urlsafe(24))}
    )
    with databases.connect(administrator) as admin, operation_lock(admin, job.operation_id):
        _clean(admin, name)
        try:
            create_schema(admin, name, scratch, administrator.username)
            _work_in(services, name, scratch)
            rows(admin, f"FLUSH TABLES {quoted(name)}.probe WITH READ LOCK")
            rows(admin, "UNLOCK TABLES")
        finally:
            _clean(admin, name)
    return "The administrator may make, grant, lock and drop schemas, and make and drop users."


def _work_in(services: Services, schema: str, scratch: Credentials) -> None:
    with services.databases.connect(scratch, schema) as connection:
        rows(connection, "CREATE TABLE probe (a INT PRIMARY KEY)")
        rows(connection, "INSERT INTO probe VALUES (1)")


def _clean(admin: Connection, name: str) -> None:
    drop_schema(admin, name)
    drop_user(admin, name)


def _live(services: Services, job: TargetCensusJob) -> str:
    """Read the live schema as administrator, the way options and protected tables are carried."""
    if job.database is None:
        return "Nothing is live here: there is nothing to read."
    databases, schema = services.databases, job.database.schema_name
    administrator = databases.credentials(services.configuration.required("database_admin_secret"))
    with databases.connect(administrator, schema) as admin:
        tables = rows(admin, "SHOW TABLES")
    return f"The administrator reads {len(tables)} tables of {schema}."


def _directory(services: Services, job: TargetCensusJob) -> str:
    """Make a folder and a file as a release's would be made, give both away, remove them."""
    mount = services.configuration.mount_path
    root = release_root(
        mount, _names(services, job).release(1).content_root, job.tenant_id, job.site_id
    )
    folder = _nearest(root) / f".rights-{root.parent.name}"
    remove(folder)
    folder.mkdir()
    try:
        (folder / "probe").write_bytes(b"probe")
        for path in (folder / "probe", folder):
            own(path)
        owners = {(path.stat().st_uid, path.stat().st_gid) for path in (folder, folder / "probe")}
    finally:
        remove(folder)
    if owners == {(OWNER, OWNER)}:
        return f"Files below {mount} may be made, given to {OWNER}:{OWNER} and removed."
    return f"Files below {mount} may be made and removed; this task is not root and keeps them."


def _nearest(root: Path) -> Path:
    """Return the lowest folder that is there already: nothing shall be left behind."""
    for folder in root.parents:
        if folder.is_dir() and not folder.is_symlink():
            return folder
    raise JobFailure(f"There is no folder above {root}. Check that the file system is mounted.")
