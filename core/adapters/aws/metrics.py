"""CloudWatch metrics of this account and, through its role, of the source's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from core.adapters.aws.errors import calling
from core.adapters.aws.session import AwsClients, SourceAccount
from core.domain.errors import SitefleetError, TransientError
from core.ports.jobs import Where
from core.ports.observation import Datapoint, MetricQuery

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef, MetricDataResultTypeDef

BATCH: Final = 500
"""CloudWatch: queries of one GetMetricData call."""
COMPLETE: Final = "Complete"
FORBIDDEN: Final = "Forbidden"


class CloudWatchMetrics:
    """GetMetricData, all pages; an answer that is not complete is an error, never "no data"."""

    def __init__(self, *, clients: AwsClients, source: SourceAccount) -> None:
        self._clients = clients
        self._source = source

    def read(
        self,
        where: Where,
        queries: Sequence[MetricQuery],
        *,
        start: datetime,
        end: datetime,
        period_seconds: int,
        operation_id: str,
    ) -> Mapping[str, Sequence[Datapoint]]:
        clients = self._clients if where is Where.HERE else self._source.clients(operation_id)
        found: dict[str, Sequence[Datapoint]] = {}
        for first in range(0, len(queries), BATCH):
            batch = queries[first : first + BATCH]
            with calling("CloudWatch", f"{len(batch)} metrics"):
                pages = clients.cloudwatch.get_paginator("get_metric_data").paginate(
                    MetricDataQueries=[
                        _query(number, query, period_seconds) for number, query in enumerate(batch)
                    ],
                    StartTime=start,
                    EndTime=end,
                    ScanBy="TimestampAscending",
                )
                results = [result for page in pages for result in page["MetricDataResults"]]
            found |= {query.key: _of(number, query, results) for number, query in enumerate(batch)}
        return found


def _query(number: int, query: MetricQuery, period_seconds: int) -> MetricDataQueryTypeDef:
    return {
        "Id": _id(number),
        "MetricStat": {
            "Metric": {
                "Namespace": query.namespace,
                "MetricName": query.metric,
                "Dimensions": [
                    {"Name": name, "Value": value} for name, value in query.dimensions.items()
                ],
            },
            "Period": period_seconds,
            "Stat": query.statistic,
        },
        "ReturnData": True,
    }


def _of(
    number: int, query: MetricQuery, results: Sequence[MetricDataResultTypeDef]
) -> Sequence[Datapoint]:
    """Put one metric's pages together; only the last one's status counts."""
    mine = [result for result in results if result["Id"] == _id(number)]
    status = mine[-1].get("StatusCode", COMPLETE) if mine else "no answer"
    name = f"metric {query.namespace} {query.metric}"
    if status == FORBIDDEN:
        raise SitefleetError(f"The fleet's role may not read {name}; grant it in the template.")
    if status != COMPLETE:
        raise TransientError(f"CloudWatch's answer about {name} is not complete: {status}.")
    points = [
        Datapoint(at=moment.astimezone(UTC), value=value)
        for result in mine
        for moment, value in zip(result["Timestamps"], result["Values"], strict=True)
    ]
    return sorted(points, key=lambda point: point.at)


def _id(number: int) -> str:
    return f"m{number}"
