"""What holds for all tests."""

from __future__ import annotations

from typing import NoReturn

import pytest
import structlog


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """Drop log lines: rendering a traceback for a terminal takes longer than most tests."""
    structlog.configure(processors=[_drop])


def _drop(_logger: object, _name: str, _event: object) -> NoReturn:
    raise structlog.DropEvent
