"""Breaks the machine under a running fleet: kill -9, a standstill, a database that restarts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.chaos_plan import Blow
from tests.acceptance.processes import Process, Processes

STANDSTILL_SECONDS = 4
KILLS_OF_A_STEP = 2
"""A job is started anew so many times and more (policy: max_job_attempts); a step whose every
attempt is killed is meant to fail."""
DOWN_SECONDS = 30


@dataclass
class Hand:
    """Strikes until it is told to stop; counts what it hit."""

    home: Path
    plan: Iterator[Blow]
    struck: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    over: dict[str, float] = field(default_factory=dict)
    """When the last blow of each kind was over (monotonic seconds)."""
    _stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._processes = Processes(self.home)
        self._records = self.home / "local" / "processes"
        self._thread = threading.Thread(target=self._strike, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let the last blow be over."""
        self._stopping.set()
        self._thread.join(2 * DOWN_SECONDS)

    def _strike(self) -> None:
        blows = {
            "worker": self._kill_a_worker,
            "job": self._kill_a_job,
            "emulator": self._pause_the_emulator,
            "mariadb": self._restart_a_database,
        }
        for blow in self.plan:
            if self._stopping.wait(blow.after):
                return
            hit = blows[blow.kind](blow.chance)
            (self.struck if hit else self.missed)[blow.kind] += 1
            if hit:
                self.over[blow.kind] = time.monotonic()

    def struck_since(self, moment: float, kinds: tuple[str, ...]) -> bool:
        """Return whether a blow of one of these kinds ended after a moment (monotonic seconds)."""
        return any(self.over.get(kind, -1.0) >= moment for kind in kinds)

    # --- the blows --------------------------------------------------------------------------

    def _kill_a_worker(self, chance: float) -> bool:
        """End a process of a function, in the middle of whatever it does."""
        workers = self._processes.find("ministack-lambda-", "_worker", "bbws-async-processor")
        return bool(workers) and _one(sorted(workers, key=lambda w: w.pid), chance).kill()

    def _kill_a_job(self, chance: float) -> bool:
        """End a container job, unless its step has lost as many as it may."""
        living = [p for p in sorted(self._records.glob("job-*.json")) if self._may_kill(p)]
        if not living:
            return False
        record = _one(living, chance)
        job = _recorded(record)
        if job is None or not job.kill():
            return False
        self.steps[_step(record)] += 1
        return True

    def _may_kill(self, record: Path) -> bool:
        job = _recorded(record)
        lives = job is not None and Path(f"/proc/{job.pid}").exists()
        return lives and self.steps[_step(record)] < KILLS_OF_A_STEP

    def _pause_the_emulator(self, _chance: float) -> bool:
        """Let every service of AWS stand still for a while."""
        [emulator, *_] = self._processes.find("local.emulator_program")
        if not emulator.freeze():
            return False
        time.sleep(STANDSTILL_SECONDS)
        return emulator.thaw()

    def _restart_a_database(self, chance: float) -> bool:
        """Restart a database server as an operator, or a failover, does."""
        servers = sorted(self._records.glob("mariadb-*.json"))
        record = _one([s for s in servers if "prod" not in s.stem], chance)
        server = _recorded(record)
        if server is None:
            return False
        command = _cmdline(server.pid)
        environment, directory = _environ(server.pid), Path(f"/proc/{server.pid}/cwd").readlink()
        os.kill(server.pid, signal.SIGTERM)
        deadline = time.monotonic() + DOWN_SECONDS
        while Path(f"/proc/{server.pid}/stat").exists() and time.monotonic() < deadline:
            if Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                break
            time.sleep(0.05)
        told = json.loads(record.read_text())
        with Path(told["log"]).open("ab") as log:
            started = subprocess.Popen(
                command,
                env=environment,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        ticks = Path(f"/proc/{started.pid}/stat").read_text().rpartition(")")[2].split()[19]
        record.write_text(json.dumps({**told, "pid": started.pid, "started_ticks": int(ticks)}))
        return True


def _one[Victim](victims: list[Victim], chance: float) -> Victim:
    return victims[int(chance * len(victims))]


def _step(record: Path) -> str:
    """Return a job's name without its attempt and its task."""
    return "-".join(record.stem.split("-")[:-2])


def _recorded(record: Path) -> Process | None:
    try:
        return Process(pid=json.loads(record.read_text())["pid"], command=record.stem)
    except (FileNotFoundError, ValueError):
        return None


def _cmdline(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().rstrip("\0").split("\0")


def _environ(pid: int) -> dict[str, str]:
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().rstrip("\0").split("\0")
    return dict(entry.split("=", 1) for entry in entries)
