"""Private servers of these tests: MariaDB with TLS, the emulator, PHP; each a real process."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
ROOT = Path(__file__).resolve().parents[2]
ADMIN_PASSWORD = "adm\"in'#\\ pass$word"  # every character that option files and SQL stumble over


@dataclass(frozen=True, kw_only=True)
class Database:
    """A private MariaDB on 127.0.0.1, TLS offered with a certificate for that address."""

    folder: Path
    port: int
    ca: Path
    foreign_ca: Path

    def root(self, schema: str | None = None) -> pymysql.connections.Connection:
        return pymysql.connect(
            unix_socket=str(self.folder / "s"), user="root", database=schema, autocommit=True,
            charset="utf8mb4", ssl_disabled=True,
        )  # fmt: skip

    def run(self, *statements: str, schema: str | None = None) -> list[tuple[Any, ...]]:
        connection = self.root(schema)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def schemas(self) -> set[str]:
        return {row[0] for row in self.run("SHOW DATABASES")}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def knock(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        pass


def require(*programs: str) -> None:
    missing = [name for name in programs if shutil.which(name) is None]
    assert not missing, f"these tests need {', '.join(missing)}; install them (no skip)"


@contextmanager
def mariadb(*options: str) -> Iterator[Database]:
    require("mariadbd", "mariadb-install-db", "mariadb-dump", "mariadb", "openssl")
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=base, prefix="migrator-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        certificates(folder)
        user = ["--user=mysql"] if os.geteuid() == 0 else []
        # Not the tests' common one: a server that starts deletes others' temporary tables there.
        (folder / "tmp").mkdir()
        if user:
            shutil.chown(folder, "mysql")
            shutil.chown(folder / "tmp", "mysql")
        common = ["--no-defaults", *user, f"--datadir={folder}/data", f"--tmpdir={folder}/tmp"]
        subprocess.run(
            ["mariadb-install-db", *common, "--auth-root-authentication-method=normal",
             "--skip-test-db", "--skip-name-resolve"],
            check=True, capture_output=True,
        )  # fmt: skip
        database = Database(
            folder=folder, port=free_port(), ca=folder / "ca.pem", foreign_ca=folder / "other.pem"
        )
        with background(
            ["mariadbd", *common, f"--socket={folder}/s", f"--pid-file={folder}/pid",
             f"--port={database.port}", "--bind-address=127.0.0.1", "--skip-name-resolve",
             "--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=0",
             "--innodb-doublewrite=0", f"--ssl-ca={folder}/ca.pem", f"--ssl-cert={folder}/srv.pem",
             f"--ssl-key={folder}/srv.key", *options],
            log=folder / "log",
        ):  # fmt: skip
            wait_for((folder / "s").stat, folder / "log")
            connection = database.root()
            with connection.cursor() as cursor:
                cursor.execute("CREATE USER adm@'%%' IDENTIFIED BY %s", (ADMIN_PASSWORD,))
                cursor.execute("GRANT ALL ON *.* TO adm@'%' WITH GRANT OPTION")
            connection.close()
            yield database


@contextmanager
def emulator() -> Iterator[str]:
    """The emulator of AWS, for jobs that run as processes of their own; its endpoint."""
    program = ROOT / ".venv-emulator" / "bin" / "ministack"
    assert program.exists(), "the emulator's environment is missing; make it (no skip)"
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "PATH": "/usr/bin:/bin", "HOME": home, "TMPDIR": home, "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port), "SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0",
            "DOCKER_HOST": "unix:///nonexistent.sock", "MINISTACK_REGION": "af-south-1",
        }  # fmt: skip
        log = Path(home) / "log"
        with background([str(program)], log=log, environment=environment):
            wait_for(lambda: knock(port), log)
            yield f"http://127.0.0.1:{port}"


@contextmanager
def background(
    arguments: list[str], *, log: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments, stdout=output, stderr=output, env=environment, start_new_session=True
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(probe: Callable[[], object], log: Path, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while (failure := _failure(probe)) is not None:
        assert time.monotonic() < end, f"{failure}; {log.read_text()[-2000:]}"
        time.sleep(0.05)


def _failure(probe: Callable[[], object]) -> Exception | None:
    try:
        probe()
    except (OSError, pymysql.MySQLError) as error:
        return error
    return None


def certificates(folder: Path) -> None:
    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    for name in ("ca", "other"):
        openssl("req", "-x509", *KEY, "-days", "2", "-keyout",
                f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN=test {name}")  # fmt: skip
    openssl("req", *KEY, "-keyout", "srv.key", "-out", "srv.csr",
            "-subj", "/CN=localhost")  # fmt: skip
    (folder / "names").write_text("subjectAltName=DNS:localhost,DNS:shop.test,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "srv.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "srv.pem")  # fmt: skip
    for path in folder.iterdir():
        path.chmod(0o644)
