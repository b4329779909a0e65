"""Tables of the target's live release carried into a new one: rows, keys and counters as they are.

Where the source's table has every column that the live one has (a plugin's update added some, or
nothing changed), its structure stays and the server copies the rows. Otherwise the live table
replaces it whole, so that no value is lost: by a dump, read as administrator, that goes straight
into a load as the site's own user, with its triggers and never rewritten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from migrator.counters import next_number, raise_counter
from migrator.databases import quoted, rows
from migrator.digests import shapes
from migrator.dump import DumpStream
from migrator.errors import JobFailure
from migrator.load import load
from migrator.protected_tables import matching_tables, site_tables
from migrator.wordpress import table_prefix

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from migrator.databases import Connection, Credentials, Databases
    from migrator.digests import Shape

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """Where tables come from and go to."""

    databases: Databases
    administrator: Credentials
    site: Credentials
    live: str
    """Schema of the live release."""
    schema: str
    """The new release's, loaded from the source's dump."""

    def carry(
        self, admin: Connection, patterns: Collection[str], *, missing: bool
    ) -> dict[str, int]:
        """Carry tables over; return the rows of each. `missing`: all that the dump lacks, too."""
        protected = matching_tables(admin, self.live, patterns)
        rows_only = self._fitting(admin, protected)
        whole = [table for table in protected if table not in rows_only]
        if missing:
            absent = _absent(admin, self.live, self.schema)
            whole += [table for table in absent if table not in whole]
        else:
            self._require_one_prefix(admin, protected)
        counted = self._carry_rows(admin, rows_only)
        counted |= self._carry_whole(whole, routines=missing)
        self._require_counts(admin, counted)
        log.info("tables_carried", tables=len(counted), rows=sum(counted.values()))
        return counted

    def _fitting(self, admin: Connection, tables: Sequence[str]) -> list[str]:
        """Return the tables whose structure may stay the source's."""
        live, new = shapes(admin, self.live, tables), shapes(admin, self.schema, tables)
        triggered = _triggered(admin, self.live) | _triggered(admin, self.schema)
        fitting = [
            table for table in tables if _covers(new.get(table), live[table], table in triggered)
        ]
        replaced = [table for table in tables if table in new and table not in fitting]
        if replaced:
            log.warning("structure_kept_from_the_live_release", tables=replaced)
        return fitting

    def _carry_rows(self, admin: Connection, tables: list[str]) -> dict[str, int]:
        """Copy rows within the server; neither table has triggers, which would fire."""
        prepare_copying(admin)
        counted = {}
        for table, shape in shapes(admin, self.live, tables).items():
            rows(admin, f"TRUNCATE TABLE {quoted(self.schema)}.{quoted(table)}")
            columns = ",".join(quoted(name) for name in shape.names)
            with admin.cursor() as cursor:
                counted[table] = cursor.execute(
                    f"INSERT INTO {quoted(self.schema)}.{quoted(table)} ({columns}) "  # noqa: S608 - quoted
                    f"SELECT {columns} FROM {quoted(self.live)}.{quoted(table)}"
                )
            raise_counter(admin, self.schema, table, next_number(admin, self.live, table))
        return counted

    def _carry_whole(self, tables: list[str], *, routines: bool) -> dict[str, int]:
        if not tables:
            return {}
        stream = DumpStream(
            self.databases, self.administrator, self.live, tables=tables, routines=routines
        )
        load(self.databases, self.site, self.schema, stream)
        return stream.report.rows

    def _require_counts(self, admin: Connection, counted: dict[str, int]) -> None:
        wrong = []
        for table, expected in counted.items():
            found = rows(admin, f"SELECT COUNT(*) FROM {quoted(self.schema)}.{quoted(table)}")[0][0]  # noqa: S608 - quoted
            if found != expected:
                wrong.append(f"{table}: {found} instead of {expected}")
        if wrong:
            raise JobFailure(
                f"{len(wrong)} tables carried over from {self.live} did not arrive whole: "
                f"{'; '.join(wrong[:10])}. The schema was dropped; run the job again.",
                retryable=True,
            )

    def _require_one_prefix(self, admin: Connection, protected: Collection[str]) -> None:
        live, new = table_prefix(admin, self.live), table_prefix(admin, self.schema)
        if protected and live != new:
            raise JobFailure(
                f"The source's tables begin with {new} and the live release's with {live}: "
                "protected tables cannot be carried over. Give both the same prefix first."
            )


def prepare_copying(connection: Connection) -> None:
    """Set a connection up for copying rows: values as they are, and no lock on what is read.

    Read committed: INSERT ... SELECT would otherwise lock every row it reads, and the live
    release's writers would wait for it.
    """
    rows(connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
    rows(connection, "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0")


def recount_comments(connection: Connection, schema: str, tables: Collection[str]) -> None:
    """Count anew how many comments each post has, where comments came from another release."""
    prefix = table_prefix(connection, schema)
    posts, comments = f"{prefix}posts", f"{prefix}comments"
    if comments not in tables or posts in tables:
        return
    rows(
        connection,
        f"UPDATE {quoted(schema)}.{quoted(posts)} p SET p.comment_count = (SELECT COUNT(*) "  # noqa: S608 - quoted
        f"FROM {quoted(schema)}.{quoted(comments)} c "
        "WHERE c.comment_post_ID = p.ID AND c.comment_approved = '1')",
    )


# --- private --------------------------------------------------------------------------------


def _covers(new: Shape | None, live: Shape, has_triggers: bool) -> bool:  # noqa: FBT001 - one caller
    """Tell whether every value of the live table has its place in the source's one."""
    if new is None or has_triggers or new.key != live.key:
        return False
    if not live.key:
        return new.columns == live.columns
    return set(live.columns) <= set(new.columns)


def _triggered(connection: Connection, schema: str) -> set[str]:
    found = rows(
        connection,
        "SELECT DISTINCT event_object_table FROM information_schema.triggers "
        "WHERE trigger_schema = %s",
        schema,
    )
    return {str(table) for (table,) in found}


def _absent(connection: Connection, live: str, new: str) -> list[str]:
    """Return the live release's tables, then its views, that the new one does not have."""
    views = "SELECT table_name FROM information_schema.views WHERE table_schema = %s"
    there = set(site_tables(connection, new))
    there |= {str(name) for (name,) in rows(connection, views, new)}
    names = [*site_tables(connection, live)]
    names += [str(name) for (name,) in rows(connection, views, live)]
    return [name for name in names if name not in there]
