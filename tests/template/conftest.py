"""The expanded template, and the stack of each environment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.template.stack import ACCOUNTS, REGION, Stack, expand, overrides


@pytest.fixture(scope="session")
def expanded() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", REGION)  # SAM asks for the partition
        return expand()


@pytest.fixture(scope="session", params=list(ACCOUNTS))
def stack(request, expanded) -> Stack:
    return Stack(expanded, overrides(request.param))


@pytest.fixture(scope="session")
def sit(expanded) -> Stack:
    """The environment that is a promotion's target and a promotion's source."""
    return Stack(expanded, overrides("sit"))


@pytest.fixture(scope="session")
def busy(expanded) -> Stack:
    """Every optional part there at once: senders, subscribers, an address, scheduled replays."""
    extra = {
        "SenderPrincipalArns": "arn:aws:iam::111122223333:role/sites-service",
        "SubscriberAccountIds": "111122223333,444455556666",
        "OperatorEmail": "operators@example.com",
        "ReplaySchedule": "rate(1 hour)",
        "ReplayLimit": "25",
    }
    return Stack(expanded, {**overrides("sit"), **extra})
