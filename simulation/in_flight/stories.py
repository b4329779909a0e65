"""What is in flight: runs of every workflow, forward and back, and what waits in them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from core.adapters.memory.boundary import Boundary
from core.adapters.memory.jobs import Play
from core.adapters.memory.world import StoredMessage
from core.domain.job_facts import JobResult
from core.domain.jobs import JobDescription
from core.ports.messaging import QueueName
from events import identity
from events.vocabulary import OperationStatus
from simulation.fleet import SimulatedFleet
from simulation.requests import APPLE, CREATED, SITE, TENANT, creation, update
from simulation.scenario import DEV, DONE, FAILED, Scenario, spoiled
from simulation.scenarios import SCENARIOS

LATE_HOURS = 6
CREATION = "SITE_CREATION_REQUEST"
CREATION_ID = identity.operation_id(DEV, TENANT, CREATION, f"{CREATION}#{SITE}#create")


@dataclass(frozen=True, kw_only=True)
class Troubles:
    """What goes wrong in a run on purpose, beside its scenario's own."""

    spoiled_step: str = ""
    spoiled_once: str = ""
    """A step whose first job only is no good."""
    endless_step: str = ""
    """A step whose job never ends by itself."""

    def befall(self, fleet: SimulatedFleet) -> None:
        """Let the fleet's jobs go wrong."""
        jobs = fleet.jobs
        if self.spoiled_step:
            jobs.play = spoiled(jobs.play, self.spoiled_step)
        if self.spoiled_once:
            jobs.play = _once(jobs.play, self.spoiled_once)
        if self.endless_step:
            jobs.seconds_of[self.endless_step] = math.inf


@dataclass(frozen=True, kw_only=True)
class Story:
    """One run that is recorded."""

    scenario: Scenario
    troubles: Troubles = field(default_factory=Troubles)
    late: str = ""
    """What a person writes when the operation has stood still for hours."""

    @property
    def name(self) -> str:
        return self.scenario.name

    def start(self, boundary: Boundary) -> SimulatedFleet:
        """Return the fleet with the story's message on its queue."""
        fleet = self.scenario.start(boundary)
        Troubles(
            spoiled_once=self.troubles.spoiled_once, endless_step=self.troubles.endless_step
        ).befall(fleet)
        if self.late:
            _write_late(fleet, self.late)
        return fleet


def _once(play: Play, step: str) -> Play:
    bad = spoiled(play, step)

    def first_is_bad(job: JobDescription) -> JobResult | None:
        return bad(job) if job.attempt == 0 else play(job)

    return first_is_bad


def _write_late(fleet: SimulatedFleet, body: str) -> None:
    now = fleet.clock.now()
    late = StoredMessage(
        message_id=fleet.world.ids.new_id(),
        body=body,
        tenant_id=TENANT,
        sent_at=now,
        visible_at=now + timedelta(hours=LATE_HOURS),
    )
    fleet.world.queues[QueueName.CREATION].append(late)


def _message(kind: str, operation_id: str) -> str:
    payload = f'{{"operationId": "{operation_id}", "reason": "It takes too long."}}'
    return (
        f'{{"messageType": "{kind}", "correlationId": "person", '
        f'"timestamp": "2026-11-21T09:00:00Z", "payload": {payload}}}'
    )


def _of_the_proofs(*names: str) -> tuple[Story, ...]:
    found: Mapping[str, Scenario] = {scenario.name: scenario for scenario in SCENARIOS}
    return tuple(
        Story(
            scenario=found[name],
            troubles=Troubles(spoiled_step=found[name].spoiled_step),
        )
        for name in names
    )


STORIES = (
    *_of_the_proofs(
        "creation, made up",
        "creation, clone",
        "creation, made up, undone",
        "update, WordPress in every way",
        "update, several changes",
        "update, own domain, rolled back",
        "update of a read-only site",
        "deletion in prod",
        "deletion, the backup is not proved",
        "restore",
        "promotion",
        "promotion to prod, first",
        "promotion to prod, rolled back by its monitor",
        "promotion to prod, rejected",
        "rollback on request",
        "the look at a live site finds it broken",
    ),
    Story(
        scenario=Scenario(
            name="creation, stalled and cancelled",
            environment=DEV,
            body=creation(),
            ends=OperationStatus.CANCELLED,
        ),
        late=_message("OPERATION_CANCEL_REQUEST", CREATION_ID),
        troubles=Troubles(endless_step="install_wordpress"),
    ),
    Story(
        scenario=Scenario(
            name="creation, its way back retried",
            environment=DEV,
            body=creation(),
            ends=FAILED,
            spoiled_step="check_before",
        ),
        late=_message("OPERATION_RETRY_REQUEST", CREATION_ID),
        troubles=Troubles(spoiled_step="check_before", spoiled_once="undo-install_wordpress"),
    ),
    Story(
        scenario=Scenario(
            name="updates that wait for their site",
            environment=DEV,
            earlier=(CREATED,),
            body=update(correlation="one", changes={"scale": {"desiredCount": 3}}),
            ends=DONE,
            later={update(correlation="other", changes={"scale": {"desiredCount": 2}}): 1},
            job_seconds=300,
        ),
    ),
    Story(
        scenario=Scenario(
            name="creations that wait for their turn",
            environment=DEV,
            body=creation(),
            ends=DONE,
            later={APPLE: 1},
            job_seconds=300,
            most_running=1,
        ),
    ),
)
"""Every workflow forward and back, and every state that an operation may rest in."""
