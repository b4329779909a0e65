"""What one seed draws before anything runs: where, who, how much, and which mishaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from events.formats import Environment
from simulation.reports import SettleTimes
from simulation.requests import (
    CREATED,
    FIRST,
    FIRST_TO_PROD,
    NEIGHBOUR,
    PLUGGED,
    SECOND,
    TENANT,
    deletion,
)
from simulation.seeds.faults import Fault

DEV, SIT, PROD = Environment.DEV, Environment.SIT, Environment.PROD
WORLDS: Final[Mapping[Environment, tuple[tuple[str, ...], ...]]] = {
    DEV: ((), (CREATED,), (PLUGGED,), (NEIGHBOUR, CREATED), (NEIGHBOUR, CREATED, deletion())),
    SIT: ((), (FIRST,), (FIRST, SECOND)),
    PROD: ((), (FIRST_TO_PROD,)),
}
"""What has happened in an environment before the run begins."""
FRUITS: Final = ("banana", "apple", "cherry")


class Kind:
    """What somebody sends."""

    NEW = "new request"
    REPEAT = "repeated request"
    OTHER_PAYLOAD = "same key, other payload"
    CANCEL = "cancel"
    RETRY = "retry"
    HOSTILE = "malformed or hostile body"
    MISPLACED = "request on another queue"
    WRAPPED = "request wrapped by EventBridge"


WEIGHTS: Final[Mapping[str, int]] = {
    Kind.NEW: 10,
    Kind.REPEAT: 2,
    Kind.OTHER_PAYLOAD: 1,
    Kind.CANCEL: 3,
    Kind.RETRY: 1,
    Kind.HOSTILE: 1,
    Kind.MISPLACED: 1,
    Kind.WRAPPED: 1,
}


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Somebody sends something."""

    after_seconds: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class Draw:
    """A seed's run, before it begins."""

    seed: int
    environment: Environment
    earlier: tuple[str, ...]
    tenants: tuple[str, ...]
    arrivals: tuple[Arrival, ...]
    chosen: frozenset[Fault]
    stand_ins: bool
    """Whether updates and deletions only stay on their site for a while: many at once are cheap."""
    most_running: int | None
    """The cap of each tenant; None: the policy's."""
    times: SettleTimes
    job_seconds: int
    """How long most jobs run."""
    against: str
    """The role of a person who says no; empty: everybody agrees."""


def draw(seed: int) -> Draw:
    """Return what a seed stands for."""
    random = Random(f"{seed}/draw")  # noqa: S311 - a simulation, no secret
    environment = random.choices((DEV, SIT, PROD), (7, 2, 1))[0]
    stand_ins = environment is DEV and random.choice((True, False))
    tenants = (TENANT, "tenant-2", "tenant-3")[: random.randint(1, 3)]
    many = random.randint(4, 10) if stand_ins else random.randint(2, 5)
    return Draw(
        seed=seed,
        environment=environment,
        earlier=() if stand_ins else random.choice(WORLDS[environment]),
        tenants=tenants,
        arrivals=_arrivals(random, many),
        chosen=_chosen(random),
        stand_ins=stand_ins,
        most_running=random.choice((None, 1, 1, 2)),
        times=_times(random),
        job_seconds=random.choice((0, 0, 20, 100)),
        against=random.choice(("", "", "", "OPERATIONS_LEAD", "DEV_LEAD")),
    )


def _arrivals(random: Random, many: int) -> tuple[Arrival, ...]:
    spread = random.choice((5, 300, 2000))
    times = sorted(random.randint(0, spread) for _ in range(many))
    kinds = random.choices(list(WEIGHTS), list(WEIGHTS.values()), k=many)
    kinds[0] = Kind.NEW
    return tuple(
        Arrival(after_seconds=at, kind=kind) for at, kind in zip(times, kinds, strict=True)
    )


def _chosen(random: Random) -> frozenset[Fault]:
    """Draw which mishaps a seed has: a few kinds meet more often than all of them at once."""
    if random.randint(1, 25) == 1:
        return frozenset()
    kinds = list(Fault)
    return frozenset(random.sample(kinds, random.randint(2, 8)))


def _times(random: Random) -> SettleTimes:
    if random.randint(0, 1):
        return SettleTimes()
    return SettleTimes(service=40, snapshot=200, recovery_point=300, name=30, edges=60)
