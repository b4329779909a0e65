"""Finds and kills processes of one machine, by what /proc says about them."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.fleet_client import eventually


@dataclass(frozen=True)
class Process:
    """A living process."""

    pid: int
    command: str

    def kill(self) -> bool:
        """End it as a power cut would; tell whether it was still there."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True


class Processes:
    """The processes that belong to one home of the runtime."""

    def __init__(self, home: Path) -> None:
        self._home = str(home).encode()
        self._records = home / "local" / "processes"

    def find(self, *parts: str) -> list[Process]:
        """Return our processes whose command line holds all these parts."""
        found = []
        for directory in Path("/proc").glob("[0-9]*"):
            try:
                command = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                ours = self._home in (directory / "environ").read_bytes()
            except (OSError, UnicodeDecodeError):
                continue
            if ours and all(part in command for part in parts):
                found.append(Process(pid=int(directory.name), command=command))
        return found

    def kill_job(self, operation_id: str, step: str, *, after: float) -> str:
        """Kill the migrator that works on a step, a moment after it was started; say which.

        Jobs are forks of one process, so /proc calls them all the same: the runtime's records
        name them.
        """
        name = f"job-*-{operation_id}-{step}-*.json"
        found = eventually(
            lambda: sorted(self._records.glob(name)), f"a job {name}", pause_seconds=0.02
        )
        record = json.loads(found[0].read_text())
        time.sleep(after)
        return found[0].stem if Process(pid=record["pid"], command="").kill() else ""

    def kill_workers(self, function: str, *, seconds: float) -> int:
        """Kill every worker process of a function, again and again for a while."""
        killed, deadline = 0, time.monotonic() + seconds
        while time.monotonic() < deadline:
            killed += sum(p.kill() for p in self.find(f"ministack-lambda-{function}-", "_worker"))
            time.sleep(0.05)
        return killed

    def data_directory(self) -> Path:
        """Return where the runtime keeps databases and site files: above TMPDIR."""
        emulator = self.find("local.emulator_program")[0]
        for variable in Path(f"/proc/{emulator.pid}/environ").read_bytes().split(b"\0"):
            name, _, value = variable.decode().partition("=")
            if name == "TMPDIR":
                return Path(value).parent
        raise AssertionError("The emulator has no TMPDIR.")
