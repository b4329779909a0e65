"""Starts processes in sessions of their own, remembers them in files, and ends exactly those.

A record holds the pid together with the kernel's start time of the process, so that a pid which
was given to somebody else in the meantime is never signalled.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

GRACE_SECONDS = 5.0
MARKER = "SITEFLEET_LOCAL_HOME"
"""Environment variable of every started process: which home it belongs to."""
_SESSION_FIELD = 3
_STARTTIME_FIELD = 19
"""Index of `starttime` in /proc/PID/stat, counted after the command's closing bracket."""


@dataclass(frozen=True, kw_only=True)
class ProcessRecord:
    """One started process, leader of its own session."""

    name: str
    pid: int
    started_ticks: int
    log: str

    @property
    def alive(self) -> bool:
        """Tell whether this very process still runs."""
        return start_ticks(self.pid) == self.started_ticks


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to start."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    user: tuple[int, int] | None = None
    """uid and gid to run as; only root may set it."""
    pass_descriptors: tuple[int, ...] = field(default=())


class Processes:
    """The processes of one home."""

    def __init__(self, records: Path, logs: Path) -> None:
        self._records = records
        self._logs = logs
        self._marker = f"{MARKER}={records}"
        self._started: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, command: Command) -> tuple[subprocess.Popen[bytes], ProcessRecord]:
        """Start a command in a new session, its output appended to its log."""
        log = self.log(command.name)
        user, group = command.user or (None, None)
        with log.open("ab") as output:
            process = subprocess.Popen(
                list(command.arguments),
                cwd=command.directory,
                env=self.marked(command.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,
                group=group,
                extra_groups=[] if command.user else None,
                pass_fds=command.pass_descriptors,
            )
        self._started[process.pid] = process
        return process, self.record(command.name, process.pid, log)

    def log(self, name: str) -> Path:
        """Return where a process writes."""
        return self._logs / f"{name}.log"

    def marked(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return a process's environment with what tells whose it is."""
        return {**environment, MARKER: str(self._records)}

    def record(self, name: str, pid: int, log: Path) -> ProcessRecord:
        """Remember a process that has just been started, leader of its own session."""
        record = ProcessRecord(
            name=name, pid=pid, started_ticks=start_ticks(pid) or 0, log=str(log)
        )
        self._file(name).write_text(json.dumps(asdict(record)))
        return record

    def forget(self, name: str) -> None:
        """Remove the record of a process that has ended."""
        self._file(name).unlink(missing_ok=True)

    def all(self) -> list[ProcessRecord]:
        """Return every recorded process, running or not."""
        found = []
        for path in sorted(self._records.glob("*.json")):
            with contextlib.suppress(OSError, ValueError, TypeError):
                found.append(ProcessRecord(**json.loads(path.read_text())))
        return found

    def stop(self, records: Iterable[ProcessRecord]) -> list[ProcessRecord]:
        """End the sessions of these records together; return those that were running."""
        members = {record: self._members(record) for record in records}
        _signal_all(members.values(), signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while any(map(self._members, members)) and time.monotonic() < deadline:
            time.sleep(0.02)
        _signal_all(map(self._members, members), signal.SIGKILL)
        for record in members:
            self.forget(record.name)
            if own := self._started.pop(record.pid, None):
                own.wait()
        return [record for record, pids in members.items() if pids]

    def _members(self, record: ProcessRecord) -> list[int]:
        """Return the living processes of a session: workers may outlive their leader."""
        return [
            pid
            for pid in _all_pids()
            if (pid == record.pid and record.alive)
            or (_session_of(pid) == record.pid and (record.alive or self._is_ours(pid)))
        ]

    def _is_ours(self, pid: int) -> bool:
        try:
            return self._marker.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return False

    def _file(self, name: str) -> Path:
        return self._records / f"{name}.json"


def start_ticks(pid: int) -> int | None:
    """Return the kernel's start time of a process; None when it is gone or a zombie."""
    fields = _stat(pid)
    return None if fields is None else int(fields[_STARTTIME_FIELD])


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal a whole process group; one that is gone is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def end_session(leader: int) -> None:
    """Kill what a process has left: the end of a container ends everything in it."""
    deadline = time.monotonic() + GRACE_SECONDS
    while left := [pid for pid in _all_pids() if _session_of(pid) == leader]:
        _signal_all([left], signal.SIGKILL)
        if time.monotonic() >= deadline:
            return
        time.sleep(0.005)


def _stat(pid: int) -> list[str] | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else fields


def _session_of(pid: int) -> int | None:
    fields = _stat(pid)
    return None if fields is None else int(fields[_SESSION_FIELD])


def _all_pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _signal_all(groups: Iterable[list[int]], number: signal.Signals) -> None:
    for pid in itertools.chain.from_iterable(groups):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
