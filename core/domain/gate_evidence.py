"""What the gates decide on: everything that was measured or said, as one JSON-able value.

Nothing here is judged. A number that could not be measured is None, which is never the same as 0.
"""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from core.domain.job_models import Check
from core.domain.promotion_policy import GatePolicy
from core.domain.room import MOST_TARGET_GROUPS
from core.domain.window_policy import WindowPolicy
from events.formats import Environment


class EvidenceModel(BaseModel):
    """Base of evidence: frozen, camelCase as JSON, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class PathEvidence(EvidenceModel):
    """From where to where."""

    source: Environment
    target: Environment
    allowed_source: Environment | None
    """Where policy says that sites of the target come from."""


class SourceTestEvidence(EvidenceModel):
    """The checks, run against the source's live release at plan time."""

    checks: int
    failed: tuple[str, ...] = ()
    """Names of the checks that failed, each with its evidence."""


class LookBack(EvidenceModel):
    """The span over which a metric was summed."""

    start: AwareDatetime
    end: AwareDatetime
    period_seconds: int


class TargetGroupReadings(EvidenceModel):
    """What the load balancer counted for one release; None: no datapoint at all."""

    requests: float | None
    answers: float | None
    """Answers of the containers with 2xx, 3xx or 4xx: requests that were no server error."""
    server_errors: float | None
    heartbeats: int
    """Periods with a datapoint of HealthyHostCount, which is reported with and without traffic."""


class FunctionReadings(EvidenceModel):
    """What Lambda counted for one function; None: no datapoint at all."""

    name: str
    invocations: float | None
    errors: float | None
    throttles: float | None


class ErrorPoint(EvidenceModel):
    """When errors happened: so that a failed gate can say when it would pass."""

    at: AwareDatetime
    """Start of the period."""
    errors: float


class HealthEvidence(EvidenceModel):
    """The source's errors and throttles within the look-back."""

    look_back: LookBack
    target_group: TargetGroupReadings | None
    """None: nobody could tell which one is the source's."""
    functions: tuple[FunctionReadings, ...]
    heartbeats: int
    """Periods with a datapoint of a function that runs whether or not there is work."""
    error_points: tuple[ErrorPoint, ...] = ()
    """The newest periods that had errors, oldest first."""


class CriticalLogEvidence(EvidenceModel):
    """Critical log lines of the source's live release, and of no other site."""

    look_back: LookBack
    lines: float | None
    """None: not everything was read, and nothing critical was in what was."""
    heartbeats: int
    """Periods with any line: the load balancer's health checks leave some in each."""
    log: str = ""
    """Which log was read: group and how its streams begin."""
    unread: str = ""
    """A sentence about what could not be read; empty: everything was."""


class CapacityEvidence(EvidenceModel):
    """What the target can still take."""

    free_storage_bytes: float | None
    storage_metric: str
    """Which metric told, for the person who looks it up."""
    source_size_bytes: int | None
    free_rule_priorities: int | None
    free_target_groups: int = MOST_TARGET_GROUPS
    """Evidence of earlier versions has none: there cannot have been more."""


class PermissionEvidence(EvidenceModel):
    """Rights that were tried (by the census jobs) and simulated (IAM's own simulator)."""

    tried_in_source: tuple[Check, ...] = ()
    tried_in_target: tuple[Check, ...] = ()
    simulated: int
    missing: tuple[str, ...] = ()
    """Denied by the simulation: action on resource."""


class GateEvidence(EvidenceModel):
    """A part for each gate; the window needs nothing but the clock."""

    gathered_at: AwareDatetime
    incident_id: str | None = None
    """Makes the promotion an emergency."""
    change_ticket: str | None = None
    path: PathEvidence
    source_test: SourceTestEvidence | None
    """None: the checks did not run."""
    live_since: AwareDatetime | None
    """When the source's live release went live."""
    health: HealthEvidence
    critical_log: CriticalLogEvidence
    capacity: CapacityEvidence
    permissions: PermissionEvidence


class GateThresholds(EvidenceModel):
    """The policies that were in force, as they were."""

    gates: GatePolicy
    window: WindowPolicy
    policy_version: str = Field(default="", max_length=64)
