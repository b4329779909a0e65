"""What is asked for while everything breaks, and what breaks when: both follow from a seed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

TENANTS = tuple(f"tenant-chaos-{number}" for number in range(1, 6))
COMPLETED, FAILED, REJECTED = "COMPLETED", "FAILED", "REJECTED"


@dataclass(frozen=True)
class Ask:
    """One request about a site, and how it must end."""

    kind: str
    environment: str = "dev"
    payload: Mapping[str, Any] = field(default_factory=dict)
    ends: str = COMPLETED
    answers: int = 200
    """The site's HTTP status afterwards; 0: it is not there any more."""
    twice: bool = False
    """Whether it is sent a second time, as a sender does that heard no answer."""


@dataclass(frozen=True)
class Life:
    """Everything that is asked of one site, in order."""

    tenant_id: str
    site_id: str
    subdomain: str
    asks: tuple[Ask, ...]


CREATE, DELETE = Ask("create"), Ask("delete", answers=0)
UPDATES = (
    Ask("update", payload={"theme": "twentytwentytwo"}),
    Ask("update", payload={"scale": {"desiredCount": 2}}),
    Ask("update", payload={"plugins": {"install": ["notice-banner"]}}),
)
NOT_OFFERED = Ask("update", payload={"imageTag": "no-such-image"}, ends=FAILED)
MALFORMED = Ask("update", payload={"scale": {"desiredCount": -1}}, ends=REJECTED)
SUSPEND = Ask("update", payload={"status": "SUSPENDED"}, answers=503)
ACTIVATE = Ask("update", payload={"status": "ACTIVE"})
PROMOTE = Ask("promote", environment="sit")
RESTORE = Ask("restore")
DELETE_IN_SIT = Ask("delete", environment="sit", answers=0)


def lives(seed: int, operations: int) -> list[Life]:
    """Return lives of sites with so many requests altogether."""
    random, found, left = Random(seed), [], operations
    while left > 0:
        asks = tuple(_asks(random))[:left]
        number = len(found) + 1
        found.append(
            Life(
                tenant_id=random.choice(TENANTS),
                site_id=f"site-{secrets.token_hex(6)}",
                subdomain=f"chaos-{number}",
                asks=asks,
            )
        )
        left -= len(asks)
    return found


def _asks(random: Random) -> Iterator[Ask]:
    yield Ask("create", twice=random.random() < 0.2)
    match random.randrange(10):
        case 0:
            yield from (PROMOTE, random.choice(UPDATES), DELETE_IN_SIT)
        case 1 | 2:
            yield from (random.choice((NOT_OFFERED, MALFORMED)), random.choice(UPDATES))
        case 3 | 4:
            yield from (SUSPEND, ACTIVATE)
        case 5 | 6:
            yield from (random.choice(UPDATES), DELETE, RESTORE)
        case _:
            yield from random.sample(UPDATES, k=2)
    yield DELETE


@dataclass(frozen=True)
class Blow:
    """Something that breaks, so many seconds after the one before it."""

    after: float
    kind: str
    chance: float
    """Which of the victims that are there just then, as a part of 1."""


WEIGHTS = {"worker": 9, "job": 8, "emulator": 2, "mariadb": 1}
"""How often each kind comes, among 20."""
GAP_SECONDS = (4.0, 12.0)
"""A function's worker needs some seconds to start on a machine with two cores: killed more often,
none would ever come to its first message."""


def blows(seed: int) -> Iterator[Blow]:
    """Yield what breaks, for as long as it is asked for."""
    random = Random(seed + 1)
    while True:
        [kind] = random.choices([*WEIGHTS], weights=[*WEIGHTS.values()])
        yield Blow(after=random.uniform(*GAP_SECONDS), kind=kind, chance=random.random())
