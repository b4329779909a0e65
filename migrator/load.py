"""Loading a dump into a new schema: edited while it streams, and refused if it is not whole.

The client runs as the site's own user, so that nothing in a dump can reach another schema, and
so that views and triggers belong to that user: their DEFINER clauses are taken out on the way.
"""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

import structlog

from migrator.databases import option_file, rows
from migrator.dump_text import DumpText
from migrator.errors import PASSING_SQL_ERRORS, JobFailure, Refusal
from migrator.processes import Client, Running, running, sql_client

if TYPE_CHECKING:
    from migrator.databases import Connection, Credentials, Databases

log = structlog.get_logger(__name__)

_DEFINER = re.compile(
    rb"^(CREATE |/\*!\d+ CREATE\*/ /\*!\d+ |/\*!\d+ CREATE |/\*!\d+ )"
    rb"DEFINER=`(?:[^`]|``)*`(?:@`(?:[^`]|``)*`)?"
)
_FOREIGN_SCHEMA = re.compile(rb"\s*(USE\s|CREATE DATABASE\s|DROP DATABASE\s)", re.IGNORECASE)
_COLLATION = re.compile(rb"utf8mb4_(?:0900|uca1400)_\w+")
_LOST_UNDER_TLS = 2026
"""What the client says of a connection that ended. It is its number for a refused certificate as
well, but of that one the connection before it would have told."""
_QUEUED_CHUNKS = 4
_CHUNK_BYTES = 1 << 20


class Rewriting(Protocol):
    """What changes the text on its way: migrator.rewrite's Rewriter."""

    def feed(self, chunk: bytes) -> bytes:
        """Return what is finished of the text so far."""
        ...

    def finish(self) -> bytes:
        """Return the rest."""
        ...


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What went into the schema, as counted in the stream."""

    rows: dict[str, int]
    size_bytes: int
    """Of the dump before it was rewritten."""


def load(
    databases: Databases,
    credentials: Credentials,
    schema: str,
    source: Iterable[bytes],
    rewriter: Rewriting | None = None,
) -> LoadReport:
    """Load a plain dump, given as chunks, into an existing empty schema.

    Raises JobFailure when the dump is cut, the server refuses it, or the server or the client is
    lost (retryable); the schema then holds a part and has to be dropped by the caller.
    """
    with databases.connect(credentials, schema) as connection:
        editor = _Editor(known_collations(connection))
    client = sql_client()
    secret = credentials.password.get_secret_value()
    with (
        option_file(credentials, databases.tls, mariadb=client.mariadb) as descriptor,
        running(
            load_arguments(client, descriptor, schema),
            inherit=[descriptor],
            secrets=[secret],
            feed=True,
        ) as program,
    ):
        _pump(editor, source, rewriter, program)
        if (code := program.finish()) != 0:
            raise _failed(schema, code, program)
    if not editor.text.complete:
        raise JobFailure(
            f"The dump loaded into {schema} does not end with 'Dump completed': it is cut. "
            "Export it again."
        )
    log.info("load_complete", schema=schema, bytes=editor.text.size_bytes)
    return LoadReport(rows=editor.text.rows, size_bytes=editor.text.size_bytes)


def load_arguments(client: Client, descriptor: int, schema: str) -> list[str]:
    """Return the client's command line: no credential; no command of the client's own is obeyed."""
    return [
        client.path,
        f"--defaults-file=/dev/fd/{descriptor}",
        "--batch",
        "--binary-mode",
        "--default-character-set=utf8mb4",
        *client.supported("--sandbox", "--system-command=0", "--local-infile=0"),
        schema,
    ]


def without_definer(statement: str) -> str:
    """Return a CREATE statement without its DEFINER clause: it belongs to who runs it."""
    return _DEFINER.sub(rb"\1", statement.encode()).decode()


def known_collations(connection: Connection) -> frozenset[bytes]:
    """Return the utf8mb4 collations of the server that is loaded into."""
    found = rows(
        connection,
        "SELECT collation_name FROM information_schema.collations "
        "WHERE collation_name LIKE 'utf8mb4%'",
    )
    return frozenset(str(row[0]).encode() for row in found)


# --- private -------------------------------------------------------------------------------


def _failed(schema: str, code: int, program: Running) -> JobFailure:
    """Tell a server that does not want the dump from one, or a client, that went away."""
    number = program.sql_error()
    how = f"(exit code {code}): {program.complaint()}"
    if number is not None and number not in PASSING_SQL_ERRORS | {_LOST_UNDER_TLS}:
        return JobFailure(f"The database refused the dump while it was loaded into {schema} {how}")
    return JobFailure(f"Loading the dump into {schema} broke off {how}", retryable=True)


class _Editor:
    """Edits the lines between the rows: sandbox line, DEFINER, foreign schemas, collations."""

    def __init__(self, collations: frozenset[bytes]) -> None:
        self.text = DumpText()
        self._collations = collations

    def feed(self, chunk: bytes) -> bytes:
        return b"".join(
            piece.text if piece.is_data else self._line(piece.text)
            for piece in self.text.feed(chunk)
        )

    def finish(self) -> bytes:
        return b"".join(piece.text for piece in self.text.finish())

    def _line(self, line: bytes) -> bytes:
        if line.startswith(b"/*M!999999"):
            return b""  # MariaDB's sandbox switch: other clients stumble over it, ours has a flag
        if self.text.in_script and _FOREIGN_SCHEMA.match(line):
            raise Refusal(
                "The dump names a schema of its own (it was made with --databases) and would be "
                "loaded there. Export it again without."
            )
        return _COLLATION.sub(self._collation, _DEFINER.sub(rb"\1", line))

    def _collation(self, found: re.Match[bytes]) -> bytes:
        """Replace a collation that this server does not know by the nearest that all know."""
        name = found[0]
        if name in self._collations:
            return name
        exact = name.endswith((b"_bin", b"_cs"))
        return b"utf8mb4_bin" if exact else b"utf8mb4_unicode_520_ci"


class _Feeder:
    """Writes to the client from a thread, a few chunks behind, so that both sides keep working."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._chunks: queue.Queue[memoryview | None] = queue.Queue(_QUEUED_CHUNKS)
        self.broken = False
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def put(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        for at in range(0, len(chunk), _CHUNK_BYTES):
            self._chunks.put(view[at : at + _CHUNK_BYTES])

    def end(self) -> None:
        self._chunks.put(None)
        self._thread.join()

    def _write(self) -> None:
        while (chunk := self._chunks.get()) is not None:
            try:
                if not self.broken:
                    self._stream.write(chunk)
            except (OSError, ValueError):
                self.broken = True  # the client has ended; what it said is read elsewhere
        try:
            self._stream.close()
        except OSError:
            self.broken = True


def _pump(
    editor: _Editor, source: Iterable[bytes], rewriter: Rewriting | None, program: Running
) -> None:
    reader = threading.Thread(target=_discard, args=(program.stdout,), daemon=True)
    reader.start()
    feeder = _Feeder(program.stdin)
    try:
        _feed(editor, source, rewriter, feeder)
        feeder.end()
        reader.join()
    except BaseException:
        # At once and before its input ends: it shall run no half statement, and a client that
        # waits for the server does not listen to SIGTERM.
        program.process.kill()
        feeder.end()
        raise


def _feed(
    editor: _Editor, source: Iterable[bytes], rewriter: Rewriting | None, feeder: _Feeder
) -> None:
    for chunk in source:
        edited = editor.feed(chunk)
        feeder.put(rewriter.feed(edited) if rewriter else edited)
        if feeder.broken:
            return
    rest = editor.finish()
    if rewriter:
        rest = rewriter.feed(rest) + rewriter.finish()
    feeder.put(rest)


def _discard(stream: IO[bytes]) -> None:
    while stream.read(1 << 16):
        continue
