"""Writing a dump: one consistent snapshot of a schema, streamed, counted, and refused if partial.

A dump is whole when the client's exit code is 0, its last line says "Dump completed", and it holds
exactly the tables that the schema has. Whoever keeps it adds size and sha256 (migrator.transfer).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from migrator.databases import base_tables, option_file, rows
from migrator.dump_text import DumpText
from migrator.errors import JobFailure
from migrator.processes import PIPE_BYTES, Client, dump_client, running

if TYPE_CHECKING:
    from migrator.databases import Connection, Credentials, Databases

log = structlog.get_logger(__name__)

type Sink = Callable[[bytes], object]

_ROUTINES = ("--routines", "--events")


@dataclass(frozen=True, kw_only=True)
class DumpReport:
    """What a complete dump holds."""

    rows: dict[str, int]
    """Table -> rows in the dump's own snapshot."""
    size_bytes: int
    """Of the plain SQL text."""


def dump(
    databases: Databases,
    credentials: Credentials,
    schema: str,
    sink: Sink,
    tables: Sequence[str] | None = None,
) -> DumpReport:
    """Dump a schema, or some of its tables, into a sink, chunk by chunk.

    Raises JobFailure for anything that is not a complete dump; the sink has then seen a part that
    has to be thrown away.
    """
    stream = DumpStream(databases, credentials, schema, tables=tables)
    for chunk in stream:
        sink(chunk)
    return stream.report


class DumpStream:
    """A dump to be iterated over once, to its end; afterwards `report` is there.

    Without `tables`, the schema's views, routines and events are in it. Views may be named among
    the tables.
    """

    def __init__(
        self,
        databases: Databases,
        credentials: Credentials,
        schema: str,
        *,
        tables: Sequence[str] | None = None,
        routines: bool = False,
    ) -> None:
        self._databases, self._credentials, self._schema = databases, credentials, schema
        self._named = tables
        self._routines = routines or tables is None
        self._report: DumpReport | None = None

    @property
    def report(self) -> DumpReport:
        """What the complete dump holds."""
        if self._report is None:
            raise JobFailure("A dump was not read to its end: a defect of the migrator.")
        return self._report

    def __iter__(self) -> Iterator[bytes]:
        expected = self._expected()
        text = DumpText()
        options = _ROUTINES if self._routines else ()
        what = ["--triggers", *options, self._schema, *(self._named or ())]
        yield from _stream(self._databases, self._credentials, what, text)
        _require_complete(text, expected, self._schema)
        log.info("dump_complete", schema=self._schema, bytes=text.size_bytes, tables=len(text.rows))
        self._report = DumpReport(rows=text.rows, size_bytes=text.size_bytes)

    def _expected(self) -> list[str]:
        """Return the tables that the dump has to hold."""
        with self._databases.connect(self._credentials, self._schema) as connection:
            tables = base_tables(connection, self._schema)
            _warn_about_engines(connection, self._schema)
        if self._named is not None:
            tables = [table for table in tables if table in set(self._named)]
        elif not tables:
            raise JobFailure(
                f"The schema {self._schema} has no tables; an empty site is not dumped."
            )
        return tables


def try_dump(databases: Databases, credentials: Credentials, schema: str) -> None:
    """Dump the structure only, to nowhere: every right that a dump needs is used once."""
    text = DumpText()
    what = ["--triggers", *_ROUTINES, "--no-data", schema]
    for _ in _stream(databases, credentials, what, text):
        continue
    if not text.complete:
        raise JobFailure(f"The structure of {schema} cannot be dumped to its end.", retryable=True)


def dump_arguments(client: Client, descriptor: int, what: Sequence[str]) -> list[str]:
    """Return the client's command line: no credential, no --databases, only what it knows."""
    return [
        client.path,
        f"--defaults-file=/dev/fd/{descriptor}",
        "--single-transaction",
        "--quick",
        "--skip-lock-tables",
        "--hex-blob",
        "--default-character-set=utf8mb4",
        "--no-tablespaces",
        *client.supported("--set-gtid-purged=OFF", "--column-statistics=0"),
        *what,
    ]


# --- private -------------------------------------------------------------------------------


def _stream(
    databases: Databases, credentials: Credentials, what: Sequence[str], text: DumpText
) -> Iterator[bytes]:
    client = dump_client()
    secret = credentials.password.get_secret_value()
    with (
        option_file(credentials, databases.tls, mariadb=client.mariadb) as descriptor,
        running(
            dump_arguments(client, descriptor, what), inherit=[descriptor], secrets=[secret]
        ) as program,
    ):
        while chunk := program.stdout.read(PIPE_BYTES):
            text.feed(chunk)
            yield chunk
        text.finish()
        if (code := program.finish()) != 0:
            raise JobFailure(
                f"The dump failed (exit code {code}): {program.complaint()}",
                retryable=True,
            )


def _require_complete(text: DumpText, tables: list[str], schema: str) -> None:
    if not text.complete:
        raise JobFailure(
            f"The dump of {schema} ended without its mark 'Dump completed': it is cut and was "
            "refused. Run the job again.",
            retryable=True,
        )
    if set(text.rows) != set(tables):
        different = sorted(set(text.rows) ^ set(tables))
        raise JobFailure(
            f"The dump of {schema} does not hold exactly the tables it should; these differ: "
            f"{', '.join(different[:10])}. Tables were made or dropped meanwhile; run it again.",
            retryable=True,
        )


def _warn_about_engines(connection: Connection, schema: str) -> None:
    """Say which tables a snapshot does not cover: they are read later than the others."""
    found = rows(
        connection,
        "SELECT table_name FROM information_schema.tables WHERE table_schema = %s "
        "AND table_type = 'BASE TABLE' AND engine <> 'InnoDB'",
        schema,
    )
    if found:
        log.warning("tables_outside_the_snapshot", tables=[row[0] for row in found])
