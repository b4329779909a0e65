"""The runs that the proofs are made of: which messages come, and how the world stands before."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from core.adapters.memory.boundary import Boundary
from core.adapters.memory.world import World
from core.domain.jobs import Check, JobDescription, JobResult, VerifyFacts
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events.formats import Environment
from events.vocabulary import OperationStatus
from simulation.fleet import SimulatedFleet
from simulation.jobs import DIGEST

TENANT, SITE = "tenant-1", "site-banana"


def _body(message_type: str, correlation: str, payload: dict[str, object]) -> str:
    return json.dumps(
        {
            "messageType": message_type,
            "correlationId": correlation,
            "timestamp": "2026-11-21T08:00:00Z",
            "payload": payload,
        }
    )


def creation(site_id: str = SITE, *, correlation: str = "create", **payload: object) -> str:
    """Return the body of a creation request."""
    return _body(
        "SITE_CREATION_REQUEST",
        correlation,
        {
            "siteId": site_id,
            "tenantId": TENANT,
            "siteName": "Banana",
            "subdomain": "banana",
            "environment": "dev",
            "configuration": {},
            **payload,
        },
    )


def promotion(*, correlation: str = "promote", **payload: object) -> str:
    """Return the body of a promotion request, dev to sit."""
    return _body(
        "SITE_PROMOTION_REQUEST",
        correlation,
        {
            "siteId": SITE,
            "tenantId": TENANT,
            "sourceEnvironment": "dev",
            "targetEnvironment": "sit",
            **payload,
        },
    )


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One run: the fleet before it, the message that starts it, and how it must end."""

    name: str
    prepare: Callable[[Boundary], SimulatedFleet]
    queue: QueueName
    body: str
    ends: OperationStatus
    keeps_target: bool = False
    """Whether the target must stand afterwards as it stood before."""

    def start(self, boundary: Boundary) -> SimulatedFleet:
        """Return the fleet with the scenario's message on its queue."""
        fleet = self.prepare(boundary)
        boundary.calls.clear()
        fleet.send(self.queue, self.body)
        return fleet


def dev_fleet(boundary: Boundary) -> SimulatedFleet:
    """Return dev, empty but for its image and a tenant."""
    fleet = SimulatedFleet(environment=Environment.DEV, boundary=boundary)
    fleet.provide_image()
    fleet.world.tenants[TENANT] = Tenant(tenant_id=TENANT, status="REGISTERED")
    return fleet


def dev_with_site(boundary: Boundary) -> SimulatedFleet:
    """Return dev with one live site to clone."""
    fleet = dev_fleet(boundary)
    undisturbed(fleet, QueueName.CREATION, creation("site-apple", subdomain="apple"))
    return fleet


def sit_fleet(boundary: Boundary) -> SimulatedFleet:
    """Return sit, empty, with dev as the source of promotions."""
    source = World(environment=Environment.DEV)
    source.images[DIGEST] = "{}"
    fleet = SimulatedFleet(environment=Environment.SIT, boundary=boundary, source=source)
    fleet.world.tenants[TENANT] = Tenant(tenant_id=TENANT, status="REGISTERED")
    return fleet


def sit_with_release(boundary: Boundary) -> SimulatedFleet:
    """Return sit with the site live from an earlier promotion."""
    fleet = sit_fleet(boundary)
    undisturbed(fleet, QueueName.PROMOTION, promotion(correlation="first"))
    return fleet


def undisturbed(fleet: SimulatedFleet, queue: QueueName, body: str) -> None:
    """Let an earlier operation run to its end, whatever the boundary is about to stop."""
    before, after = fleet.boundary.before, fleet.boundary.after
    fleet.boundary.before = fleet.boundary.after = lambda _call: None
    fleet.send(queue, body)
    fleet.run()
    fleet.boundary.before, fleet.boundary.after = before, after


def failing(
    prepare: Callable[[Boundary], SimulatedFleet], step: str
) -> Callable[[Boundary], SimulatedFleet]:
    """Return the preparation of a fleet whose checks fail at a step."""

    def prepared(boundary: Boundary) -> SimulatedFleet:
        fleet = prepare(boundary)
        play = fleet.jobs.play

        def spoiled(job: JobDescription) -> JobResult | None:
            result = play(job)
            if job.step != step or result is None:
                return result
            bad = Check(name="front-page", passed=False, evidence="The page is empty.")
            facts = VerifyFacts(passed=False, checks=[bad]).model_dump(mode="json")
            return result.model_copy(update={"facts": facts})

        fleet.jobs.play = spoiled
        return fleet

    return prepared


CREATION, PROMOTION = QueueName.CREATION, QueueName.PROMOTION
DONE, FAILED, BACK = (
    OperationStatus.COMPLETED,
    OperationStatus.FAILED,
    OperationStatus.ROLLED_BACK,
)
CLONE = creation(cloneFrom="site-apple")

SCENARIOS = (
    Scenario(name="creation", prepare=dev_fleet, queue=CREATION, body=creation(), ends=DONE),
    Scenario(name="creation, clone", prepare=dev_with_site, queue=CREATION, body=CLONE, ends=DONE),
    Scenario(
        name="creation, undone",
        prepare=failing(dev_fleet, "check_before"),
        queue=CREATION,
        body=creation(),
        ends=FAILED,
    ),
    Scenario(
        name="promotion, first",
        prepare=sit_fleet,
        queue=PROMOTION,
        body=promotion(),
        ends=DONE,
    ),
    Scenario(
        name="promotion",
        prepare=sit_with_release,
        queue=PROMOTION,
        body=promotion(),
        ends=DONE,
    ),
    Scenario(
        name="promotion, undone",
        prepare=failing(sit_with_release, "check_before"),
        queue=PROMOTION,
        body=promotion(),
        ends=FAILED,
        keeps_target=True,
    ),
    Scenario(
        name="promotion, rolled back",
        prepare=failing(sit_with_release, "check_after"),
        queue=PROMOTION,
        body=promotion(),
        ends=BACK,
        keeps_target=True,
    ),
)
