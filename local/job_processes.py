"""Starts jobs as forks of one process that has already loaded their program.

Loading Python's modules takes longer than most jobs of one machine's small sites. ECS pulls an
image in that time; here the standard library's fork server has done it once. Each job is still a
process of its own, in a session of its own, with its own environment and log.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from local import container
from local.processes import Command, Processes, ProcessRecord

SUPERVISOR = "local.daemon"
"""Each fork imports its starter's main module; then it is there already."""


class JobProcesses:
    """The jobs of one module."""

    def __init__(self, processes: Processes, module: str) -> None:
        self._processes = processes
        self._module = module
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([_main_of(module), SUPERVISOR, __name__])

    def start(self, command: Command) -> tuple[BaseProcess, ProcessRecord]:
        """Start a job; the command's arguments are the module's."""
        log = self._processes.log(command.name)
        arguments = [self._module, *command.arguments]
        job = self._context.Process(
            target=_run,
            args=(arguments, self._processes.marked(command.environment), command.directory, log),
        )
        job.start()
        return job, self._processes.record(command.name, job.pid or 0, log)


def _run(
    arguments: Sequence[str], environment: Mapping[str, str], directory: Path, log: Path
) -> None:
    """Become the job: nothing of the process that was forked may be left to it."""
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["local.container", *arguments]
    container.main()


def _main_of(module: str) -> str:
    """Return the module that `python -m` runs."""
    spec = importlib.util.find_spec(module)
    is_package = spec is not None and spec.submodule_search_locations is not None
    return f"{module}.__main__" if is_package else module
