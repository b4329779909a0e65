"""Private MariaDB servers, one per environment: the Aurora clusters of the three accounts.

The system's own database service is never touched: every command starts with --no-defaults and
works in a directory of its own.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local.emulator import SYSTEM_PATH
from local.errors import LocalError
from local.layout import Layout
from local.network import LOOPBACK, wait_for
from local.processes import Command, Processes

ADMINISTRATOR = "fleet_admin"
START_SECONDS = 20
_LOG_FILE_SIZE = "--innodb-log-file-size=32M"


@dataclass(frozen=True, kw_only=True)
class DatabaseServer:
    """One environment's database server."""

    environment: str
    port: int
    password: str

    @property
    def endpoint(self) -> str:
        """Return host:port, as the stack's parameter wants it."""
        return f"{LOOPBACK}:{self.port}"

    def command(self, layout: Layout) -> Command:
        """Return how to start it: TLS demanded on every TCP connection."""
        home = layout.database(self.environment)
        certificates = layout.certificates
        return Command(
            name=f"mariadb-{self.environment}",
            arguments=[
                "mariadbd",
                "--no-defaults",
                *_user_option(),
                f"--datadir={home / 'data'}",
                f"--socket={home / 's'}",
                f"--pid-file={home / 'pid'}",
                f"--tmpdir={home / 'tmp'}",
                f"--bind-address={LOOPBACK}",
                f"--port={self.port}",
                f"--ssl-ca={certificates / 'ca.pem'}",
                f"--ssl-cert={certificates / 'server.pem'}",
                f"--ssl-key={home / 'server.key'}",
                "--require-secure-transport=ON",
                "--skip-name-resolve",
                "--character-set-server=utf8mb4",
                "--max-allowed-packet=64M",
                "--max-connections=300",
                "--innodb-flush-log-at-trx-commit=0",
                "--performance-schema=OFF",
                _LOG_FILE_SIZE,
            ],
            environment={"PATH": SYSTEM_PATH},
            directory=home,
        )

    def start(self, layout: Layout, processes: Processes) -> None:
        """Start on a copy of the template, wait for it, and make the administrator.

        Temporary tables have a folder of their own: a server that starts empties its `tmpdir`, and
        another one that loses a table there dies of it.
        """
        home = layout.database(self.environment)
        shutil.rmtree(home, ignore_errors=True)
        (home / "tmp").mkdir(parents=True)
        _run(["cp", "-a", str(template(layout)), str(home / "data")])
        shutil.copy(layout.certificates / "server.key", home / "server.key")
        _give_to_database_user(home, home / "tmp", home / "server.key")
        process, record = processes.start(self.command(layout))
        socket = home / "s"
        wait_for(lambda: process.poll() is not None or self._ping(socket), seconds=START_SECONDS)
        if not self._ping(socket):
            raise LocalError(
                f"The database of {self.environment} did not start. Its log is {record.log}."
            )
        self._make_administrator(socket)

    def _ping(self, socket: Path) -> bool:
        return (
            socket.exists()
            and subprocess.run(
                ["mariadb-admin", "--no-defaults", f"--socket={socket}", "--user=root", "ping"],
                capture_output=True,
                check=False,
            ).returncode
            == 0
        )

    def _make_administrator(self, socket: Path) -> None:
        statements = (
            f"CREATE USER '{ADMINISTRATOR}'@'%' IDENTIFIED BY '{self.password}' REQUIRE SSL;"
            f"GRANT ALL PRIVILEGES ON *.* TO '{ADMINISTRATOR}'@'%' WITH GRANT OPTION;"
        )
        _run(
            ["mariadb", "--no-defaults", f"--socket={socket}", "--user=root"],
            standard_input=statements,
        )


def new_password() -> str:
    """Return a password that needs no quoting anywhere."""
    return secrets.token_urlsafe(24)


def template(layout: Layout) -> Path:
    """Return the empty data directory that servers are copied from."""
    return layout.cache / "mariadb" / "data"


def ensure_template(layout: Layout) -> None:
    """Make the empty data directory once; later starts copy it."""
    target = template(layout)
    if target.exists():
        return
    workplace = layout.temporary / "mariadb-template"
    shutil.rmtree(workplace, ignore_errors=True)
    workplace.mkdir(parents=True)
    _give_to_database_user(workplace)
    _run(
        [
            "mariadb-install-db",
            "--no-defaults",
            *_user_option(),
            f"--datadir={workplace / 'data'}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            _LOG_FILE_SIZE,
        ]
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    _run(["cp", "-a", str(workplace / "data"), str(partial)])
    partial.rename(target)
    shutil.rmtree(workplace, ignore_errors=True)


def _user_option() -> list[str]:
    """Root must name the user that the server runs as; an ordinary user must not."""
    return ["--user=mysql"] if os.geteuid() == 0 else []


def _give_to_database_user(*paths: Path) -> None:
    if os.geteuid() == 0:
        account = pwd.getpwnam("mysql")
        for path in paths:
            os.chown(path, account.pw_uid, account.pw_gid)


def _run(arguments: list[str], standard_input: str | None = None) -> None:
    finished = subprocess.run(
        arguments, input=standard_input, capture_output=True, text=True, check=False
    )
    if finished.returncode != 0:
        raise LocalError(
            f"{arguments[0]} failed: {(finished.stderr or finished.stdout).strip()[-600:]}"
        )
