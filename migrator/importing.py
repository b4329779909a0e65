"""The import job: a new release's schema from a dump, rewritten, counted and compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pymysql
import structlog

from core.domain.job_facts import ImportFacts
from migrator.carrying import Carrier, recount_comments
from migrator.compression import decompressed
from migrator.databases import count_rows
from migrator.errors import JobFailure
from migrator.load import load
from migrator.rewrite.origin import OriginMapping
from migrator.rewrite.report import RewriteReport
from migrator.rewrite.stream import Rewriter
from migrator.schemas import (
    create_schema,
    drop_schema,
    operation_lock,
    require_not_live,
    require_own_schema,
    require_site_schema,
)
from migrator.transfer import S3Folder
from migrator.wordpress import Options

if TYPE_CHECKING:
    from core.domain.job_models import Job
    from core.domain.jobs import ImportJob
    from migrator.databases import Connection, Credentials
    from migrator.services import Services

log = structlog.get_logger(__name__)

_HARMLESS_LEFTOVERS = frozenset({"guid", "email"})
"""A guid is an identity that must not change; a mailbox does not move with its site."""


def run_import(services: Services, job: ImportJob) -> ImportFacts:
    """Make the schema and fill it; whatever goes wrong, a schema that is not whole is dropped."""
    release = require_own_schema(job.database.schema_name, job.tenant_id, job.site_id)
    require_not_live(services.sites, job, release)
    for schema in (job.keep_options_from, job.carried_from):
        if schema is not None:
            require_site_schema(services.sites, job, schema)
    with fresh_schema(services, job, job.database.secret_id, job.database.schema_name) as (
        admin,
        site,
    ):
        report = _load(services, job, site)
        counted = _require_rows(services, job, site)
        carried = _carry(services, job, admin, site)
        kept = _options(services, job, admin, site)
    return _facts(counted | carried, report, kept, carried)


@contextmanager
def fresh_schema(
    services: Services, job: Job, secret_id: str, schema: str
) -> Iterator[tuple[Connection, Credentials]]:
    """Yield the administrator's connection and the site's credentials, with an empty schema made.

    The operation's database lock is held for the whole block. A failure inside drops the schema;
    a stop or a kill leaves it to the next run, which drops it first.
    """
    databases = services.databases
    administrator = databases.credentials(services.configuration.required("database_admin_secret"))
    site = databases.credentials(secret_id)
    with databases.connect(administrator) as admin, operation_lock(admin, job.operation_id):
        create_schema(admin, schema, site, administrator.username)
        try:
            yield admin, site
        except Exception:
            _drop_after_failure(admin, schema)
            raise


def _drop_after_failure(admin: Connection, schema: str) -> None:
    """Drop what is not whole; if that fails too, the first failure is still the one reported."""
    try:
        drop_schema(admin, schema)
    except (JobFailure, pymysql.MySQLError) as error:
        log.warning("schema_left_to_the_next_run", schema=schema, error=type(error).__name__)


def _load(services: Services, job: ImportJob, site: Credentials) -> RewriteReport:
    mappings = [OriginMapping.parse(pair.source, pair.target) for pair in job.mappings]
    rewriter = Rewriter(mappings) if mappings else None
    prefix, _, name = job.dump.key.rpartition("/")
    blocks = S3Folder(services.s3, job.dump.bucket, prefix).blocks(name, job.dump_sha256)
    schema = job.database.schema_name
    load(services.databases, site, schema, decompressed(blocks), rewriter)
    return rewriter.report if rewriter else RewriteReport()


def _require_rows(services: Services, job: ImportJob, site: Credentials) -> dict[str, int]:
    schema = job.database.schema_name
    with services.databases.connect(site, schema) as connection:
        counted = count_rows(connection, schema)
    wrong = [
        f"{table}: {counted.get(table, 'missing')} instead of {job.rows.get(table, 'no table')}"
        for table in sorted(counted.keys() | job.rows.keys())
        if counted.get(table) != job.rows.get(table)
    ]
    if wrong:
        raise JobFailure(
            f"{len(wrong)} tables of {schema} do not hold the rows that the source had: "
            f"{'; '.join(wrong[:10])}. The schema was dropped; export again."
        )
    log.info("rows_compared", tables=len(counted), rows=sum(counted.values()))
    return counted


def _carry(
    services: Services, job: ImportJob, admin: Connection, site: Credentials
) -> dict[str, int]:
    """Carry the live release's protected tables over, and what the source's part left out."""
    if job.carried_from is None or not (job.carried_tables or job.carry_missing):
        return {}
    databases, schema = services.databases, job.database.schema_name
    administrator = databases.credentials(services.configuration.required("database_admin_secret"))
    carrier = Carrier(
        databases=databases,
        administrator=administrator,
        site=site,
        live=job.carried_from,
        schema=schema,
    )
    carried = carrier.carry(admin, job.carried_tables, missing=job.carry_missing)
    recount_comments(admin, schema, carried)
    return carried


def _options(services: Services, job: ImportJob, admin: Connection, site: Credentials) -> list[str]:
    """Keep the environment-local options of the live release, then set what the job says."""
    schema = job.database.schema_name
    kept: dict[str, str] = {}
    if job.keep_options_from and job.kept_options:
        live = Options(admin, job.keep_options_from)
        found = {name: live.get(name) for name in job.kept_options}
        kept = {name: value for name, value in found.items() if value is not None}
    with services.databases.connect(site, schema) as connection:
        options = Options(connection, schema)
        for name, value in (kept | job.options).items():
            options.put(name, value)
    return sorted(kept)


def _facts(
    counted: dict[str, int], report: RewriteReport, kept: list[str], carried: dict[str, int]
) -> ImportFacts:
    left = {
        place: count
        for place, count in sorted(report.leftovers.items())
        if place[2] not in _HARMLESS_LEFTOVERS
    }
    return ImportFacts(
        rows=counted,
        replacements=report.replacements,
        broken_values=report.broken_count,
        leftovers=sum(left.values()),
        leftover_tables=sorted({table for table, _, _ in left}),
        kept_options=kept,
        carried=carried,
    )
