"""The emulator as a process of the test run: once, on a free loopback port, stopped by its pid."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PROGRAM = CHECKOUT / ".venv-emulator" / "bin" / "ministack"
OF_THE_MACHINE = (str(PROGRAM.with_name("python")), "-P", "-m", "local.emulator_program")
START_SECONDS = 30


@contextmanager
def running_emulator(*, enforce_iam: bool = False, of_the_machine: bool = False) -> Iterator[str]:
    """Yield its endpoint; a missing program is an error, never a skip.

    `of_the_machine`: completed and spared, as the one-machine runtime starts it.
    """
    if not PROGRAM.exists():
        raise RuntimeError(f"{PROGRAM} is missing. Run `make setup` in the checkout.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen(
            OF_THE_MACHINE if of_the_machine else [str(PROGRAM)],
            env={
                **({"PYTHONPATH": str(CHECKOUT)} if of_the_machine else {}),
                "PATH": "/usr/bin:/bin",
                "HOME": home,
                "TMPDIR": home,
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(port),
                "MINISTACK_REGION": "af-south-1",
                "SFTP_ENABLED": "0",
                "IOT_MTLS_ENABLED": "0",
                "DOCKER_HOST": "unix:///nonexistent.sock",
                "AUTH": str(enforce_iam).lower(),
            },
            cwd=home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_for(endpoint)
            yield endpoint
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(endpoint: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"The emulator did not answer at {endpoint} within {START_SECONDS} s.")
