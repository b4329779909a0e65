"""A promotion of sit to prod at whose gates nothing is wrong, to be changed in one place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.domain.gate_evidence import (
    CapacityEvidence,
    CriticalLogEvidence,
    FunctionReadings,
    GateEvidence,
    GateThresholds,
    HealthEvidence,
    LookBack,
    PathEvidence,
    PermissionEvidence,
    SourceTestEvidence,
    TargetGroupReadings,
)
from core.domain.gate_verdicts import Verdict
from core.domain.gates import decide_round
from core.domain.job_models import Check
from core.domain.promotion_policy import GatePolicy
from core.domain.window_policy import WindowPolicy
from events.formats import Environment

PASS, FAIL, OPEN = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
NOW = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)  # a Tuesday, 22:30 in Johannesburg
DAY = timedelta(days=1)
LOOK_BACK = LookBack(start=NOW - DAY, end=NOW, period_seconds=300)
GIB = 2**30

THRESHOLDS = GateThresholds(
    gates=GatePolicy(
        lookback_seconds=86_400,
        errors_below=5,
        stable_seconds=86_400,
        change_ticket_required=True,
    ),
    window=WindowPolicy.model_validate(
        {
            "openings": [{"day": "tuesday", "start": "22:00", "end": "02:00"}],
            "expected_seconds": 3600,
            "rollback_seconds": 900,
        }
    ),
)
GROUP = TargetGroupReadings(requests=1000, answers=1000, server_errors=None, heartbeats=288)
FUNCTIONS = (
    FunctionReadings(name="sit-promotion", invocations=None, errors=None, throttles=None),
    FunctionReadings(name="sit-sweeper", invocations=1440, errors=0, throttles=0),
)
HEALTH = HealthEvidence(
    look_back=LOOK_BACK, target_group=GROUP, functions=FUNCTIONS, heartbeats=288
)
LOG = CriticalLogEvidence(look_back=LOOK_BACK, lines=0, heartbeats=288)
CAPACITY = CapacityEvidence(
    free_storage_bytes=300 * GIB,
    storage_metric="FreeStorageSpace of bbws-prod",
    source_size_bytes=GIB,
    free_rule_priorities=60,
)
FINE = Check(name="make a schema", passed=True, evidence="made and dropped")
GOOD = GateEvidence(
    gathered_at=NOW,
    change_ticket="CHG0012345",
    path=PathEvidence(
        source=Environment.SIT, target=Environment.PROD, allowed_source=Environment.SIT
    ),
    source_test=SourceTestEvidence(checks=14),
    live_since=NOW - 3 * DAY,
    health=HEALTH,
    critical_log=LOG,
    capacity=CAPACITY,
    permissions=PermissionEvidence(
        tried_in_source=(FINE,),
        tried_in_target=(FINE,),
        simulated=20,
    ),
)


def with_health(**changes):
    return GOOD.model_copy(update={"health": HEALTH.model_copy(update=changes)})


def with_group(**changes):
    return with_health(target_group=GROUP.model_copy(update=changes))


def with_capacity(**changes):
    return GOOD.model_copy(update={"capacity": CAPACITY.model_copy(update=changes)})


def with_functions(*readings):
    named = ("name", "invocations", "errors", "throttles")
    return with_health(
        functions=tuple(FunctionReadings(**dict(zip(named, r, strict=True))) for r in readings)
    )


def verdict_of(name, evidence, *, now=NOW, gates=None, window=None):
    """Decide one gate, under thresholds that may differ from the settled ones."""
    thresholds = THRESHOLDS
    if gates:
        changed = thresholds.gates.model_copy(update=gates)
        thresholds = thresholds.model_copy(update={"gates": changed})
    if window:
        changed = thresholds.window.model_copy(update=window)
        thresholds = thresholds.model_copy(update={"window": changed})
    return decide_round(evidence, thresholds, now).of(name)
