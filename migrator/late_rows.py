"""What requests still under way wrote to the former release after the pointer had moved.

Every row is compared three ways: as it is in the live release's table now, as it was at the hold
(the base), and as it is in the new one. What only the former release changed is changed here too;
what both changed is a conflict: the new one's stands and its key is reported. The base follows in
the same transaction, so that a row is carried once, however often this is begun anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pymysql
import structlog

from migrator.databases import quoted, rows
from migrator.digests import chunk_sums, different_chunks, in_chunks, row_digest
from migrator.table_copies import COPIES, DIGEST, fenced

if TYPE_CHECKING:
    from migrator.cut_over_state import CutOverState
    from migrator.databases import Connection
    from migrator.digests import Shape
    from migrator.table_copies import TableCopy

log = structlog.get_logger(__name__)

_DUPLICATE = 1062

type _Key = tuple[Any, ...]


def carry_late_rows(
    connection: Connection, copy: TableCopy, new_shape: Shape, state: CutOverState
) -> int:
    """Carry what the former release's table has changed since the base; return how many rows."""
    live = chunk_sums(connection, copy.live_schema, copy.shape)
    chunks = different_chunks(live, copy.base_sums(connection))
    if not chunks:
        return 0
    if not copy.shape.key:
        return _carry_keyless(connection, copy, state)
    found = [
        _Row(connection=connection, copy=copy, new_shape=new_shape, key=key, state=state)
        for key in _candidates(connection, copy, chunks)
    ]
    return sum(row.carry() for row in found)


# --- tables with a key ----------------------------------------------------------------------


def _candidates(connection: Connection, copy: TableCopy, chunks: set[int]) -> list[_Key]:
    """Return the keys of rows that are not as the base has them, or gone."""
    same, first = copy.same_key("l", "b"), quoted(copy.shape.key[0])
    changed = rows(
        connection,
        f"SELECT {copy.key('l')} FROM {copy.live} l LEFT JOIN {copy.base} b ON {same} "  # noqa: S608 - quoted
        f"WHERE {in_chunks(copy.shape, 'l', chunks)} "
        f"AND (b.{first} IS NULL OR b.{DIGEST} <> {row_digest(copy.shape, 'l')})",
    )
    gone = rows(
        connection,
        f"SELECT {copy.key('b')} FROM {copy.base} b LEFT JOIN {copy.live} l ON {same} "  # noqa: S608 - quoted
        f"WHERE {in_chunks(copy.shape, 'b', chunks)} AND l.{first} IS NULL",
    )
    return [*changed, *gone]


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One row in its three places."""

    connection: Connection
    copy: TableCopy
    new_shape: Shape
    key: _Key
    state: CutOverState

    def carry(self) -> int:
        """Carry the row if only the former release changed it; return 1 if that was done."""
        try:
            with fenced(self.connection, self.state):
                return self._merge()
        except pymysql.IntegrityError as error:
            if error.args[0] != _DUPLICATE:
                raise
        with fenced(self.connection, self.state):  # another unique key of it is taken meanwhile
            self._conflict()
        return 0

    def _merge(self) -> int:
        live, base = self._digest(self.copy.live), self._base()
        new, before = self._new()
        if live == base:
            return 0
        if new != base:
            self._conflict()  # also when both say the same: two sales may leave the same stock
            return 0
        self._apply(live, new)
        self._follow()
        self._note(before)
        return 1

    def _apply(self, live: int | None, new: int | None) -> None:
        copy, here = self.copy, self._where("n")
        if live is None:
            rows(self.connection, f"DELETE n FROM {copy.new} n WHERE {here}", *self.key)
        elif new is None:
            columns = ",".join(f"l.{quoted(name)}" for name in copy.shape.names)
            rows(
                self.connection,
                f"INSERT INTO {copy.new} ({copy.columns}) SELECT {columns} FROM {copy.live} l "  # noqa: S608 - quoted
                f"WHERE {self._where('l')}",
                *self.key,
            )
        else:
            values = ",".join(f"n.{quoted(c)} = l.{quoted(c)}" for c in copy.shape.names)
            rows(
                self.connection,
                f"UPDATE {copy.new} n JOIN {copy.live} l ON {copy.same_key('n', 'l')} "  # noqa: S608 - quoted
                f"SET {values} WHERE {here}",
                *self.key,
            )

    def _follow(self) -> None:
        """Let the base be what the new release has now: this row is done."""
        copy = self.copy
        rows(self.connection, f"DELETE b FROM {copy.base} b WHERE {self._where('b')}", *self.key)
        names = ",".join(quoted(name) for name in copy.shape.key)
        rows(
            self.connection,
            f"INSERT INTO {copy.base} ({names}, {DIGEST}) SELECT {copy.key('n')}, "  # noqa: S608 - quoted
            f"{row_digest(copy.shape, 'n')} FROM {copy.new} n WHERE {self._where('n')}",
            *self.key,
        )

    def _note(self, before: int | None) -> None:
        """Count the row, and keep the table's mark up with it."""
        progress, table = self.state.progress, self.copy.table
        _, after = self._new()
        mark = progress.marks[table]
        if mark.high_key is None or self.key[0] <= mark.high_key:
            mark = mark.model_copy(
                update={
                    "rows": mark.rows + (after is not None) - (before is not None),
                    "digest": mark.digest + (after or 0) - (before or 0),
                }
            )
        self.state.save(
            self.connection,
            late=progress.late | {table: progress.late.get(table, 0) + 1},
            marks=progress.marks | {table: mark},
        )

    def _conflict(self) -> None:
        copy, progress = self.copy, self.state.progress
        name = _told(copy.table, self.key)
        log.warning("row_changed_in_both_releases", row=name)
        rows(self.connection, f"DELETE b FROM {copy.base} b WHERE {self._where('b')}", *self.key)
        names = ",".join(quoted(part) for part in copy.shape.key)
        rows(
            self.connection,
            f"INSERT INTO {copy.base} ({names}, {DIGEST}) SELECT {copy.key('l')}, "  # noqa: S608 - quoted
            f"{row_digest(copy.shape, 'l')} FROM {copy.live} l WHERE {self._where('l')}",
            *self.key,
        )
        if name not in progress.conflicts:
            self.state.save(self.connection, conflicts=[*progress.conflicts, name])

    # --- reading ---

    def _where(self, alias: str) -> str:
        return " AND ".join(f"{alias}.{quoted(name)} = %s" for name in self.copy.shape.key)

    def _digest(self, table: str) -> int | None:
        found = rows(
            self.connection,
            f"SELECT {row_digest(self.copy.shape, 't')} FROM {table} t WHERE {self._where('t')}",  # noqa: S608 - quoted
            *self.key,
        )
        return int(found[0][0]) if found else None

    def _base(self) -> int | None:
        found = rows(
            self.connection,
            f"SELECT {DIGEST} FROM {self.copy.base} b WHERE {self._where('b')}",  # noqa: S608 - quoted
            *self.key,
        )
        return int(found[0][0]) if found else None

    def _new(self) -> tuple[int | None, int | None]:
        """Lock the new release's row; return its digest over the live columns, and over all."""
        found = rows(
            self.connection,
            f"SELECT {row_digest(self.copy.shape, 'n')}, {row_digest(self.new_shape, 'n')} "  # noqa: S608 - quoted
            f"FROM {self.copy.new} n WHERE {self._where('n')} FOR UPDATE",
            *self.key,
        )
        return (int(found[0][0]), int(found[0][1])) if found else (None, None)


# --- tables without one ---------------------------------------------------------------------


def _carry_keyless(connection: Connection, copy: TableCopy, state: CutOverState) -> int:
    """Add and remove as many rows of each digest as the former release has added and removed."""
    digest = row_digest(copy.shape, "l")
    now = dict(
        rows(connection, f"SELECT {digest} AS found, COUNT(*) FROM {copy.live} l GROUP BY found")  # noqa: S608 - quoted
    )
    then = dict(rows(connection, f"SELECT {DIGEST}, {COPIES} FROM {copy.base}"))  # noqa: S608 - quoted
    carried = 0
    for found in now.keys() | then.keys():
        more = int(now.get(found, 0)) - int(then.get(found, 0))
        if more:
            with fenced(connection, state):
                carried += _carry_copies(connection, copy, state, int(found), more)
    return carried


def _carry_copies(
    connection: Connection, copy: TableCopy, state: CutOverState, digest: int, more: int
) -> int:
    columns = ",".join(f"l.{quoted(name)}" for name in copy.shape.names)
    if more > 0:
        statement = (
            f"INSERT INTO {copy.new} ({copy.columns}) SELECT {columns} FROM {copy.live} l "  # noqa: S608 - quoted
            f"WHERE {row_digest(copy.shape, 'l')} = {digest:d} LIMIT {more:d}"
        )
    else:
        condition = row_digest(copy.shape, quoted(copy.table))
        statement = f"DELETE FROM {copy.new} WHERE {condition} = {digest:d} LIMIT {-more:d}"  # noqa: S608 - quoted
    with connection.cursor() as cursor:
        done = cursor.execute(statement)
    change = done if more > 0 else -done
    rows(
        connection,
        f"INSERT INTO {copy.base} ({DIGEST}, {COPIES}) VALUES ({digest:d}, {more:d}) "  # noqa: S608 - quoted
        f"ON DUPLICATE KEY UPDATE {COPIES} = {COPIES} + ({more:d})",
    )
    progress, mark = state.progress, state.progress.marks[copy.table]
    update = {"rows": mark.rows + change, "digest": mark.digest + change * digest}
    conflicts = progress.conflicts
    if done < abs(more):
        conflicts = sorted({*conflicts, f"{copy.table}:#{digest:016x}"})
    state.save(
        connection,
        late=progress.late | {copy.table: progress.late.get(copy.table, 0) + done},
        marks=progress.marks | {copy.table: mark.model_copy(update=update)},
        conflicts=conflicts,
    )
    return done


def _told(table: str, key: Sequence[Any]) -> str:
    """Name a row: by its number, or by a digest, because any other key may be somebody's data."""
    if all(isinstance(part, int) for part in key):
        return f"{table}:{'/'.join(str(part) for part in key)}"
    return f"{table}:#{hashlib.sha256(repr(tuple(key)).encode()).hexdigest()[:16]}"
