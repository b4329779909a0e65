"""Connections to MySQL and MariaDB: credentials from Secrets Manager, TLS verified.

A password is in three places only: the secret, the memory of this process, and an anonymous
in-memory file that a client program inherits as a descriptor. It is never an argument, never in
the environment, never in a file with a name, never in a log line or an error.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pymysql
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pymysql.cursors import Cursor

from migrator.errors import PASSING_SQL_ERRORS, JobFailure, Refusal

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from migrator.configuration import DatabaseTls

type Connection = pymysql.connections.Connection[Cursor]

_CONNECT_TIMEOUT_SECONDS = 15
_PACKET_BYTES = 1 << 30
"""The largest packet MySQL allows: one row of a dump may be that long."""


class Credentials(BaseModel):
    """A secret's content; `repr` and errors hide the password."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    host: str = Field(pattern=r"^[A-Za-z0-9_.:-]{1,255}$")
    port: int = Field(default=3306, ge=1, le=65535)
    username: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,80}$")
    password: SecretStr


class Databases:
    """Opens connections by the name of a secret."""

    def __init__(self, secrets: SecretsManagerClient, tls: DatabaseTls) -> None:
        self._secrets = secrets
        self.tls = tls

    def credentials(self, secret_id: str) -> Credentials:
        """Return what a secret holds; raises JobFailure without repeating any of it."""
        try:
            return Credentials.model_validate(read_secret(self._secrets, secret_id))
        except ValidationError as error:
            fields = ", ".join(sorted({str(item["loc"][0]) for item in error.errors()}))
            raise JobFailure(
                f"The secret {secret_id} is not a database secret: wrong or missing {fields}. "
                "It has to be JSON with host, port, username and password."
            ) from None

    @contextmanager
    def connect(self, credentials: Credentials, schema: str | None = None) -> Iterator[Connection]:
        """Open a connection for the time of a block; autocommit, utf8mb4."""
        connection = self._open(credentials, schema)
        try:
            yield connection
        finally:
            if connection.open:
                connection.close()

    def _open(self, credentials: Credentials, schema: str | None) -> Connection:
        try:
            return pymysql.connect(
                host=credentials.host,
                port=credentials.port,
                user=credentials.username,
                password=credentials.password.get_secret_value(),
                database=schema,
                charset="utf8mb4",
                autocommit=True,
                connect_timeout=_CONNECT_TIMEOUT_SECONDS,
                **self._tls_arguments(),
            )
        except pymysql.MySQLError as error:
            number = error.args[0] if error.args else "?"
            raise JobFailure(
                f"The database {credentials.host}:{credentials.port} did not accept "
                f"{credentials.username} (error {number}{_hint(error)}). Check the secret, the "
                "security groups and MIGRATOR_DATABASE_CA.",
                retryable=number in PASSING_SQL_ERRORS and "certificate" not in str(error).lower(),
            ) from None

    def _tls_arguments(self) -> dict[str, Any]:
        if not self.tls.verify:
            return {"ssl_disabled": True}
        return {"ssl_ca": str(self.tls.ca), "ssl_verify_cert": True, "ssl_verify_identity": True}


def _hint(error: pymysql.MySQLError) -> str:
    return ": its certificate was refused" if "certificate" in str(error).lower() else ""


def read_secret(secrets: SecretsManagerClient, secret_id: str) -> dict[str, Any]:
    """Return a secret's JSON object; raises JobFailure that names the secret and nothing else."""
    try:
        text = secrets.get_secret_value(SecretId=secret_id)["SecretString"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise JobFailure(
            f"The secret {secret_id} cannot be read ({code}). It has to exist in this account and "
            "the task's role needs secretsmanager:GetSecretValue on it.",
            retryable=code in {"ThrottlingException", "InternalServiceError"},
        ) from None
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise JobFailure(f"The secret {secret_id} is no JSON object. Write it again.")
    return value


# --- client programs -----------------------------------------------------------------------


@contextmanager
def option_file(credentials: Credentials, tls: DatabaseTls, *, mariadb: bool) -> Iterator[int]:
    """Yield the descriptor of an in-memory option file; pass it on and name it /dev/fd/<n>.

    It has no name in any file system and vanishes with the processes that hold it, so that a
    killed job leaves no password behind. Mode 0600: the clients ignore anything wider.
    """
    lines = [
        "[client]",
        "protocol=tcp",
        f"host={_quoted(credentials.host)}",
        f"port={credentials.port}",
        f"user={_quoted(credentials.username)}",
        f"password={_quoted(credentials.password.get_secret_value())}",
        f"max-allowed-packet={_PACKET_BYTES}",
        *_tls_lines(tls, mariadb=mariadb),
    ]
    descriptor = os.memfd_create("client-options")
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, ("\n".join(lines) + "\n").encode())
        yield descriptor
    finally:
        os.close(descriptor)


def _tls_lines(tls: DatabaseTls, *, mariadb: bool) -> list[str]:
    if not tls.verify:
        return ["skip-ssl"] if mariadb else ["ssl-mode=DISABLED"]
    mode = "ssl-verify-server-cert" if mariadb else "ssl-mode=VERIFY_IDENTITY"
    return [f"ssl-ca={_quoted(str(tls.ca))}", mode]


def _quoted(value: str) -> str:
    """Quote for an option file: backslash escapes work inside double quotes."""
    if "\x00" in value:
        raise Refusal("A credential holds a NUL character, which no client can read. Change it.")
    text = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{text}"'


# --- SQL -----------------------------------------------------------------------------------

_IDENTIFIER = re.compile(r"[A-Za-z0-9_$.-]{1,64}")


def quoted(identifier: str) -> str:
    """Return an identifier in backticks; raises Refusal for one that no site of ours has."""
    if not _IDENTIFIER.fullmatch(identifier):
        raise Refusal(f"{identifier[:80]!r} is no name of a schema, table or column of a site.")
    return f"`{identifier}`"


def rows(connection: Connection, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Run a statement and return all rows (for small answers)."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return list(cursor.fetchall())


def base_tables(connection: Connection, schema: str) -> list[str]:
    """Return the tables (no views) of a schema, by name."""
    statement = (
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_schema = %s AND table_type = 'BASE TABLE' ORDER BY table_name"
    )
    return [str(row[0]) for row in rows(connection, statement, schema)]


def count_rows(connection: Connection, schema: str) -> dict[str, int]:
    """Return the exact number of rows of each table, by COUNT(*), in one consistent snapshot."""
    tables = base_tables(connection, schema)
    rows(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    rows(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
    try:
        return {
            table: int(
                rows(connection, f"SELECT COUNT(*) FROM {quoted(schema)}.{quoted(table)}")[0][0]  # noqa: S608 - quoted
            )
            for table in tables
        }
    finally:
        rows(connection, "COMMIT")


def size_bytes(connection: Connection, schema: str) -> int:
    """Return what a schema's tables and indexes take, by the server's own statistics."""
    statement = (
        "SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables "
        "WHERE table_schema = %s"
    )
    return int(rows(connection, statement, schema)[0][0])
