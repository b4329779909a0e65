"""Stories that seeds tell too rarely for a mutant to be caught by them within minutes."""

from __future__ import annotations

import math

from core.adapters.memory.boundary import Call, Crashed
from core.domain.operation import Operation
from core.ports.messaging import QueueName
from events.formats import Environment
from simulation.fleet import SimulatedFleet
from simulation.requests import creation
from simulation.scenario import prepared
from simulation.seeds.by_hand import by_hand

STEP = "install_wordpress"
MOST_STEPS = 5000


def retry_whose_workers_die() -> str | None:
    """A job never ends; a person retries; from then on the step kills whoever takes it up.

    Returns the promise that was broken.
    """
    fleet = prepared(Environment.DEV)
    fleet.jobs.seconds_of[STEP] = math.inf
    fleet.send(QueueName.CREATION, creation())
    fleet.run(most_steps=MOST_STEPS)  # the sweeper has given it up as well
    operation = _stalled(fleet)
    if operation is None:
        return "nothing_stands_still_unreported"
    fleet.boundary.before = _deadly
    body = by_hand("OPERATION_RETRY_REQUEST", operation.operation_id, "story")
    fleet.send(QueueName.CREATION, body)
    fleet.run(most_steps=MOST_STEPS)
    return None if _stalled(fleet) else "nothing_stands_still_unreported"


def _deadly(call: Call) -> None:
    if call.port == "jobs":
        raise Crashed("out of memory")


def _stalled(fleet: SimulatedFleet) -> Operation | None:
    found = fleet.store.operations.values()
    return next((operation for operation in found if operation.stalled_since is not None), None)
