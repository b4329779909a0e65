"""Metrics of one release and of the fleet's functions, read as evidence; nothing is judged here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.domain.gate_evidence import (
    ErrorPoint,
    FunctionReadings,
    HealthEvidence,
    LookBack,
    TargetGroupReadings,
)
from core.engine.step import StepContext
from core.ports.jobs import Where
from core.ports.observation import Datapoint, MetricQuery
from events.formats import Environment

LOAD_BALANCER = "AWS/ApplicationELB"
FUNCTION = "AWS/Lambda"
ROLES = ("creation", "update", "deletion", "promotion", "wakeup", "sweeper", "notifier")
"""The fleet's functions are called `{env}-bbws-async-processor-<role>`."""
HEARTBEAT_ROLE = "sweeper"
"""Runs every minute, whether or not there is work."""
GOOD_ANSWERS = ("2XX", "3XX", "4XX")
MOST_POINTS = 100

type Answers = Mapping[str, Sequence[Datapoint]]


@dataclass(frozen=True, kw_only=True)
class ReleaseDimensions:
    """How CloudWatch names a release's target group: by the last parts of two ARNs."""

    target_group: str
    load_balancer: str

    @classmethod
    def of(cls, target_group_arn: str, load_balancer: str) -> ReleaseDimensions:
        """Return the dimensions; the load balancer may be named by its ARN or by one of a rule."""
        return cls(
            target_group=target_group_arn.rpartition(":")[2],
            load_balancer=_load_balancer(load_balancer),
        )

    def as_query(self, metric: str, statistic: str = "Sum", key: str | None = None) -> MetricQuery:
        """Return the query for one of the release's metrics."""
        return MetricQuery(
            key=key or metric,
            namespace=LOAD_BALANCER,
            metric=metric,
            dimensions={"TargetGroup": self.target_group, "LoadBalancer": self.load_balancer},
            statistic=statistic,
        )


@dataclass(frozen=True, kw_only=True)
class HealthReading:
    """Readings with the points in time that the monitor looks at more closely."""

    health: HealthEvidence
    throttle_points: tuple[ErrorPoint, ...]


def read_health(
    context: StepContext,
    where: Where,
    environment: Environment,
    release: ReleaseDimensions | None,
    look_back: LookBack,
) -> HealthReading:
    """Return what the release's load balancer and the fleet's functions counted."""
    queries = [*_release_queries(release), *_function_queries(environment)]
    answers = read(context, where, queries, look_back)
    readings = HealthEvidence(
        look_back=look_back,
        target_group=_target_group(answers) if release is not None else None,
        functions=tuple(_function(environment, role, answers) for role in ROLES),
        heartbeats=len(answers[f"{HEARTBEAT_ROLE}:Invocations"]),
        error_points=_points(answers, ("HTTPCode_Target_5XX_Count", ":Errors")),
    )
    return HealthReading(health=readings, throttle_points=_points(answers, (":Throttles",)))


def no_reading(look_back: LookBack) -> HealthReading:
    """Return a reading without a single datapoint: nobody could be asked."""
    health = HealthEvidence(look_back=look_back, target_group=None, functions=(), heartbeats=0)
    return HealthReading(health=health, throttle_points=())


def read(
    context: StepContext, where: Where, queries: Sequence[MetricQuery], look_back: LookBack
) -> Answers:
    """Return the answers of every query, empty where there is no datapoint."""
    found = context.ports.metrics.read(
        where,
        queries,
        start=look_back.start,
        end=look_back.end,
        period_seconds=look_back.period_seconds,
        operation_id=context.operation.operation_id,
    )
    return {query.key: found.get(query.key, ()) for query in queries}


def total(points: Sequence[Datapoint]) -> float | None:
    """Return the sum; None, not 0, where there is no datapoint."""
    return sum(point.value for point in points) if points else None


def period_for(start: datetime, end: datetime) -> int:
    """Return a period that answers a look-back with a few hundred datapoints at most."""
    return 60 if (end - start).total_seconds() <= 3 * 3600 else 300


# --- inside ---------------------------------------------------------------------------------


def _load_balancer(arn: str) -> str:
    """Return `app/<name>/<id>`: the end of its own ARN, or the middle of a listener rule's."""
    if "listener-rule/" in arn:
        return "/".join(arn.partition("listener-rule/")[2].split("/")[:3])
    return arn.partition("loadbalancer/")[2] or arn


def _release_queries(release: ReleaseDimensions | None) -> Iterator[MetricQuery]:
    if release is None:
        return
    yield release.as_query("RequestCount")
    for answers in (*GOOD_ANSWERS, "5XX"):
        yield release.as_query(f"HTTPCode_Target_{answers}_Count")
    yield release.as_query("HealthyHostCount", "Maximum")


def _function_queries(environment: Environment) -> Iterator[MetricQuery]:
    for role in ROLES:
        for metric in ("Invocations", "Errors", "Throttles"):
            yield MetricQuery(
                key=f"{role}:{metric}",
                namespace=FUNCTION,
                metric=metric,
                dimensions={"FunctionName": _function_name(environment, role)},
            )


def _function_name(environment: Environment, role: str) -> str:
    return f"{environment}-bbws-async-processor-{role}"


def _target_group(answers: Answers) -> TargetGroupReadings:
    good = [point for kind in GOOD_ANSWERS for point in answers[f"HTTPCode_Target_{kind}_Count"]]
    return TargetGroupReadings(
        requests=total(answers["RequestCount"]),
        answers=total(good),
        server_errors=total(answers["HTTPCode_Target_5XX_Count"]),
        heartbeats=len(answers["HealthyHostCount"]),
    )


def _function(environment: Environment, role: str, answers: Answers) -> FunctionReadings:
    return FunctionReadings(
        name=_function_name(environment, role),
        invocations=total(answers[f"{role}:Invocations"]),
        errors=total(answers[f"{role}:Errors"]),
        throttles=total(answers[f"{role}:Throttles"]),
    )


def _points(answers: Answers, endings: tuple[str, ...]) -> tuple[ErrorPoint, ...]:
    """Return the newest periods in which something was counted, oldest first."""
    sums: dict[datetime, float] = defaultdict(float)
    for key, points in answers.items():
        if key.endswith(endings):
            for point in points:
                sums[point.at] += point.value
    counted = [ErrorPoint(at=at, errors=sums[at]) for at in sorted(sums) if sums[at] > 0]
    return tuple(counted[-MOST_POINTS:])
