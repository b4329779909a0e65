"""A scenario: what came before, the message that starts it, and how it must end."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

from core.adapters.memory.boundary import Boundary
from core.adapters.memory.jobs import Play
from core.adapters.memory.world import World
from core.bootstrap import WORKFLOWS
from core.domain.job_facts import JobError, JobResult, ProbeFacts, VerifyFacts
from core.domain.job_models import Check, JobModel
from core.domain.jobs import JobDescription, ProbeJob, VerifyJob
from core.domain.policy import Policy
from core.domain.windows import window_state
from core.engine.workflow import Workflow
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events.formats import Environment
from events.vocabulary import OperationStatus, OperationType
from simulation.catalogue import PLUGINS, TEMPLATES
from simulation.fleet import FleetState, SimulatedFleet, policy_of
from simulation.jobs import DIGEST
from simulation.reports import SettleTimes
from simulation.requests import TENANT, queue_of

NEXT_DIGEST, BROKEN_DIGEST = "sha256:" + "e" * 64, "sha256:" + "b" * 64
"""Images that an update may choose: one that works, one whose containers never become healthy."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One run: what came before it, the message that starts it, and how it must end."""

    name: str
    environment: Environment
    earlier: tuple[str, ...] = ()
    """Messages whose operations have ended, undisturbed, before this one comes."""
    body: str
    ends: OperationStatus
    later: Mapping[str, int] = field(default_factory=dict)
    """Further messages, and after how many seconds each comes."""
    queue: QueueName | None = None
    """None: the queue that the environment's requests come on."""
    workflows: Mapping[OperationType, Workflow] = field(default_factory=lambda: WORKFLOWS)
    most_running: int | None = None
    """The cap of each tenant, where it is not the policy's."""
    spoiled_step: str = ""
    """A step whose checks find the site broken."""
    against: str = ""
    """The role of a person who says no to the plan."""
    job_seconds: float = 0
    """How long container jobs run; longer than the visibility timeout: a redelivery finds one."""
    keeps_target: bool = False
    """Whether the target must stand afterwards as it stood before."""

    def start(
        self, boundary: Boundary, workflows: Mapping[OperationType, Workflow] | None = None
    ) -> SimulatedFleet:
        """Return the fleet with the scenario's message on its queue."""
        state = copy.deepcopy(state_after(self.environment, self.earlier))
        fleet = SimulatedFleet(
            environment=self.environment,
            boundary=boundary,
            state=state,
            workflows=workflows or self.workflows,
            other_policy=self._policy(),
        )
        fleet.people.against = self.against
        fleet.jobs.seconds = self.job_seconds
        if self.spoiled_step:
            fleet.jobs.play = spoiled(fleet.jobs.play, self.spoiled_step)
        queue = self.queue or queue_of(self.body)
        fleet.send(queue, self.body)
        for body, seconds in self.later.items():
            fleet.send(queue, body, after_seconds=seconds)
        return fleet

    def _policy(self) -> Policy | None:
        if self.most_running is None:
            return None
        cap = {"max_running_operations_per_tenant": self.most_running}
        return policy_of(self.environment).model_copy(update=cap)


SOURCES = {Environment.SIT: Environment.DEV, Environment.PROD: Environment.SIT}
BEFORE_THE_WINDOW = timedelta(minutes=15)
"""When a request for prod comes: approvals take ten of these, then the window is waited for."""


def prepared(
    environment: Environment,
    *earlier: str,
    times: SettleTimes | None = None,
    loses_wake_ups: bool = False,
) -> SimulatedFleet:
    """Return a fleet of an environment in which earlier operations have run to their ends.

    `times` and lost wake-ups hold from then on.
    """
    state = copy.deepcopy(state_after(environment, earlier))
    return SimulatedFleet(
        environment=environment,
        state=state,
        times=times or SettleTimes(),
        loses_wake_ups=loses_wake_ups,
    )


@cache
def state_after(environment: Environment, earlier: tuple[str, ...]) -> FleetState:
    """Return the state of a fleet in which the earlier operations have run to their ends."""
    source = World(environment=SOURCES[environment]) if environment in SOURCES else None
    fleet = SimulatedFleet(environment=environment, source=source)
    (source or fleet.world).images[DIGEST] = "{}"
    (source or fleet.world).image_tags[fleet.policy.wordpress_tag] = DIGEST
    fleet.world.plugins.update(PLUGINS)
    fleet.world.templates.update(TEMPLATES)
    fleet.world.images |= {NEXT_DIGEST: "{}", BROKEN_DIGEST: "{}"}
    offered = {image.tag: NEXT_DIGEST for image in fleet.policy.offered_images}
    fleet.world.image_tags |= {"next": NEXT_DIGEST, "broken": BROKEN_DIGEST, **offered}
    fleet.world.broken_images[BROKEN_DIGEST] = "The containers answer with 500."
    fleet.world.tenants[TENANT] = Tenant(tenant_id=TENANT, status="REGISTERED")
    _wait_until_before_the_window(fleet)
    for body in earlier:
        fleet.send(queue_of(body), body)
        fleet.run()
        _wait_until_before_the_window(fleet)
    fleet.world.events.clear()
    fleet.world.notifications.clear()
    fleet.world.mails.clear()
    fleet.world.measurements.clear()
    return fleet.saved()


def _wait_until_before_the_window(fleet: SimulatedFleet) -> None:
    """Let time pass until the next maintenance window opens soon, where there is one."""
    rules = fleet.policy.promotion
    if rules is None or not rules.window.openings:
        return
    now = fleet.clock.now()
    opens_at = window_state(rules.window, now, emergency=False).opens_at
    if opens_at is None:  # it is open: the next one after it has closed
        return
    fleet.clock.advance_to(opens_at - BEFORE_THE_WINDOW)


def spoiled(play: Play, step: str) -> Play:
    """Let a step's job do its work and then report that it is no good."""

    def spoiled_play(job: JobDescription) -> JobResult | None:
        result = play(job)
        if job.step != step or result is None:
            return result
        facts = bad_facts(job)
        if facts is not None:
            return result.model_copy(update={"facts": facts.model_dump(mode="json")})
        error = JobError(code="SYS_001", message="The rows do not match.", retryable=False)
        return result.model_copy(update={"facts": {}, "error": error})

    return spoiled_play


def bad_facts(job: JobDescription) -> JobModel | None:
    """Return what a job tells of a broken site, where its report can tell so."""
    match job:
        case VerifyJob():
            bad = Check(name="front-page", passed=False, evidence="The page is empty.")
            return VerifyFacts(passed=False, checks=[bad])
        case ProbeJob():
            return ProbeFacts(
                requests=20,
                failures=1,
                statuses={"200": 19, "500": 1},
                latency_median_ms=40,
                latency_p95_ms=90,
                window_seconds=100,
                ended_early=True,
                first_failure="GET / was answered with 500.",
            )
        case _:
            return None


DEV, SIT, PROD = Environment.DEV, Environment.SIT, Environment.PROD
DONE, FAILED, BACK = (
    OperationStatus.COMPLETED,
    OperationStatus.FAILED,
    OperationStatus.ROLLED_BACK,
)
