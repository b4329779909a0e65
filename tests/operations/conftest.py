"""A promotion of sit to prod on memory twins, standing at whatever step a test names."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from core.adapters.memory.world import World, metric_key
from core.bootstrap import load_policy
from core.domain.job_models import Check, ObjectLocation
from core.domain.jobs import CensusJob
from core.domain.operation import Fact, Operation
from core.domain.policy import Policy
from core.domain.site import Release, ReleaseStatus
from core.engine.step import StepContext
from core.ports.observation import Datapoint
from events.decode import decode
from events.formats import Environment
from events.vocabulary import DetailType, OperationStatus, OperationType, Phase
from simulation.fleet import SimulatedFleet
from simulation.jobs import JobPlayer
from simulation.requests import SITE, TENANT, promotion

NOW = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)  # a Tuesday, 22:30 in Johannesburg
ELB = "arn:aws:elasticloadbalancing:af-south-1:093646564004"
NEW_GROUP, OLD_GROUP = f"{ELB}:targetgroup/wp-x-r2/22", f"{ELB}:targetgroup/wp-x-r1/11"
RULE = f"{ELB}:listener-rule/app/bbws-wp-internal-alb-prod/aa/bb/cc"
BALANCER = "app/bbws-wp-internal-alb-prod/aa"


@dataclass
class Stage:
    """The world around one step."""

    fleet: SimulatedFleet
    policy: Policy
    now: datetime = NOW
    since: datetime = NOW
    step: str = "check_gates"
    attempt: int = 0
    phase: Phase = Phase.FORWARD
    payload: dict = field(default_factory=dict)
    facts: dict = field(default_factory=dict)

    @property
    def world(self) -> World:
        return self.fleet.world

    @property
    def source(self) -> World:
        return self.fleet.world.source

    def promotion_rules(self, part, **changes):
        """Change one part of the promotion policy."""
        rules = self.policy.promotion
        changed = getattr(rules, part).model_copy(update=changes)
        rules = rules.model_copy(update={part: changed})
        self.policy = self.policy.model_copy(update={"promotion": rules})

    def metric(self, namespace, name, *points, world=None, **dimensions):
        """Hold datapoints of a metric: (minutes from now, value); none: no datapoint at all."""
        key = metric_key(namespace, name, dimensions)
        (world or self.world).metrics[key] = [
            Datapoint(at=self.now + timedelta(minutes=m), value=v) for m, v in points
        ]

    def context(self) -> StepContext:
        self.fleet.clock.advance_to(self.now)
        return StepContext(
            operation=_operation(self),
            request=decode(promotion(**PAYLOAD, **self.payload)),
            facts=self.facts,
            records=(),
            ports=self.fleet.engine.ports,
            policy=self.policy,
            now=self.now,
        )

    def run(self, step):
        return step(self.context())


PAYLOAD = {
    "sourceEnvironment": "sit",
    "targetEnvironment": "prod",
    "changeTicket": "CHG0012345",
}


def _operation(stage):
    return Operation(
        operation_id="0f1e2d3c-0000-5000-8000-000000000001",
        operation_type=OperationType.SITE_PROMOTION,
        tenant_id=TENANT,
        site_id=SITE,
        environment=Environment.PROD,
        correlation_id="promote",
        request_hash="0" * 32,
        plan=(stage.step,),
        status=OperationStatus.IN_PROGRESS,
        phase=stage.phase,
        attempt=stage.attempt,
        head=Fact(
            detail_type=DetailType.STEP_COMPLETED, phase=Phase.FORWARD, step="plan", attempt=0
        ),
        step_since=stage.since,
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.fixture
def stage():
    source = World(environment=Environment.SIT)
    fleet = SimulatedFleet(environment=Environment.PROD, source=source)
    policy = load_policy("prod")
    made = Stage(fleet=fleet, policy=policy)
    made.facts = {
        "plan": {"census": _census(fleet, policy), "plan_hash": "sha256:1"},
        "survey_target": {"target": {"rights": [CHECK.model_dump()]}},
        "check_source": {"passed": True, "checks": 14, "names": []},
        "reserve_release": {"release": 2, "live_release": 1},
        "start_release": {"target_group_arn": NEW_GROUP},
    }
    return made


CHECK = Check(name="make a schema", passed=True, evidence="made and dropped")


def _census(fleet, policy):
    job = CensusJob(
        operation_id="op",
        step="plan",
        attempt=0,
        tenant_id=TENANT,
        site_id=SITE,
        correlation_id="promote",
        result=ObjectLocation(bucket="b", key="k"),
        environment=Environment.SIT,
    )
    return JobPlayer(policy, fleet.effects, fleet.world).play(job).facts


@pytest.fixture
def live(stage):
    """A former release is live, and the rule points at the new one."""
    names = stage.fleet.engine.ports.load_balancer
    site = "banana.wp.kimmyai.io"
    rule = names.create_rule(site, NEW_GROUP, {})
    stage.world.rules[site] = replace(rule, arn=RULE)
    stage.world.releases[TENANT, SITE, 1] = Release(
        tenant_id=TENANT,
        site_id=SITE,
        number=1,
        status=ReleaseStatus.LIVE,
        operation_id="earlier",
        schema="s_x_r1",
        content_root="/tenant-1/x/r1",
        target_group_arn=OLD_GROUP,
        created_at=NOW,
        updated_at=NOW,
    )
    return stage
