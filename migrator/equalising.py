"""Making the new release's protected tables equal to the live ones, before and during the hold."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pymysql
import structlog

from migrator.carrying import prepare_copying
from migrator.databases import quoted, rows
from migrator.digests import chunk_sums, different_chunks, shapes, sliced_sums, slices_of
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


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """How a table stands when all that could be done before the hold is done."""

    base: Sums
    open: set[int]
    """Chunks in which the new release is not as the base: they are looked at during the hold."""


def catch_up(
    connection: Connection,
    readers: Readers,
    copies: Sequence[TableCopy],
    state: CutOverState,
) -> dict[str, Ahead]:
    """Make the bases and copy what has changed so far, so that little is left for the hold.

    Writers go on meanwhile. Tables without a key could only be copied whole, twice, and wait.
    """
    readers.run([copy.make_base for copy in copies])
    bases = readers.run([copy.base_sums for copy in copies])
    seen = _sums(readers, [(copy, copy.schema) for copy in copies], bases)
    ahead = {}
    for copy, base, new in zip(copies, bases, seen, strict=True):
        chunks = different_chunks(base, new)
        if chunks and copy.shape.key:
            _copy(connection, copy, chunks, state)
            now = chunk_sums(connection, copy.schema, copy.shape, chunks)
            chunks = {chunk for chunk in chunks if now.get(chunk) != base.get(chunk)}
        ahead[copy.table] = Ahead(base=base, open=chunks)
    return ahead


def equalise(
    connection: Connection,
    readers: Readers,
    copies: Sequence[TableCopy],
    ahead: Mapping[str, Ahead],
    state: CutOverState,
) -> tuple[dict[str, int], dict[str, Sums]]:
    """While writes are held: copy what still differs, compare, and bring the bases up to date.

    One pass of digests over the live tables is what the hold's time goes into. Returns the rows it
    took per table, and the sums that now hold in both releases. Raises JobFailure when a table
    cannot be made equal.
    """
    bases = [ahead[copy.table].base for copy in copies]
    seen = _sums(readers, [(copy, copy.live_schema) for copy in copies], bases)
    changed: dict[str, int] = {}
    for copy, base, live in zip(copies, bases, seen, strict=True):
        stale = different_chunks(live, base)
        if chunks := stale | ahead[copy.table].open:
            changed[copy.table] = _copy(connection, copy, chunks, state)
            _require_equal(connection, copy, chunks, live)
        if stale:
            with fenced(connection, state):
                copy.refresh_base(connection, stale)
    sums = {copy.table: live for copy, live in zip(copies, seen, strict=True)}
    return {table: count for table, count in changed.items() if count}, sums


# --- private --------------------------------------------------------------------------------


def _sums(
    readers: Readers, tables: Sequence[tuple[TableCopy, str]], like: Sequence[Sums]
) -> list[Sums]:
    """Read the sums of tables in a schema, a large one in slices by several readers at once.

    Where the slices are cut is told by sums that are known of a table like it.
    """
    tasks: list[Callable[[Connection], Sums]] = []
    sizes = []
    for (copy, schema), known in zip(tables, like, strict=True):
        slices = slices_of(copy.shape, known, _READERS)
        sizes.append(len(slices))
        tasks += [
            partial(sliced_sums, schema=schema, shape=copy.shape, part=part) for part in slices
        ]
    answers = iter(readers.run(tasks))
    return [
        {chunk: each for _ in range(size) for chunk, each in next(answers).items()}
        for size in sizes
    ]


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
