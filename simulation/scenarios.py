"""The runs that the proofs are made of: which messages come, and how the world stands before."""

from __future__ import annotations

import copy
import json
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
from events import identity
from events.filters import REQUEST_QUEUES
from events.formats import Environment
from events.vocabulary import MessageType, OperationStatus, OperationType
from simulation import stand_ins
from simulation.catalogue import PLUGINS, TEMPLATES
from simulation.fleet import VISIBILITY_SECONDS, FleetState, SimulatedFleet, policy_of
from simulation.jobs import DIGEST
from simulation.reports import SettleTimes
from simulation.stand_ins import STAND_INS

TENANT, SITE = "tenant-1", "site-banana"
NEXT_DIGEST, BROKEN_DIGEST = "sha256:" + "e" * 64, "sha256:" + "b" * 64
"""Images that an update may choose: one that works, one whose containers never become healthy."""


def _body(message_type: str, correlation: str, payload: dict[str, object]) -> str:
    return json.dumps(
        {
            "messageType": message_type,
            "correlationId": correlation,
            "requestedBy": "jane.doe@example.com",
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
    """Return the body of a promotion request, dev to sit if nothing else is said."""
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


def promotion_to_prod(*, correlation: str = "promote") -> str:
    """Return the body of a promotion request, sit to prod."""
    path = {"sourceEnvironment": "sit", "targetEnvironment": "prod"}
    return promotion(correlation=correlation, changeTicket="CHG-1001", **path)


def update(*, correlation: str = "update", changes: object, **payload: object) -> str:
    """Return the body of an update request."""
    named = {"siteId": SITE, "tenantId": TENANT}
    return _body("SITE_UPDATE_REQUEST", correlation, {**named, "changes": changes, **payload})


def deletion(site_id: str = SITE, *, correlation: str = "delete", **payload: object) -> str:
    """Return the body of a deletion request."""
    told = {"siteId": site_id, "tenantId": TENANT, "reason": "The contract has ended."}
    return _body("SITE_DELETION_REQUEST", correlation, {**told, **payload})


def backup_id(environment: Environment, correlation: str = "delete") -> str:
    """Return the id of the backup that a deletion leaves: the deletion's own."""
    key = f"SITE_DELETION_REQUEST#{SITE}#{correlation}"
    return identity.operation_id(environment, TENANT, "SITE_DELETION_REQUEST", key)


def restore(backup: str, *, correlation: str = "restore", **payload: object) -> str:
    """Return the body of a restore request."""
    told = {"siteId": SITE, "tenantId": TENANT, "backupId": backup}
    return _body("SITE_RESTORE_REQUEST", correlation, {**told, **payload})


def look(*, correlation: str = "look") -> str:
    """Return the body of a request to look at the live site."""
    return _body("SITE_CHECK_REQUEST", correlation, {"siteId": SITE, "tenantId": TENANT})


def rollback(*, correlation: str = "back", **payload: object) -> str:
    """Return the body of a request to take a promotion to sit back."""
    return _body("PROMOTION_ROLLBACK_REQUEST", correlation, {"reason": "broken", **payload})


def promotion_id(correlation: str) -> str:
    """Return the operation id of a promotion to sit, as its sender can compute it."""
    key = f"SITE_PROMOTION_REQUEST#{SITE}#{correlation}"
    return identity.operation_id(Environment.SIT, TENANT, "SITE_PROMOTION_REQUEST", key)


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
        state = copy.deepcopy(_state_after(self.environment, self.earlier))
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
            fleet.jobs.play = _spoiled(fleet.jobs.play, self.spoiled_step)
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


def queue_of(body: str) -> QueueName:
    """Return the queue that a request belongs on; a check may come on any."""
    (queue, *_) = REQUEST_QUEUES[MessageType(json.loads(body)["messageType"])]
    return QueueName(queue)


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
    state = copy.deepcopy(_state_after(environment, earlier))
    return SimulatedFleet(
        environment=environment,
        state=state,
        times=times or SettleTimes(),
        loses_wake_ups=loses_wake_ups,
    )


@cache
def _state_after(environment: Environment, earlier: tuple[str, ...]) -> FleetState:
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


def _spoiled(play: Play, step: str) -> Play:
    """Let a step's job do its work and then report that it is no good."""

    def spoiled(job: JobDescription) -> JobResult | None:
        result = play(job)
        if job.step != step or result is None:
            return result
        facts = _bad_facts(job)
        if facts is not None:
            return result.model_copy(update={"facts": facts.model_dump(mode="json")})
        error = JobError(code="SYS_001", message="The rows do not match.", retryable=False)
        return result.model_copy(update={"facts": {}, "error": error})

    return spoiled


def _bad_facts(job: JobDescription) -> JobModel | None:
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
APPLE = creation("site-apple", correlation="apple", subdomain="apple")
PLUGGED = creation(
    configuration={"plugins": [{"slug": "banner", "version": "1.0.0"}, "gallery", "counter"]}
)
WITHOUT_COUNTER = update(correlation="off", changes={"plugins": {"disable": ["counter"]}})
ALL_OF_WORDPRESS = {
    "templateId": "plain",
    "theme": "twentytwentytwo",
    "plugins": {
        "uninstall": ["gallery"],
        "install": ["forms"],
        "update": ["banner"],
        "configure": {"banner": {"banner_text": "Closed on Monday"}},
        "disable": ["counter"],
    },
}
MADE_UP = creation(
    templateId="starter", configuration={"plugins": ["gallery"], "theme": "twentytwentytwo"}
)
CREATED = creation()
NEIGHBOUR = creation("site-banana-2", correlation="neighbour", subdomain="banana-2")
"""A site whose name begins like that of the one that is deleted."""
FIRST = promotion(correlation="first")
SECOND = promotion(correlation="second")
FIRST_TO_PROD = promotion_to_prod(correlation="first")

BACK_TO_FIRST = rollback(operationId=promotion_id("second"))
SUSPENSION = update(correlation="suspend", changes={"status": "SUSPENDED"})
ALL_OF_CONTAINERS = {
    "imageTag": "next",
    "scale": {"desiredCount": 3, "cpuUnits": 1024, "memoryMib": 2048},
}
OWN_DOMAIN = update(correlation="domain", changes={"domain": "banana.example"})
OVERRIDE = update(changes={"scale": {"desiredCount": 2}}, override={"reason": "The sale is today."})

UPDATES = (
    Scenario(
        name="update, suspend", environment=DEV, earlier=(creation(),), body=SUSPENSION, ends=DONE
    ),
    Scenario(
        name="update, activate",
        environment=DEV,
        earlier=(creation(), SUSPENSION),
        body=update(changes={"status": "ACTIVE"}),
        ends=DONE,
    ),
    Scenario(
        name="update, activate a broken site",
        environment=DEV,
        earlier=(creation(), SUSPENSION),
        body=update(changes={"status": "ACTIVE"}),
        ends=FAILED,
        spoiled_step="check_changed",
        keeps_target=True,
    ),
    Scenario(
        name="update, scale",
        environment=DEV,
        earlier=(creation(),),
        body=update(changes={"scale": {"desiredCount": 3}}, expectedVersion=2),
        ends=DONE,
    ),
    Scenario(
        name="update, several changes",
        environment=DEV,
        earlier=(creation(),),
        body=update(changes={**ALL_OF_CONTAINERS, "status": "SUSPENDED"}),
        ends=DONE,
    ),
    Scenario(
        name="update, several changes of a suspended site",
        environment=DEV,
        earlier=(creation(), SUSPENSION),
        body=update(changes={**ALL_OF_CONTAINERS, "status": "ACTIVE"}),
        ends=DONE,
    ),
    Scenario(
        name="update, the image does not become healthy",
        environment=DEV,
        earlier=(creation(),),
        body=update(changes={"imageTag": "broken"}),
        ends=FAILED,
        keeps_target=True,
    ),
    Scenario(
        name="update, the image breaks the site",
        environment=DEV,
        earlier=(creation(),),
        body=update(changes=ALL_OF_CONTAINERS),
        ends=FAILED,
        spoiled_step="check_trial",
        keeps_target=True,
    ),
    Scenario(
        name="update, own domain",
        environment=DEV,
        earlier=(creation(),),
        body=update(changes={"domain": "banana.example"}),
        ends=DONE,
    ),
    Scenario(
        name="update, another domain",
        environment=DEV,
        earlier=(creation(), OWN_DOMAIN),
        body=update(changes={"domain": "www.apple.example"}),
        ends=DONE,
    ),
    Scenario(
        name="update, own domain, rolled back",
        environment=DEV,
        earlier=(creation(),),
        body=update(changes={"domain": "banana.example"}),
        ends=BACK,
        spoiled_step="check_after",
        keeps_target=True,
    ),
    Scenario(
        name="update, a newer PHP",
        environment=DEV,
        earlier=(creation(),),
        body=update(changes={"configuration": {"phpVersion": "8.3"}}),
        ends=DONE,
    ),
    Scenario(
        name="update of a read-only site",
        environment=PROD,
        earlier=(FIRST_TO_PROD,),
        body=OVERRIDE,
        ends=DONE,
    ),
    Scenario(
        name="update of a read-only site, rejected",
        environment=PROD,
        earlier=(FIRST_TO_PROD,),
        body=OVERRIDE,
        ends=OperationStatus.REJECTED,
        against="OPERATIONS_LEAD",
        keeps_target=True,
    ),
    Scenario(
        name="update, WordPress in every way",
        environment=DEV,
        earlier=(PLUGGED,),
        body=update(changes=ALL_OF_WORDPRESS),
        ends=DONE,
    ),
    Scenario(
        name="update, a plugin enabled again",
        environment=DEV,
        earlier=(PLUGGED, WITHOUT_COUNTER),
        body=update(changes={"plugins": {"enable": ["counter"]}}),
        ends=DONE,
    ),
    Scenario(
        name="update, the plugins break the site",
        environment=DEV,
        earlier=(PLUGGED,),
        body=update(changes=ALL_OF_WORDPRESS),
        ends=BACK,
        spoiled_step="check_changed",
        keeps_target=True,
    ),
    Scenario(
        name="update, a plugin cannot be activated",
        environment=DEV,
        earlier=(PLUGGED,),
        body=update(changes={"plugins": {"install": ["forms"]}}),
        ends=FAILED,
        spoiled_step="install_plugins",
        keeps_target=True,
    ),
    Scenario(
        name="update, rolled back",
        environment=DEV,
        earlier=(creation(),),
        body=update(changes=ALL_OF_CONTAINERS),
        ends=BACK,
        spoiled_step="check_changed",
        keeps_target=True,
    ),
)

SCENARIOS = (
    *UPDATES,
    Scenario(name="creation", environment=DEV, body=creation(), ends=DONE),
    Scenario(
        name="creation, slow jobs",
        environment=DEV,
        body=creation(),
        ends=DONE,
        job_seconds=VISIBILITY_SECONDS + 60,
    ),
    Scenario(
        name="creation, clone",
        environment=DEV,
        earlier=(APPLE,),
        body=creation(cloneFrom="site-apple"),
        ends=DONE,
    ),
    Scenario(
        name="creation, made up",
        environment=DEV,
        body=MADE_UP,
        ends=DONE,
    ),
    Scenario(
        name="creation, made up, undone",
        environment=DEV,
        body=MADE_UP,
        ends=FAILED,
        spoiled_step="check_before",
    ),
    Scenario(
        name="creation, clone made up",
        environment=DEV,
        earlier=(APPLE,),
        body=creation(cloneFrom="site-apple", configuration={"plugins": ["gallery"]}),
        ends=DONE,
    ),
    Scenario(
        name="creation, undone",
        environment=DEV,
        body=creation(),
        ends=FAILED,
        spoiled_step="check_before",
    ),
    Scenario(name="promotion, first", environment=SIT, body=promotion(), ends=DONE),
    Scenario(name="promotion", environment=SIT, earlier=(FIRST,), body=promotion(), ends=DONE),
    Scenario(
        name="promotion, third",
        environment=SIT,
        earlier=(FIRST, SECOND),
        body=promotion(),
        ends=DONE,
    ),
    Scenario(
        name="promotion, import fails",
        environment=SIT,
        earlier=(FIRST,),
        body=promotion(),
        ends=FAILED,
        spoiled_step="import_database",
        keeps_target=True,
    ),
    Scenario(
        name="promotion, undone",
        environment=SIT,
        earlier=(FIRST,),
        body=promotion(),
        ends=FAILED,
        spoiled_step="check_before",
        keeps_target=True,
    ),
    Scenario(
        name="promotion, rolled back",
        environment=SIT,
        earlier=(FIRST,),
        body=promotion(),
        ends=BACK,
        spoiled_step="check_after",
        keeps_target=True,
    ),
    Scenario(
        name="first promotion, rolled back",
        environment=SIT,
        body=promotion(),
        ends=BACK,
        spoiled_step="check_after",
        keeps_target=True,
    ),
    Scenario(
        name="rollback on request",
        environment=SIT,
        earlier=(FIRST, SECOND),
        body=BACK_TO_FIRST,
        ends=DONE,
    ),
    Scenario(
        name="rollback on request, the former release is broken",
        environment=SIT,
        earlier=(FIRST, SECOND),
        body=BACK_TO_FIRST,
        ends=FAILED,
        spoiled_step="check_former",
        keeps_target=True,
    ),
    Scenario(
        name="promotion to prod, first", environment=PROD, body=promotion_to_prod(), ends=DONE
    ),
    Scenario(
        name="promotion to prod",
        environment=PROD,
        earlier=(FIRST_TO_PROD,),
        body=promotion_to_prod(),
        ends=DONE,
    ),
    Scenario(
        name="promotion to prod, rolled back by its monitor",
        environment=PROD,
        earlier=(FIRST_TO_PROD,),
        body=promotion_to_prod(),
        ends=BACK,
        spoiled_step="monitor",
        keeps_target=True,
    ),
    Scenario(
        name="promotion to prod, rejected",
        environment=PROD,
        earlier=(FIRST_TO_PROD,),
        body=promotion_to_prod(),
        ends=OperationStatus.REJECTED,
        against="OPERATIONS_LEAD",
        keeps_target=True,
    ),
    Scenario(
        name="deletion", environment=DEV, earlier=(NEIGHBOUR, CREATED), body=deletion(), ends=DONE
    ),
    Scenario(
        name="deletion, its backup discarded",
        environment=DEV,
        earlier=(NEIGHBOUR, CREATED),
        body=deletion(retainBackup=False),
        ends=DONE,
    ),
    Scenario(
        name="deletion, slow jobs",
        environment=DEV,
        earlier=(CREATED,),
        body=deletion(),
        ends=DONE,
        job_seconds=VISIBILITY_SECONDS + 60,
    ),
    Scenario(
        name="deletion, the backup is not proved",
        environment=DEV,
        earlier=(NEIGHBOUR, CREATED),
        body=deletion(),
        ends=FAILED,
        spoiled_step="prove_backup",
        keeps_target=True,
    ),
    Scenario(
        name="deletion with kept releases",
        environment=SIT,
        earlier=(FIRST, SECOND),
        body=deletion(),
        ends=DONE,
    ),
    Scenario(
        name="deletion in prod",
        environment=PROD,
        earlier=(FIRST_TO_PROD,),
        body=deletion(),
        ends=DONE,
    ),
    Scenario(
        name="deletion in prod, rejected",
        environment=PROD,
        earlier=(FIRST_TO_PROD,),
        body=deletion(),
        ends=OperationStatus.REJECTED,
        against="OPERATIONS_LEAD",
        keeps_target=True,
    ),
    Scenario(
        name="restore",
        environment=DEV,
        earlier=(NEIGHBOUR, CREATED, deletion()),
        body=restore(backup_id(DEV)),
        ends=DONE,
    ),
    Scenario(
        name="restore, undone",
        environment=DEV,
        earlier=(NEIGHBOUR, CREATED, deletion()),
        body=restore(backup_id(DEV)),
        ends=FAILED,
        spoiled_step="check_before",
        keeps_target=True,
    ),
    Scenario(
        name="restore of a living site",
        environment=DEV,
        earlier=(CREATED, deletion(), restore(backup_id(DEV), correlation="first")),
        body=restore(backup_id(DEV)),
        ends=DONE,
    ),
    Scenario(
        name="the look at a live site finds it broken",
        environment=PROD,
        earlier=(FIRST_TO_PROD,),
        body=look(),
        ends=FAILED,
        spoiled_step="check_live",
        keeps_target=True,
    ),
    Scenario(
        name="the lock of a site is handed over",
        environment=DEV,
        body=stand_ins.update("first"),
        later={stand_ins.update("second"): 400},
        queue=QueueName.UPDATE,
        workflows=STAND_INS,
        ends=DONE,
    ),
    Scenario(
        name="a turn among a tenant's operations is handed over",
        environment=DEV,
        body=stand_ins.update("first"),
        later={stand_ins.update("second", site_id="site-damson"): 400},
        queue=QueueName.UPDATE,
        workflows=STAND_INS,
        most_running=1,
        ends=DONE,
    ),
)
