"""Writing a dump: one consistent snapshot of a schema, streamed, counted, and refused if partial.

A dump is whole when the client's exit code is 0, its last line says "Dump completed", and it holds
exactly the tables that the schema has. Whoever keeps it adds size and sha256 (migrator.transfer).
"""

from __future__ import annotations

from collections.abc import Callable
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


@dataclass(frozen=True, kw_only=True)
class DumpReport:
    """What a complete dump holds."""

    rows: dict[str, int]
    """Table -> rows in the dump's own snapshot."""
    size_bytes: int
    """Of the plain SQL text."""


def dump(databases: Databases, credentials: Credentials, schema: str, sink: Sink) -> DumpReport:
    """Dump a schema into a sink, chunk by chunk.

    Raises JobFailure for anything that is not a complete dump; the sink has then seen a part that
    has to be thrown away.
    """
    with databases.connect(credentials, schema) as connection:
        tables = base_tables(connection, schema)
        _warn_about_engines(connection, schema)
    if not tables:
        raise JobFailure(f"The schema {schema} has no tables; an empty site is not dumped.")
    text = _stream(databases, credentials, schema, sink)
    _require_complete(text, tables, schema)
    log.info("dump_complete", schema=schema, bytes=text.size_bytes, tables=len(text.rows))
    return DumpReport(rows=text.rows, size_bytes=text.size_bytes)


def dump_arguments(client: Client, descriptor: int, schema: str) -> list[str]:
    """Return the client's command line: no credential, no --databases, only what it knows."""
    return [
        client.path,
        f"--defaults-file=/dev/fd/{descriptor}",
        "--single-transaction",
        "--quick",
        "--skip-lock-tables",
        "--routines",
        "--triggers",
        "--events",
        "--hex-blob",
        "--default-character-set=utf8mb4",
        "--no-tablespaces",
        *client.supported("--set-gtid-purged=OFF", "--column-statistics=0"),
        schema,
    ]


# --- private -------------------------------------------------------------------------------


def _stream(databases: Databases, credentials: Credentials, schema: str, sink: Sink) -> DumpText:
    client = dump_client()
    text = DumpText()
    secret = credentials.password.get_secret_value()
    with (
        option_file(credentials, databases.tls, mariadb=client.mariadb) as descriptor,
        running(
            dump_arguments(client, descriptor, schema), inherit=[descriptor], secrets=[secret]
        ) as program,
    ):
        while chunk := program.stdout.read(PIPE_BYTES):
            text.feed(chunk)
            sink(chunk)
        text.finish()
        if (code := program.finish()) != 0:
            raise JobFailure(
                f"The dump of {schema} failed (exit code {code}): {program.complaint()}",
                retryable=True,
            )
    return text


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
            f"The dump of {schema} does not hold exactly the schema's tables; these differ: "
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
