"""What CloudWatch holds of a healthy environment, whatever span is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from core.adapters.memory.metrics import MemoryMetrics
from core.adapters.memory.world import metric_key
from core.ports.jobs import Where
from core.ports.observation import Datapoint, MetricQuery

HEALTHY: Mapping[str, float] = {
    "RequestCount": 60,
    "HTTPCode_Target_2XX_Count": 60,
    "HealthyHostCount": 1,
    "TargetResponseTime": 0.05,
    "Invocations": 1,
    "Errors": 0,
    "Throttles": 0,
    "VolumeBytesUsed": 10 * 2**30,
    "FreeStorageSpace": 500 * 2**30,
}
"""Value of each period. What is not here has no datapoint, as it is with CloudWatch."""


class HealthyMetrics(MemoryMetrics):
    """One good datapoint a period; a metric that the world holds counts instead of it."""

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
        found = super().read(
            where,
            queries,
            start=start,
            end=end,
            period_seconds=period_seconds,
            operation_id=operation_id,
        )
        held = self._world(where, operation_id).metrics
        period = timedelta(seconds=period_seconds)
        return {
            query.key: found[query.key]
            if metric_key(query.namespace, query.metric, query.dimensions) in held
            else _healthy(query.metric, start, end, period)
            for query in queries
        }


@lru_cache(maxsize=4096)
def _healthy(metric: str, start: datetime, end: datetime, period: timedelta) -> Sequence[Datapoint]:
    if metric not in HEALTHY:
        return ()
    periods = max(1, int((end - start) / period))
    return tuple(Datapoint(at=start + n * period, value=HEALTHY[metric]) for n in range(periods))
