"""Making the new release's protected tables equal to the live ones, before and during the hold."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pymysql
import structlog

from migrator.carrying import prepare_copying
from migrator.databases import quoted, rows
from migrator.digests import chunk_sums, different_chunks, shapes
from migrator.errors import JobFailure
from migrator.protected_tables import matching_tables
from migrator.table_copies import TableCopy, fenced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrator.cut_over_state import CutOverState
    from migrator.databases import Connection, Credentials, Databases
    from migrator.digests import Sums

log = structlog.get_logger(__name__)

_READERS = 4
_UNKNOWN_VARIABLE = 1193


class Readers:
    """A few connections that read at the same time: digests are what a hold's time goes into."""

    def __init__(self, connections: Sequence[Connection], pool: ThreadPoolExecutor) -> None:
        self._free: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        self._connections = connections
        self._pool = pool
        for connection in connections:
            self._free.put(connection)

    def bound(self, seconds: float) -> None:
        """Let no statement take longer than this."""
        for connection in self._connections:
            bound_statements(connection, seconds)

    def run[Answer](self, tasks: Sequence[Callable[[Connection], Answer]]) -> list[Answer]:
        """Run reading tasks; return their answers in order."""
        return list(self._pool.map(self._run, tasks))

    def _run[Answer](self, task: Callable[[Connection], Answer]) -> Answer:
        connection = self._free.get()
        try:
            return task(connection)
        finally:
            self._free.put(connection)


@contextmanager
def reading(databases: Databases, administrator: Credentials) -> Iterator[Readers]:
    """Open the connections for the time of a block."""
    with ExitStack() as stack:
        connections = [
            stack.enter_context(databases.connect(administrator)) for _ in range(_READERS)
        ]
        for connection in connections:
            prepare_copying(connection)
        pool = stack.enter_context(ThreadPoolExecutor(_READERS, thread_name_prefix="reader"))
        yield Readers(connections, pool)


def bound_statements(connection: Connection, seconds: float | None) -> None:
    """Let the server end a statement that takes longer; MySQL can do so for queries only."""
    limit = 0 if seconds is None else max(seconds, 0.1)
    for statement in (
        f"SET SESSION max_statement_time = {limit:.3f}",
        f"SET SESSION max_execution_time = {limit * 1000:.0f}",
    ):
        try:
            rows(connection, statement)
        except pymysql.MySQLError as error:
            if error.args[0] != _UNKNOWN_VARIABLE:
                raise


@dataclass(frozen=True, kw_only=True)
class Sights:
    """One table as three passes over it saw it."""

    live: Sums
    new: Sums
    base: Sums


def look(readers: Readers, copies: Sequence[TableCopy], *, with_base: bool) -> list[Sights]:
    """Read the sums of each table in the live release, in the new one, and in the base."""

    def tasks(copy: TableCopy) -> list[Callable[[Connection], Sums]]:
        return [
            lambda connection: chunk_sums(connection, copy.live_schema, copy.shape),
            lambda connection: chunk_sums(connection, copy.schema, copy.shape),
            lambda connection: copy.base_sums(connection) if with_base else {},
        ]

    answers = iter(readers.run([task for copy in copies for task in tasks(copy)]))
    return [Sights(live=next(answers), new=next(answers), base=next(answers)) for _ in copies]


def copies_of(
    connection: Connection, live_schema: str, schema: str, patterns: Sequence[str]
) -> list[TableCopy]:
    """Return the protected tables of the live release with their copies in the new one.

    A table that was made in the live release since the import is made here as well. Raises
    JobFailure when the two do not fit any more.
    """
    tables = matching_tables(connection, live_schema, patterns)
    live, new = shapes(connection, live_schema, tables), shapes(connection, schema, tables)
    for table in tables:
        if table not in new:
            made = f"{quoted(schema)}.{quoted(table)}"
            model = f"{quoted(live_schema)}.{quoted(table)}"
            rows(connection, f"CREATE TABLE IF NOT EXISTS {made} LIKE {model}")
    unfit = [
        table
        for table, shape in live.items()
        if table in new and not {*shape.names} <= {*new[table].names}
    ]
    if unfit:
        raise JobFailure(
            f"Protected tables of the live release have columns that the new one lacks: "
            f"{', '.join(unfit)}. Their structure changed after the import; promote again."
        )
    return [
        TableCopy(live_schema=live_schema, schema=schema, shape=live[table], base_name=base_name(i))
        for i, table in enumerate(tables)
    ]


def base_name(number: int) -> str:
    """Return the name of a base table: a table's own name may be as long as names get."""
    return f"sitefleet_base_{number}"


def catch_up(
    connection: Connection,
    readers: Readers,
    copies: Sequence[TableCopy],
    state: CutOverState,
) -> None:
    """Copy what has changed so far, so that little is left for the hold; writers go on.

    Tables without a key are left to the hold: they could only be copied whole, twice.
    """
    keyed = [copy for copy in copies if copy.shape.key]
    for copy, sight in zip(keyed, look(readers, keyed, with_base=False), strict=True):
        chunks = different_chunks(sight.live, sight.new)
        if chunks:
            _copy(connection, copy, chunks, state)
    for copy in copies:
        copy.make_base(connection)


def equalise(
    connection: Connection,
    readers: Readers,
    copies: Sequence[TableCopy],
    state: CutOverState,
) -> tuple[dict[str, int], Mapping[str, Sums]]:
    """While writes are held: copy what still differs, compare, and bring the bases up to date.

    Returns the rows it took per table, and the sums that now hold in both releases. Raises
    JobFailure when a table cannot be made equal.
    """
    sights = look(readers, copies, with_base=True)
    changed: dict[str, int] = {}
    for copy, sight in zip(copies, sights, strict=True):
        if chunks := different_chunks(sight.live, sight.new):
            changed[copy.table] = _copy(connection, copy, chunks, state)
            _require_equal(connection, copy, chunks, sight.live)
        if stale := different_chunks(sight.live, sight.base):
            with fenced(connection, state):
                copy.refresh_base(connection, stale)
    sums = {copy.table: sight.live for copy, sight in zip(copies, sights, strict=True)}
    return {table: count for table, count in changed.items() if count}, sums


# --- private --------------------------------------------------------------------------------


def _copy(connection: Connection, copy: TableCopy, chunks: set[int], state: CutOverState) -> int:
    copy.make_key_list(connection)
    with fenced(connection, state):
        return copy.copy_changes(connection, chunks)


def _require_equal(connection: Connection, copy: TableCopy, chunks: set[int], live: Sums) -> None:
    found = chunk_sums(connection, copy.schema, copy.shape, chunks)
    expected = {chunk: live[chunk] for chunk in chunks if chunk in live}
    if found != expected:
        raise JobFailure(
            f"{copy.table} could not be made equal to the live release's: {_rows(found)} rows "
            f"instead of {_rows(expected)} in {len(chunks)} parts of it. Writes were let go and "
            "nothing was moved; compare the two tables' structures, then promote again."
        )


def _rows(sums: Sums) -> int:
    return sum(each.rows for each in sums.values())
