"""One machine for the session, and on it every scenario that the selected tests ask for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import approvals as decisions
from tests.acceptance import codes as error_codes
from tests.acceptance import crowds, dead_letters, malformed, scenarios, updates
from tests.acceptance.spans import span
from tests.acceptance.world import World

CHECKOUT = Path(__file__).resolve().parents[2]
LOG_LINES = 20
SCENARIOS = {
    "codes": error_codes.codes,
    "troubles": error_codes.troubles,
    "story": scenarios.story,
    "worker_kills": scenarios.worker_kills,
    "job_kills": scenarios.job_kills,
    "refusals": scenarios.refusals,
    "malformed_messages": malformed.send_all,
    "repeats": scenarios.repeats,
    "clone": scenarios.clone,
    "change": scenarios.change,
    "back": scenarios.back,
    "returned": scenarios.returned,
    "approvals": decisions.approvals,
    "changes": updates.changes,
    "dead_letters": dead_letters.dead_letters,
    "rivals": crowds.rivals,
    "breaking": error_codes.breaking,
    "crowd": crowds.crowd,
    "thousand": crowds.thousand,
}
"""In the order in which they start: the first two wait most of their time, for what hangs."""
AT_ONCE = int(os.environ.get("SITEFLEET_ACCEPTANCE_AT_ONCE", "8"))
"""More of them at once only wait for each other: a machine has few cores."""
ON_DEMAND = {"crowd", "thousand"}
"""Told only when a test asks for it by name."""
HOME = pytest.StashKey[Path]()
SHOWN = pytest.StashKey[bool]()
TIMES = pytest.StashKey[list[str]]()
COMPLAINT = re.compile(r" (ERROR|WARNING) |Traceback|Error: |\[5\d\d\]|PHP (Warning|Fatal)")


def local(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the one-machine runtime as a person types it."""
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        cwd=CHECKOUT,
        env={**os.environ, "SITEFLEET_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def home(request, tmp_path_factory) -> Path:
    """A home of its own that shares the checkout's cache: sam build takes its time.

    SITEFLEET_ACCEPTANCE_HOME names a directory to use, and to keep, instead.
    """
    if given := os.environ.get("SITEFLEET_ACCEPTANCE_HOME"):
        path = Path(given).resolve()
    else:
        path = tmp_path_factory.mktemp("acceptance").resolve()
        shared = CHECKOUT / ".sitefleet" / "cache"
        shared.mkdir(parents=True, exist_ok=True)
        (path / "cache").symlink_to(shared)
    request.config.stash[HOME] = path
    return path


@pytest.fixture(scope="session")
def machine(home) -> Iterator[dict[str, Any]]:
    """What `up --json` printed."""
    finished = local(home, "up", "--json")
    try:
        assert finished.returncode == 0, finished.stderr
        yield json.loads(finished.stdout)
    finally:
        local(home, "down")


@pytest.fixture(scope="session")
def world(machine, home) -> Iterator[World]:
    world = World(machine, home)
    yield world
    world.close()


@pytest.fixture(scope="session")
def running(request, world) -> Iterator[dict[str, Future[Any]]]:
    """Every scenario that a selected test asks for, started at once."""
    asked = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    if "breaking" in asked:
        asked.add("codes")
    if "back" in asked:
        asked.add("change")
    if "approvals" in asked:
        asked.add("worker_kills")
    if asked & {"clone", "change"}:
        asked.add("story")
    futures: dict[str, Future[Any]] = {}
    times = request.config.stash.setdefault(TIMES, [])
    if asked & {*SCENARIOS, "everything_done"}:
        world.warm_up()

    def done(name: str) -> Any:
        return futures[name].result() if name in futures else None

    def tell(name: str) -> Any:
        started = time.monotonic()
        try:
            with span(name):
                return SCENARIOS[name](world, done)
        finally:
            times.append(f"scenario {name}: {time.monotonic() - started:.0f} s")

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        for name in SCENARIOS:
            if name in asked or ("everything_done" in asked and name not in ON_DEMAND):
                futures[name] = pool.submit(tell, name)
        yield futures


def _told(name: str):
    @pytest.fixture(scope="session", name=name)
    def told(running):
        return running[name].result()

    return told


story = _told("story")
worker_kills = _told("worker_kills")
job_kills = _told("job_kills")
refusals = _told("refusals")
malformed_messages = _told("malformed_messages")
repeats = _told("repeats")
clone = _told("clone")
change = _told("change")
approvals = _told("approvals")
changes = _told("changes")
codes = _told("codes")
breaking = _told("breaking")
troubles = _told("troubles")
letters_told = _told("dead_letters")
rivals = _told("rivals")
crowd = _told("crowd")
thousand = _told("thousand")
back = _told("back")
returned = _told("returned")


@pytest.fixture(scope="session")
def everything_done(running) -> dict[str, Any]:
    """All scenarios, told to their end; the ones that broke tell so in their own tests."""
    for future in running.values():
        future.exception()
    return running


@pytest.fixture
def numbers(request) -> list[str]:
    """What is printed at the end of the run: measured, not judged."""
    return request.config.stash.setdefault(TIMES, [])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Show once, with the first failure, what the machine's own logs complain about."""
    report = yield
    home = item.config.stash.get(HOME, None)
    if report.failed and home is not None and not item.config.stash.get(SHOWN, False):
        item.config.stash[SHOWN] = True
        tails = {path.stem: _complaints(path) for path in sorted(home.glob("local/logs/*.log"))}
        report.sections += [(f"log of {name}", text) for name, text in tails.items() if text]
    return report


def _complaints(path: Path) -> str:
    lines = path.read_text(errors="replace").splitlines()
    told = [line[:300] for line in lines if COMPLAINT.search(line)]
    return "\n".join(told[-LOG_LINES:])


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash.get(TIMES, []):
        terminalreporter.write_line(line)
