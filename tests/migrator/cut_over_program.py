"""Runs one cut-over as its task would, with a pointer that is a file, and dies where it is told.

Arguments: job, pointer file, where to die (a pattern of a statement, `before the move`, `after the
move` or `nowhere`), and at which occurrence.
"""

import os
import re
import signal
import sys
from pathlib import Path

from pymysql.cursors import Cursor

from migrator import logs
from migrator.clock import SystemClock
from migrator.configuration import Configuration
from migrator.run import run_job
from migrator.services import Services


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class FilePointer:
    """The pointer of the site; the customers of the test read the same file."""

    def __init__(self, path: Path, where: str) -> None:
        self._path, self._where = path, where

    def target(self, _rule: str) -> str:
        return self._path.read_text()

    def move(self, _rule: str, target_group_arn: str) -> None:
        if self._where == "before the move":
            die()
        beside = self._path.with_suffix(".new")
        beside.write_text(target_group_arn)
        beside.replace(self._path)
        if self._where == "after the move":
            die()


def die_at(pattern: str, occurrence: int) -> None:
    """Kill this process when the statement is about to be sent."""
    real, seen = Cursor.execute, []

    def execute(self: Cursor, query: str, args: object = None) -> int:
        if re.search(pattern, query):
            seen.append(query)
            if len(seen) == occurrence:
                die()
        return real(self, query, args)

    Cursor.execute = execute


def main(location: str, pointer: str, where: str, occurrence: str) -> int:
    logs.configure()
    logs.bind_command("cut-over")
    die_at(where, int(occurrence))
    services = Services(Configuration.from_environ(os.environ), SystemClock())
    services.pointer = FilePointer(Path(pointer), where)
    return run_job(services, location)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
