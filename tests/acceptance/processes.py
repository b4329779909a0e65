"""Finds and kills processes of one machine, by what /proc says about them."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.fleet_client import eventually

MOST_SECONDS = 60
"""How long a worker is waited for that has something in hand."""


@dataclass(frozen=True)
class Process:
    """A living process."""

    pid: int
    command: str

    def kill(self) -> bool:
        """End it as a power cut would; tell whether it was still there."""
        return self._signal(signal.SIGKILL)

    def freeze(self) -> bool:
        """Let it stand still as a machine without CPU would; tell whether it was still there."""
        return self._signal(signal.SIGSTOP)

    def thaw(self) -> bool:
        """Let it go on; tell whether it was still there."""
        return self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> bool:
        try:
            os.kill(self.pid, number)
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
        found = eventually(lambda: self._jobs(name), f"a job {name}", pause_seconds=0.02)
        job = self._recorded(found[0])
        time.sleep(after)
        return found[0].stem if job is not None and job.kill() else ""

    def freeze_job(self, operation_id: str, step: str) -> Process:
        """Let the migrator that works on a step stand still from its beginning; return it."""
        name = f"job-*-{operation_id}-{step}-*.json"
        found = eventually(lambda: self._jobs(name), f"a job {name}", pause_seconds=0.005)
        job = self._recorded(found[0])
        assert job is not None
        assert job.freeze(), f"{name} was over too soon."
        return job

    def kill_jobs(self, operation_id: str, step: str, *, until: Callable[[], object]) -> list[str]:
        """Kill every attempt at a step's job as it begins, until something is so; say which."""
        killed: set[str] = set()
        while not until():
            for record in self._jobs(f"job-*-{operation_id}-{step}-*.json"):
                job = self._recorded(record)
                if record.stem not in killed and job is not None and job.kill():
                    killed.add(record.stem)
            time.sleep(0.01)
        return sorted(killed)

    def _jobs(self, name: str) -> list[Path]:
        return sorted(self._records.glob(name))

    @staticmethod
    def _recorded(record: Path) -> Process | None:
        try:
            return Process(pid=json.loads(record.read_text())["pid"], command="")
        except (FileNotFoundError, ValueError):
            return None

    def kill_workers(self, function: str, *, seconds: float) -> int:
        """Kill every worker of a function for a while, and until one died with a message in hand.

        Returns how many messages have lost their worker: none, if that took too long.
        """
        began, before = time.monotonic(), self._orphaned(function)
        while (passed := time.monotonic() - began) < seconds or (
            passed < MOST_SECONDS and self._orphaned(function) == before
        ):
            for worker in self.find(f"ministack-lambda-{function}-", "_worker"):
                worker.kill()
            time.sleep(0.05)
        return self._orphaned(function) - before

    def _orphaned(self, function: str) -> int:
        """Count the messages whose worker died, as Lambda tells it."""
        log = (self._records.parent / "logs" / "emulator.log").read_text()
        told = f"Lambda {function} failed processing SQS batch"
        return sum(told in line and "Worker process" in line for line in log.splitlines())

    def data_directory(self) -> Path:
        """Return where the runtime keeps databases and site files: above TMPDIR."""
        emulator = self.find("local.emulator_program")[0]
        for variable in Path(f"/proc/{emulator.pid}/environ").read_bytes().split(b"\0"):
            name, _, value = variable.decode().partition("=")
            if name == "TMPDIR":
                return Path(value).parent
        raise AssertionError("The emulator has no TMPDIR.")
