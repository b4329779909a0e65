"""The evidence for the gates: asked of metrics, load balancer, IAM and what earlier steps found."""

from __future__ import annotations

from datetime import timedelta

from core.domain.census import Census
from core.domain.gate_evidence import (
    CapacityEvidence,
    CriticalLogEvidence,
    GateEvidence,
    HealthEvidence,
    LookBack,
    PathEvidence,
    PermissionEvidence,
    SourceTestEvidence,
)
from core.domain.names import SiteNames, sites_log_group
from core.engine.step import StepContext
from core.operations.steps.move import Move
from core.operations.steps.plan_facts import promotion_payload, target_census
from core.operations.steps.rights import needed_rights
from core.operations.steps.site_metrics import (
    ReleaseDimensions,
    period_for,
    read,
    read_health,
)
from core.ports.jobs import Where
from core.ports.observation import MetricQuery

STORAGE_LOOK_BACK = timedelta(hours=6)
"""Aurora writes VolumeBytesUsed only now and then; the newest datapoint counts."""
LOG_PERIODS = 24
"""Into so many a look-back at the log is divided; each must have a line."""
SHORTEST_LOG_PERIOD_SECONDS = 60


def gather(context: StepContext, census: Census | None = None) -> GateEvidence:
    """Return the evidence as it is now; `census` stands in for the plan's when counted anew."""
    move, payload = Move(context), promotion_payload(context)
    source = census or move.census
    return GateEvidence(
        gathered_at=context.now,
        incident_id=payload.emergency.incident_id if payload and payload.emergency else None,
        change_ticket=payload.change_ticket if payload else None,
        path=PathEvidence(
            source=move.source_environment,
            target=context.policy.environment,
            allowed_source=context.policy.promotion_sources.get(context.policy.environment),
        ),
        source_test=_source_test(context),
        live_since=source.live_since,
        health=_health(context, source),
        critical_log=_critical_log(context, source),
        capacity=_capacity(context, source),
        permissions=_permissions(context, source),
    )


# --- inside ---------------------------------------------------------------------------------


def _source_test(context: StepContext) -> SourceTestEvidence | None:
    """Return what the step said that ran the checks; a failed check has ended the operation."""
    facts = context.facts.get("check_source")
    checks = facts.get("checks") if facts and facts.get("passed") else None
    if isinstance(checks, list):
        return SourceTestEvidence(checks=len(checks))
    return SourceTestEvidence(checks=checks) if isinstance(checks, int) else None


def _health(context: StepContext, source: Census) -> HealthEvidence:
    release = None
    if source.target_group_arn and source.load_balancer_arn:
        release = ReleaseDimensions.of(source.target_group_arn, source.load_balancer_arn)
    look_back = _look_back(context, context.policy.promotion_rules.gates.lookback_seconds)
    reading = read_health(context, Where.SOURCE, source.environment, release, look_back)
    return reading.health


def _critical_log(context: StepContext, source: Census) -> CriticalLogEvidence:
    """Read the log of the release that is promoted; its neighbours' trouble is not its own."""
    seconds = context.policy.promotion_rules.gates.critical_lookback_seconds
    look_back = LookBack(
        start=context.now - timedelta(seconds=seconds),
        end=context.now,
        period_seconds=max(SHORTEST_LOG_PERIOD_SECONDS, seconds // LOG_PERIODS),
    )
    site = SiteNames(
        environment=source.environment, tenant_id=source.tenant_id, site_id=source.site_id
    )
    release = site.release(source.release)
    reading = context.ports.site_logs.read(
        Where.SOURCE,
        release,
        start=look_back.start,
        end=look_back.end,
        period_seconds=look_back.period_seconds,
        operation_id=context.operation.operation_id,
    )
    return CriticalLogEvidence(
        look_back=look_back,
        lines=None if reading.unread and not reading.critical_lines else reading.critical_lines,
        heartbeats=reading.heartbeats,
        log=f"{sites_log_group(source.environment)}, streams {release.log_streams}...",
        unread=reading.unread,
    )


def _capacity(context: StepContext, source: Census) -> CapacityEvidence:
    gates = context.policy.promotion_rules.gates
    free: float | None = None
    query = _storage_query(context)
    if query is not None:
        start = context.now - STORAGE_LOOK_BACK
        look_back = LookBack(start=start, end=context.now, period_seconds=300)
        points = read(context, Where.HERE, [query], look_back)[query.key]
        free = points[-1].value if points else None
        if free is not None and gates.database_cluster:
            free = gates.cluster_volume_limit_bytes - free
    room = context.ports.load_balancer.room(source.isolation_level)
    return CapacityEvidence(
        free_storage_bytes=free,
        storage_metric=_storage_name(query),
        source_size_bytes=source.database_size_bytes or None,
        free_rule_priorities=room.rules,
        free_target_groups=room.target_groups,
    )


def _storage_query(context: StepContext) -> MetricQuery | None:
    gates = context.policy.promotion_rules.gates
    if gates.database_cluster:
        metric, dimensions = "VolumeBytesUsed", {"DBClusterIdentifier": gates.database_cluster}
    elif gates.database_instance:
        metric, dimensions = "FreeStorageSpace", {"DBInstanceIdentifier": gates.database_instance}
    else:
        return None
    return MetricQuery(
        key="storage",
        namespace="AWS/RDS",
        metric=metric,
        dimensions=dimensions,
        statistic="Average",
    )


def _storage_name(query: MetricQuery | None) -> str:
    if query is None:
        return "gates.database_cluster and gates.database_instance are empty: it"
    return f"{query.metric} of {next(iter(query.dimensions.values()))}"


def _permissions(context: StepContext, source: Census) -> PermissionEvidence:
    rights = needed_rights(context)
    missing = context.ports.permissions.missing(rights)
    return PermissionEvidence(
        tried_in_source=tuple(source.rights),
        tried_in_target=tuple(target_census(context).rights),
        simulated=len(rights),
        missing=tuple(f"{right.action} on {right.resource}" for right in missing),
    )


def _look_back(context: StepContext, seconds: int) -> LookBack:
    start = context.now - timedelta(seconds=seconds)
    return LookBack(start=start, end=context.now, period_seconds=period_for(start, context.now))
