"""What holds for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest
import structlog
from botocore.loaders import create_loader
from botocore.session import Session

os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
"""Thousands of them, made anew with every backend; no test asks for one."""


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """Drop log lines: rendering a traceback for a terminal takes longer than most tests."""
    structlog.configure(processors=[_drop])


@pytest.fixture(scope="session", autouse=True)
def _service_models_are_read_once() -> Iterator[None]:
    """Let all sessions share a loader: every test has clients of its own, a model is megabytes."""
    loader = create_loader()

    def share(session: Session) -> None:
        session._components.register_component("data_loader", loader)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "_register_data_loader", share)
        yield


def _drop(_logger: object, _name: str, _event: object) -> NoReturn:
    raise structlog.DropEvent
