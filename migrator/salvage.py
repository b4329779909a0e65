"""The salvage job: what was written to a release since its cut-over, exported and counted.

One line of JSON per row, compressed with zstd: {"table", "why", "row"}; `why` is `new` for a row
above its mark and `whole table` where older rows changed as well. A value that is no UTF-8 text is
{"base64": "..."}; decimals, dates and times are texts as the database writes them.
"""

from __future__ import annotations

import base64
import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import structlog
from pymysql.cursors import SSCursor

from core.domain.job_facts import SalvageFacts
from migrator.compression import Compressor
from migrator.databases import quoted, rows
from migrator.digests import shapes
from migrator.marks import above_mark, new_rows, older_rows_changed, read_marks
from migrator.protected_tables import site_tables
from migrator.schemas import require_site_schema
from migrator.transfer import S3Folder

if TYPE_CHECKING:
    from core.domain.job_facts import Marks
    from core.domain.jobs import SalvageJob
    from migrator.databases import Connection
    from migrator.digests import Shape
    from migrator.services import Services
    from migrator.transfer import DigestingSink

log = structlog.get_logger(__name__)


def run_salvage(services: Services, job: SalvageJob) -> SalvageFacts:
    """Wait until requests under way have ended, then export; nothing new: nothing is written.

    A release without marks was never cut over: no visitor has written to it.
    """
    schema = job.database.schema_name
    require_site_schema(services.sites, job, schema)
    marks = read_marks(services, job.marks)
    if marks is None:
        log.info("salvage_without_marks", schema=schema)
        return SalvageFacts()
    time.sleep(job.drain_seconds)
    databases = services.databases
    with databases.connect(databases.credentials(job.database.secret_id), schema) as connection:
        rows(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        rows(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
        parts = _parts(connection, schema, marks)
        facts = _export(services, job, connection, parts)
    log.info("rows_salvaged", tables=len(facts.rows), rows=sum(facts.rows.values()))
    return facts


# --- private --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What is exported of one table."""

    shape: Shape
    condition: str
    whole: bool


def _parts(connection: Connection, schema: str, marks: Marks) -> list[_Part]:
    found = shapes(connection, schema, site_tables(connection, schema))
    parts = [_part(connection, schema, shape, marks) for shape in found.values()]
    return [part for part in parts if part is not None]


def _part(connection: Connection, schema: str, shape: Shape, marks: Marks) -> _Part | None:
    if older_rows_changed(connection, schema, shape, marks):
        return _Part(shape=shape, condition="TRUE", whole=True)
    condition = above_mark(shape, marks)
    if new_rows(connection, schema, shape, marks):
        return _Part(shape=shape, condition=condition or "TRUE", whole=condition is None)
    return None


def _export(
    services: Services, job: SalvageJob, connection: Connection, parts: list[_Part]
) -> SalvageFacts:
    if not parts:
        return SalvageFacts()
    prefix, _, name = job.destination.key.rpartition("/")
    folder = S3Folder(services.s3, job.destination.bucket, prefix)
    with ExitStack() as stack:
        writer = _Writer(stack.enter_context(folder.writer(name)))
        for part in parts:
            writer.write(connection, part)
        writer.close()
    return SalvageFacts(
        rows={table: count for table, count in writer.counted.items() if count},
        changed_tables=[part.shape.table for part in parts if part.whole],
        object_key=job.destination.key,
        sha256=writer.sink.digest.sha256,
    )


@dataclass
class _Writer:
    """Writes rows as lines, a few at a time: a table of any size needs no memory."""

    sink: DigestingSink
    counted: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._compressor = Compressor(self.sink)

    def write(self, connection: Connection, part: _Part) -> None:
        shape = part.shape
        why = "whole table" if part.whole else "new"
        columns = ",".join(f"t.{quoted(name)}" for name in shape.names)
        order = ",".join(f"t.{quoted(name)}" for name in shape.key) or "1"
        count = 0
        with connection.cursor(SSCursor) as cursor:
            cursor.execute(
                f"SELECT {columns} FROM {quoted(shape.table)} t WHERE {part.condition} "  # noqa: S608 - quoted
                f"ORDER BY {order}"
            )
            while (values := cursor.fetchone()) is not None:
                row = dict(zip(shape.names, map(_plain, values), strict=True))
                line = json.dumps(
                    {"table": shape.table, "why": why, "row": row},
                    ensure_ascii=False, separators=(",", ":"),
                )  # fmt: skip
                self._compressor.write(line.encode() + b"\n")
                count += 1
        self.counted[shape.table] = count

    def close(self) -> None:
        self._compressor.close()


def _plain(value: Any) -> Any:
    """Return a database's value as JSON can hold it."""
    match value:
        case None | int() | float() | str():
            return value
        case bytes():
            return {"base64": base64.b64encode(value).decode()}
        case Decimal():
            return format(value, "f")
        case timedelta():
            return _time(value)
        case _:
            return str(value)


def _time(value: timedelta) -> str:
    """Return a TIME as the database writes it: it may be negative, and longer than a day."""
    seconds = abs(value)
    whole = int(seconds.total_seconds())
    text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    if seconds.microseconds:
        text += f".{seconds.microseconds:06d}"
    return f"-{text}" if value < timedelta(0) else text
