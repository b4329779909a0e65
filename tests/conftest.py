"""What holds for all tests: whole machines run on one worker, beside the others."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest
import structlog

MACHINES = {"acceptance": "machine", "local": "local"}
"""Folder -> group: tests of a group run in one process, in order."""


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep tests that share a machine together when the run is spread over processes."""
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0]
        if folder in MACHINES:
            item.add_marker(pytest.mark.xdist_group(MACHINES[folder]))


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """Drop log lines: rendering a traceback for a terminal takes longer than most tests."""
    structlog.configure(processors=[_drop])


def _drop(_logger: object, _name: str, _event: object) -> NoReturn:
    raise structlog.DropEvent
