"""Section 8 of the site management runbook, its table of metrics and their thresholds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from core.domain.measurements import DIMENSION, NAMESPACE
from ops.deployed import FUNCTION_ROLES, function_name
from ops.doctor.model import Check, Evidence, Finding, bad, doubtful, good
from ops.doctor.sources import Sources

_FUNCTION: Final = "{environment}-bbws-async-processor-<role>"
_OPERATIONS: Final = "sitefleet operations list --env {environment} --days 1"


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """One row of the runbook's table of metrics."""

    name: str
    stat: str
    below: float
    minutes: int
    fix: str = _OPERATIONS
    unit: str = ""
    namespace: str = NAMESPACE
    functions: bool = False
    """Whether it is the sum over the fleet's functions."""


def _of_functions(name: str, below: float, fix: str) -> Threshold:
    return Threshold(
        name=name,
        stat="Sum",
        below=below,
        minutes=5,
        namespace="AWS/Lambda",
        functions=True,
        fix=fix,
    )


THRESHOLDS: Final = {
    "8.5": Threshold(
        name="SiteCreationFailed",
        stat="Sum",
        below=5,
        minutes=15,
        fix=f"{_OPERATIONS} --status FAILED",
    ),
    "8.6": Threshold(name="SiteCreationDuration", stat="p95", below=600, minutes=60, unit=" s"),
    "8.7": Threshold(name="WordPressAPILatency", stat="p95", below=5000, minutes=60, unit=" ms"),
    "8.8": Threshold(
        name="DLQMessages",
        stat="Maximum",
        below=1,
        minutes=5,
        fix="sitefleet dlq list --env {environment}",
    ),
    "8.9": _of_functions("Errors", 10, f"aws logs tail /aws/lambda/{_FUNCTION} --since 15m"),
    "8.10": _of_functions(
        "Throttles", 5, f"aws lambda get-function-concurrency --function-name {_FUNCTION}"
    ),
}


WITNESS: Final = "witness"
"""The query of the metric that is always written while the fleet is at work."""


def read_metric(threshold: Threshold, sources: Sources) -> Evidence:
    """Read the values of the span that the threshold is about."""
    dimensions = [{"Name": DIMENSION, "Value": sources.environment.value}]
    each = [[{"Name": "FunctionName", "Value": name}] for name in function_names(sources)]
    queries = [
        _query(f"m{n}", threshold, one)
        for n, one in enumerate(each if threshold.functions else [dimensions])
    ]
    answer = sources.client("cloudwatch").get_metric_data(
        MetricDataQueries=[*queries, _query(WITNESS, THRESHOLDS["8.8"], dimensions)],
        StartTime=sources.now - timedelta(minutes=threshold.minutes),
        EndTime=sources.now,
    )
    results = answer["MetricDataResults"]
    incomplete = [one.get("StatusCode") for one in results if one.get("StatusCode") != "Complete"]
    values = {one["Id"]: list(one["Values"]) for one in results}
    witnessed = bool(values.pop(WITNESS, []))
    told = [value for of_one in values.values() for value in of_one]
    return {"values": told, "incomplete": incomplete, "witnessed": witnessed}


def judge_metric(threshold: Threshold, evidence: Evidence) -> Finding:
    """It stays below its limit.

    Nothing measured is 0 for a count of the fleet's own, and only while the sweeper's count, which
    is written every minute, is there: else nobody measures. Lambda counts every invocation.
    """
    if evidence["incomplete"]:
        return doubtful(f"CloudWatch answered {evidence['incomplete'][0]}")
    values = evidence["values"]
    span = f"in {threshold.minutes} min"
    if not values:
        if threshold.stat == "Sum" and evidence["witnessed"] and not threshold.functions:
            return good(f"no {threshold.name} {span}")
        return doubtful(f"nothing was measured {span}")
    value = sum(values) if threshold.stat == "Sum" else max(values)
    text = f"{threshold.name} {value:g}{threshold.unit} {span}, limit {threshold.below:g}"
    return good(text) if value < threshold.below else bad(text)


def function_names(sources: Sources) -> list[str]:
    """Return the names of the environment's functions."""
    return [function_name(sources.environment, role) for role in FUNCTION_ROLES]


def metric_check(number: str, title: str) -> Check:
    """Return the check of one row of the table."""
    threshold = THRESHOLDS[number]
    reader: Callable[[Sources], Evidence] = partial(read_metric, threshold)
    return Check(
        number=number,
        title=title,
        read=reader,
        judge=partial(judge_metric, threshold),
        fix=threshold.fix,
    )


# --- inside ---------------------------------------------------------------------------------


def _query(query_id: str, threshold: Threshold, dimensions: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "Id": query_id,
        "MetricStat": {
            "Metric": {
                "Namespace": threshold.namespace,
                "MetricName": threshold.name,
                "Dimensions": dimensions,
            },
            "Period": threshold.minutes * 60,
            "Stat": threshold.stat,
        },
    }
