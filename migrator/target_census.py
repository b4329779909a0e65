"""The target census job: what the live release here has, what changed in it, and every right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from core.domain.job_facts import TargetCensusFacts
from migrator.databases import count_rows, size_bytes
from migrator.digests import shapes
from migrator.directories import site_folder
from migrator.domain_keys import domain_bound_options
from migrator.manifest import summarise
from migrator.marks import new_rows, older_rows_changed, read_marks
from migrator.protected_tables import matching_tables
from migrator.rights import tried
from migrator.schemas import require_site_schema
from migrator.target_rights import target_rights
from migrator.wordpress import Options

if TYPE_CHECKING:
    from core.domain.job_models import Database
    from core.domain.jobs import TargetCensusJob
    from migrator.databases import Connection
    from migrator.services import Services

log = structlog.get_logger(__name__)


def run_target_census(services: Services, job: TargetCensusJob) -> TargetCensusFacts:
    """Count and try; reads only, but for what it makes to try a right and removes again.

    Where nothing is live yet there is nothing to count. A right that is missing is a fact.
    """
    facts = TargetCensusFacts(rights=target_rights(services, job))
    database = job.database
    if database is None:
        return facts
    require_site_schema(services.sites, job, database.schema_name)
    counted: list[TargetCensusFacts] = []

    def count() -> str:
        counted.append(_count(services, job, database))
        return f"The site's user reads {len(counted[0].tables)} tables of {database.schema_name}."

    check = tried("live release countable", count)
    found = counted[0] if counted else facts
    log.info("target_counted", tables=len(found.tables), new=sum(found.new_rows.values()))
    return found.model_copy(update={"rights": [*facts.rights, check]})


# --- private --------------------------------------------------------------------------------


def _count(services: Services, job: TargetCensusJob, database: Database) -> TargetCensusFacts:
    schema, databases = database.schema_name, services.databases
    with databases.connect(databases.credentials(database.secret_id), schema) as connection:
        options = Options(connection, schema)
        kept = [name for name in job.kept_options if options.get(name) is not None]
        new, changed = _changes(services, job, connection, schema)
        return TargetCensusFacts(
            tables=count_rows(connection, schema),
            new_rows=new,
            changed_tables=changed,
            kept_options=sorted(kept),
            domain_bound_options=domain_bound_options(
                connection, schema, options.prefix, job.kept_options
            ),
            size_bytes=size_bytes(connection, schema),
            content_size_bytes=_content_bytes(services, job),
        )


def _changes(
    services: Services, job: TargetCensusJob, connection: Connection, schema: str
) -> tuple[dict[str, int], list[str]]:
    """Return the protected tables' new rows, and which of them changed below their mark."""
    marks = read_marks(services, job.marks) if job.marks else None
    if marks is None:
        return {}, []
    protected = matching_tables(connection, schema, job.protected_tables)
    found = shapes(connection, schema, protected)
    new = {name: new_rows(connection, schema, shape, marks) for name, shape in found.items()}
    changed = [
        name
        for name, shape in found.items()
        if older_rows_changed(connection, schema, shape, marks)
    ]
    return {name: count for name, count in new.items() if count}, changed


def _content_bytes(services: Services, job: TargetCensusJob) -> int:
    if job.content_root is None:
        return 0
    releases = services.sites.list_releases(job.tenant_id, job.site_id)
    folder = site_folder(services.configuration.mount_path, job, job.content_root, releases)
    return summarise(folder).size_bytes
