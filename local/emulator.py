"""MiniStack: the AWS APIs of all three accounts in one process of its own environment."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from local.container import NAMES_VARIABLE
from local.decision_log import LOG_VARIABLE, WITHOUT_VARIABLE
from local.errors import LocalError
from local.layout import CHECKOUT, Layout
from local.network import LOOPBACK, wait_for
from local.processes import Command, Processes

REGION: Final = "af-south-1"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
START_SECONDS = 20
ON_DEMAND = (LOG_VARIABLE, WITHOUT_VARIABLE)
"""Variables of the caller that reach the emulator: a log of its decisions."""


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """Where the emulator's program is and which port it gets."""

    program: Path
    port: int
    https_port: int
    """Where local/https_front.py answers for it under the names of AWS."""
    https_names: tuple[str, ...]

    @property
    def endpoint(self) -> str:
        """Return the URL that every AWS SDK is pointed at."""
        return f"http://{LOOPBACK}:{self.port}"

    def command(self, layout: Layout) -> Command:
        """Return how to start it: nothing of the caller's environment reaches the functions."""
        return Command(
            name="emulator",
            arguments=[
                str(self.program.with_name("python")),
                *("-P", "-m", "local.emulator_program"),
            ],
            directory=layout.home,
            environment={
                "PATH": SYSTEM_PATH,
                "HOME": str(layout.home),
                "TMPDIR": str(layout.temporary),
                "BIND_HOST": LOOPBACK,
                "MINISTACK_HOST": LOOPBACK,
                "GATEWAY_PORT": str(self.port),
                "AUTH": "true",
                "PYTHONPATH": str(CHECKOUT),  # for local/emulator_program.py, which takes it away
                "MINISTACK_REGION": REGION,
                "SFTP_ENABLED": "0",
                "IOT_MTLS_ENABLED": "0",
                "DOCKER_HOST": "unix:///nonexistent.sock",
                # For the functions' processes, which inherit this environment:
                "SSL_CERT_FILE": str(layout.authority),
                NAMES_VARIABLE: ",".join(f"{name}={self.https_port}" for name in self.https_names),
                "S3_DATA_DIR": str(layout.data / "s3"),
                "LAMBDA_WARM_TTL_SECONDS": "60",
                "PYTHONUNBUFFERED": "1",
                **{name: os.environ[name] for name in ON_DEMAND if name in os.environ},
            },
        )

    def start(self, layout: Layout, processes: Processes) -> None:
        """Start it and wait until it answers."""
        process, record = processes.start(self.command(layout))
        wait_for(lambda: process.poll() is not None or self.healthy(), seconds=START_SECONDS)
        if not self.healthy():
            raise LocalError(
                f"The emulator did not answer within {START_SECONDS} s. Its log is {record.log}."
            )

    def healthy(self) -> bool:
        """Tell whether it answers its health check."""
        try:
            url = f"{self.endpoint}/_ministack/health"
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  (loopback)
                return bool(answer.status == HTTPStatus.OK)
        except (urllib.error.URLError, OSError):
            return False


def find_program() -> Path:
    """Return MiniStack's program in the environment that `make` builds for it."""
    program = CHECKOUT / ".venv-emulator" / "bin" / "ministack"
    if not program.exists():
        raise LocalError(
            f"MiniStack is not installed: {program} is missing. "
            "Run `make setup` in the checkout: it builds the emulator's own environment."
        )
    return program
