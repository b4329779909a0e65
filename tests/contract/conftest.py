"""One fixture: the backend that a test body runs over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from unittest.mock import patch

import pytest

from core.domain.names import ReleaseNames, SiteNames
from events.formats import Environment
from events.progress import EventMetadata, FleetEvent
from events.vocabulary import DetailType, OperationType
from tests.contract.backends import ENDPOINT_VARIABLE, Backend, opened
from tests.contract.emulator import running_emulator


@pytest.fixture(scope="session", autouse=True)
def emulator_endpoint() -> Iterator[str]:
    """The emulator's address; it runs as long as the contract tests of this process."""
    given = os.environ.get(ENDPOINT_VARIABLE)
    if given:
        yield given
        return
    with running_emulator() as endpoint, patch.dict(os.environ, {ENDPOINT_VARIABLE: endpoint}):
        yield endpoint


@pytest.fixture(params=["memory", "moto", "emulator"])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    with opened(request.param) as backend:
        yield backend


@pytest.fixture(params=["moto", "emulator"])
def aws(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """For what only the AWS adapters have: their requests, their errors."""
    with opened(request.param) as backend:
        yield backend


@pytest.fixture
def moto() -> Iterator[Backend]:
    """For answers that are made up by hand (partial failures, throttling)."""
    with opened("moto") as backend:
        yield backend


@pytest.fixture
def emulator() -> Iterator[Backend]:
    """For services that only the emulator plays."""
    with opened("emulator") as backend:
        yield backend


@pytest.fixture
def site() -> SiteNames:
    return SiteNames(environment=Environment.PROD, tenant_id="tenant-1", site_id="site-1")


@pytest.fixture
def release(site: SiteNames) -> ReleaseNames:
    return site.release(2)


@pytest.fixture
def make_event():
    numbers = count(1)

    def make(**data: object) -> FleetEvent:
        number = next(numbers)
        return FleetEvent(
            detail_type=DetailType.STEP_COMPLETED,
            metadata=EventMetadata(
                event_id=f"00000000-0000-4000-8000-{number:012d}",
                occurred_at=datetime(2026, 11, 21, 8, 0, tzinfo=UTC),
                operation_id="550e8400-e29b-41d4-a716-446655440000",
                operation_type=OperationType.SITE_PROMOTION,
                tenant_id="tenant-1",
                site_id="site-1",
                environment=Environment.PROD,
                correlation_id="correlation-1",
            ),
            data=data,
        )

    return make
