"""Marks of a new release, taken while writes are held: what is above them is new since then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.job_facts import CutOverFacts, Marks
from events.formats import format_timestamp
from migrator.counters import next_number
from migrator.cut_over_state import TableMark
from migrator.databases import count_rows, quoted, rows
from migrator.digests import shapes, sum_up_to, total
from migrator.marks import write_marks
from migrator.protected_tables import site_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.domain.jobs import CutOverJob
    from migrator.databases import Connection
    from migrator.digests import Shape, Sums
    from migrator.services import Services
    from migrator.table_copies import TableCopy


def count_tables(connection: Connection, schema: str) -> Marks:
    """Return the marks of all tables as they are; taken before the hold, for the unprotected."""
    tables = site_tables(connection, schema)
    counted = count_rows(connection, schema)
    highest = {
        name: highest_key(connection, schema, shape)
        for name, shape in shapes(connection, schema, tables).items()
        if shape.has_integer_key
    }
    return Marks(taken_at="", rows={name: counted[name] for name in tables}, high_keys=highest)


def highest_key(connection: Connection, schema: str, shape: Shape) -> int:
    """Return the highest integer key of a table; 0 where it has no rows."""
    found = rows(
        connection,
        f"SELECT MAX({quoted(shape.key[0])}) FROM {quoted(schema)}.{quoted(shape.table)}",  # noqa: S608 - quoted
    )
    return int(found[0][0] or 0)


def mark_table(
    connection: Connection, copy: TableCopy, new_shape: Shape, live_sums: Sums
) -> TableMark:
    """Return the mark of a protected table that has just been made equal to the live one.

    The digest is over the new table's own columns, as whoever compares later will compute it.
    """
    if new_shape.columns == copy.shape.columns:
        found = total(live_sums)
    else:
        found = sum_up_to(connection, copy.schema, new_shape, None)
    high = None
    if new_shape.counts_up:
        high = next_number(connection, copy.schema, copy.table) - 1
    elif new_shape.has_integer_key:
        high = highest_key(connection, copy.schema, new_shape)
    return TableMark(rows=found.rows, digest=found.digest, high_key=high)


def keep_marks(
    services: Services,
    job: CutOverJob,
    counted: Marks,
    protected: Mapping[str, TableMark],
    outcome: CutOverFacts | None = None,
) -> Marks:
    """Write the marks of all tables: the protected ones' win over what was counted before."""
    highs = {name: mark.high_key for name, mark in protected.items()}
    marks = Marks(
        taken_at=counted.taken_at or format_timestamp(services.clock.now()),
        rows=counted.rows | {name: mark.rows for name, mark in protected.items()},
        high_keys=counted.high_keys | {name: key for name, key in highs.items() if key is not None},
        digests={name: f"{mark.rows}:{mark.digest:x}" for name, mark in protected.items()},
        cut_over=outcome,
    )
    write_marks(services, job.marks, marks)
    return marks
