"""One protected table in both releases, and the base that remembers how it stood at the hold.

Rows are found by chunks of the key whose digests differ, so that an update or a deletion among a
million rows costs a pass of digests and a thousand rows of comparing. What is read of the live
release is read without locking a row of it: the connections are read committed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from migrator.databases import quoted, rows
from migrator.digests import Column, Shape, Sum, chunk_of, in_chunks, row_digest
from migrator.protected_tables import OWN_PREFIX

if TYPE_CHECKING:
    from migrator.cut_over_state import CutOverState
    from migrator.databases import Connection
    from migrator.digests import Sums

_KEYS = f"{OWN_PREFIX}keys"
DIGEST = f"{OWN_PREFIX}digest"
"""Column of a base table: a row's digest."""
COPIES = f"{OWN_PREFIX}copies"
"""Column of a keyless table's base: how many rows have this digest."""


@dataclass(frozen=True, kw_only=True)
class TableCopy:
    """A table of the live release, its copy in the new one, and its base."""

    live_schema: str
    schema: str
    shape: Shape
    """The live release's: the new one may have more columns."""
    base_name: str

    @property
    def table(self) -> str:
        return self.shape.table

    def with_base(self, name: str) -> TableCopy:
        """Return the same with another base table."""
        return replace(self, base_name=name)

    @property
    def live(self) -> str:
        """The live table's name in SQL."""
        return f"{quoted(self.live_schema)}.{quoted(self.table)}"

    @property
    def new(self) -> str:
        """The copy's name in SQL."""
        return f"{quoted(self.schema)}.{quoted(self.table)}"

    @property
    def base(self) -> str:
        """The base table's name in SQL."""
        return f"{quoted(self.schema)}.{quoted(self.base_name)}"

    @property
    def columns(self) -> str:
        """All columns that are copied, as a list in SQL."""
        return ",".join(quoted(name) for name in self.shape.names)

    def key(self, alias: str) -> str:
        """Return the key's columns as a list in SQL."""
        return ",".join(f"{alias}.{quoted(name)}" for name in self.shape.key)

    def same_key(self, one: str, other: str) -> str:
        """Return the condition that two rows have the same key."""
        names = [quoted(name) for name in self.shape.key]
        return " AND ".join(f"{one}.{name} = {other}.{name}" for name in names)

    # --- the base ---

    def make_base(self, connection: Connection) -> None:
        """Make the base anew, from the live table as it is now."""
        rows(connection, f"DROP TABLE IF EXISTS {self.base}")
        rows(connection, f"CREATE TABLE {self.base} ({self._base_columns()}) ENGINE=InnoDB")
        rows(connection, self._base_rows("TRUE"))

    def refresh_base(self, connection: Connection, chunks: Collection[int]) -> None:
        """Take some chunks of the base anew; a keyless table's is one chunk."""
        rows(connection, f"DELETE b FROM {self.base} b WHERE {in_chunks(self.shape, 'b', chunks)}")
        rows(connection, self._base_rows(in_chunks(self.shape, "l", chunks)))

    def base_sums(self, connection: Connection) -> Sums:
        """Return the sums of the base's chunks, comparable with a table's."""
        counted = (
            f"COUNT(*), SUM({DIGEST})"
            if self.shape.key
            else f"SUM({COPIES}), SUM(CAST({DIGEST} AS DECIMAL(30)) * {COPIES})"
        )
        found = rows(
            connection,
            f"SELECT {chunk_of(self.shape, 'b')} AS chunk, {counted} FROM {self.base} b "  # noqa: S608 - quoted
            "GROUP BY chunk",
        )
        return {int(chunk): Sum(int(count), int(digest)) for chunk, count, digest in found}

    # --- copying ---

    def copy_changes(self, connection: Connection, chunks: Collection[int]) -> int:
        """Make the copy equal to the live table in some chunks; return how many rows it took.

        Within the caller's transaction. Deletions come first, so that no other unique key is in
        the way of what is inserted.
        """
        if not self.shape.key:
            rows(connection, f"DELETE FROM {self.new}")  # noqa: S608 - quoted
            return self._insert(connection, f"{self.live} l")
        changed = self._collect_keys(connection, chunks)
        same = self.same_key("n", "k")
        rows(connection, f"DELETE n FROM {self.new} n JOIN {self._keys} k ON {same}")
        self._insert(connection, f"{self.live} l JOIN {self._keys} k ON {self.same_key('l', 'k')}")
        return changed

    def make_key_list(self, connection: Connection) -> None:
        """Make this connection's list of changed keys; outside of a transaction (GTID)."""
        if not self.shape.key:
            return
        rows(connection, f"DROP TEMPORARY TABLE IF EXISTS {self._keys}")
        definitions = ",".join(_definition(column) for column in self._key_columns())
        rows(
            connection,
            f"CREATE TEMPORARY TABLE {self._keys} ({definitions}, "
            f"PRIMARY KEY ({self._key_list()})) ENGINE=InnoDB",
        )

    # --- private ---

    @property
    def _keys(self) -> str:
        return f"{quoted(self.schema)}.{quoted(_KEYS)}"

    def _key_list(self) -> str:
        return ",".join(quoted(name) for name in self.shape.key)

    def _key_columns(self) -> list[Column]:
        by_name = {column.name: column for column in self.shape.columns}
        return [by_name[name] for name in self.shape.key]

    def _base_columns(self) -> str:
        digest = f"{DIGEST} BIGINT UNSIGNED NOT NULL"
        if not self.shape.key:
            return f"{digest} PRIMARY KEY, {COPIES} BIGINT NOT NULL"
        keys = ",".join(_definition(column) for column in self._key_columns())
        return f"{keys}, {digest}, PRIMARY KEY ({self._key_list()})"

    def _base_rows(self, condition: str) -> str:
        digest = row_digest(self.shape, "l")
        if not self.shape.key:
            return (
                f"INSERT INTO {self.base} ({DIGEST}, {COPIES}) SELECT {digest} AS found, COUNT(*) "  # noqa: S608 - quoted
                f"FROM {self.live} l WHERE {condition} GROUP BY found"
            )
        return (
            f"INSERT INTO {self.base} ({self._key_list()}, {DIGEST}) "  # noqa: S608 - quoted
            f"SELECT {self.key('l')}, {digest} FROM {self.live} l WHERE {condition}"
        )

    def _collect_keys(self, connection: Connection, chunks: Collection[int]) -> int:
        """List the keys whose rows differ, or are in one of the tables only; return how many."""
        same = self.same_key("l", "n")
        first = quoted(self.shape.key[0])
        rows(connection, f"DELETE FROM {self._keys}")  # noqa: S608 - quoted
        gone = (
            f"INSERT INTO {self._keys} SELECT {self.key('n')} FROM {self.new} n "  # noqa: S608 - quoted
            f"LEFT JOIN {self.live} l ON {same} "
            f"WHERE {in_chunks(self.shape, 'n', chunks)} AND l.{first} IS NULL"
        )
        changed = (
            f"INSERT INTO {self._keys} SELECT {self.key('l')} FROM {self.live} l "  # noqa: S608 - quoted
            f"LEFT JOIN {self.new} n ON {same} WHERE {in_chunks(self.shape, 'l', chunks)} "
            f"AND (n.{first} IS NULL "
            f"OR {row_digest(self.shape, 'n')} <> {row_digest(self.shape, 'l')})"
        )
        with connection.cursor() as cursor:
            return cursor.execute(gone) + cursor.execute(changed)

    def _insert(self, connection: Connection, source: str) -> int:
        columns = ",".join(f"l.{quoted(name)}" for name in self.shape.names)
        with connection.cursor() as cursor:
            return cursor.execute(
                f"INSERT INTO {self.new} ({self.columns}) SELECT {columns} FROM {source}"  # noqa: S608 - quoted
            )


@contextmanager
def fenced(connection: Connection, state: CutOverState) -> Iterator[None]:
    """Run a block as one transaction that only the newest attempt may commit."""
    connection.begin()
    try:
        state.require_fence(connection)
        yield
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def _definition(column: Column) -> str:
    text = f" CHARACTER SET {column.charset} COLLATE {column.collation}" if column.charset else ""
    return f"{quoted(column.name)} {column.type}{text} NOT NULL"
