"""Outside programs (mariadb, mariadb-dump, php): which one is there, and running one safely.

Arguments are lists, never a shell. stderr is read to the end, but only its last 8 KiB are kept,
and of those only a cleaned error line is repeated: a failing import prints the whole statement,
which is customers' data.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import IO

from migrator.errors import JobFailure

_TAIL_BYTES = 8 << 10
_SENTENCE_CHARACTERS = 300
_STOP_SECONDS = 5
_CLIENT_ERROR = re.compile(r"ERROR (\d+) \([0-9A-Z]{5}\)")
"""Number and SQLSTATE, as mariadb and mysql print them."""
PIPE_BYTES = 1 << 20
"""Pipes to and from clients are made this large where the system allows it."""


@dataclass(frozen=True, kw_only=True)
class Client:
    """One client program and what it understands."""

    path: str
    mariadb: bool
    options: frozenset[str]
    """Long options from its own --help, without the dashes."""

    def supported(self, *arguments: str) -> list[str]:
        """Return those of the arguments that this program knows."""
        return [item for item in arguments if item[2:].split("=")[0] in self.options]


@cache
def find_client(*names: str) -> Client:
    """Return the first program of these names; raises JobFailure when none is installed."""
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        raise JobFailure(f"None of the programs {', '.join(names)} is installed in this container.")
    text = subprocess.run(
        [path, "--no-defaults", "--help"], capture_output=True, check=False, text=True, timeout=30
    ).stdout
    options = re.findall(r"^(?:\s+(?:-\S, )?--)?([a-z][a-z0-9-]+)", text, re.MULTILINE)
    return Client(path=path, mariadb="MariaDB" in text, options=frozenset(map(str, options)))


def dump_client() -> Client:
    """Return mariadb-dump or mysqldump."""
    return find_client("mariadb-dump", "mysqldump")


def sql_client() -> Client:
    """Return mariadb or mysql."""
    return find_client("mariadb", "mysql")


@dataclass(kw_only=True)
class Running:
    """A program that runs; the exit code is there after `finish`."""

    process: subprocess.Popen[bytes]
    secrets: Sequence[str]
    tail: bytearray = field(default_factory=bytearray)
    reader: threading.Thread | None = None

    @property
    def stdin(self) -> IO[bytes]:
        """Where the program reads."""
        if self.process.stdin is None:
            raise JobFailure("This program was started without a way to feed it.")
        return self.process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """Where the program writes."""
        if self.process.stdout is None:
            raise JobFailure("This program was started without a way to read it.")
        return self.process.stdout

    def finish(self, within_seconds: float | None = None) -> int:
        """Wait for the end of the program and of its stderr; return the exit code.

        Raises TimeoutError when it has not ended in time.
        """
        try:
            code = self.process.wait(within_seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        if self.reader is not None:
            self.reader.join(_STOP_SECONDS)
        return code

    def complaint(self) -> str:
        """Return the last error the program printed: short, one line, without values."""
        return clean(bytes(self.tail), self.secrets)

    def sql_error(self) -> int | None:
        """Return the error number of the database that a client ended with; None: it named none."""
        found = _CLIENT_ERROR.match(self.complaint())
        return int(found[1]) if found else None


@contextmanager
def running(
    arguments: Sequence[str],
    *,
    inherit: Sequence[int] = (),
    secrets: Sequence[str] = (),
    feed: bool = False,
    user: int | None = None,
    environment: dict[str, str] | None = None,
) -> Iterator[Running]:
    """Start a program for the time of a block; whatever happens, it does not outlive the block.

    `user`: the uid and gid it runs as; None: this process' own.
    """
    process = subprocess.Popen(
        list(arguments),
        stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=tuple(inherit),
        env=environment or {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
        process_group=0,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    program = Running(process=process, secrets=secrets)
    try:
        program.reader = threading.Thread(
            target=_keep_tail, args=(process.stderr, program.tail), daemon=True
        )
        program.reader.start()
        yield program
    finally:
        _end(process)
        if program.reader is not None:
            program.reader.join(_STOP_SECONDS)
        for stream in (process.stdin, process.stdout, process.stderr):
            _close(stream)


def drained(stream: IO[bytes], limit: int) -> tuple[threading.Thread, bytearray]:
    """Read a stream to its end in the background, keeping the first `limit` bytes."""
    kept = bytearray()

    def read() -> None:
        while block := stream.read(1 << 16):
            kept.extend(block[: limit - len(kept)])

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread, kept


def clean(stderr: bytes, secrets: Sequence[str] = ()) -> str:
    """Make one safe line of what a program printed.

    The last line that begins as a client's own error does (those around it may be a statement's),
    else the last that holds "error" (others), else the last. Texts in quotes are cut out unless
    they name a table, column or the like; so are secrets.
    """
    lines = [
        line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()
    ]
    named = [line for line in lines if _CLIENT_ERROR.match(line)]
    errors = [line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE)]
    text = (named or errors or lines or ["it printed nothing"])[-1]
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    text = re.sub(r"\bnear '.*", "near '...'", text)
    text = re.sub(r"(\w+)(:? )'[^']*'", _without_value, text)
    text = "".join(character if character.isprintable() else " " for character in text)
    return text[:_SENTENCE_CHARACTERS]


_NAMES = frozenset({"table", "column", "key", "view", "function", "procedure", "database"})


def _without_value(found: re.Match[str]) -> str:
    return found[0] if found[1].lower() in _NAMES else f"{found[1]}{found[2]}'...'"


# --- private -------------------------------------------------------------------------------


def _keep_tail(stream: IO[bytes], tail: bytearray) -> None:
    read: Callable[[int], bytes] = stream.read1 if hasattr(stream, "read1") else stream.read
    try:
        while block := read(1 << 16):
            tail.extend(block)
            del tail[:-_TAIL_BYTES]
    except ValueError:
        return  # the stream was closed because the program had to be ended


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _close(stream: IO[bytes] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except OSError:
        return  # a broken pipe: the program is gone and took no more
