"""Twin of CloudWatch metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from core.adapters.memory.world import World, metric_key
from core.domain.errors import ConfigurationError, TransientError
from core.ports.jobs import Where
from core.ports.observation import Datapoint, MetricQuery


class MemoryMetrics:
    """Answers with the world's datapoints, whatever statistic is asked for."""

    def __init__(self, world: World) -> None:
        self.world = world

    def read(
        self,
        where: Where,
        queries: Sequence[MetricQuery],
        *,
        start: datetime,
        end: datetime,
        period_seconds: int,  # noqa: ARG002 - the port's signature
        operation_id: str,
    ) -> Mapping[str, Sequence[Datapoint]]:
        world = self._world(where, operation_id)
        if world.metrics_unavailable is not None:
            raise TransientError(world.metrics_unavailable)
        return {query.key: _between(world, query, start, end) for query in queries}

    def _world(self, where: Where, operation_id: str) -> World:
        if where is Where.HERE:
            return self.world
        if self.world.source is None:
            raise ConfigurationError(f"{self.world.environment} has no source environment.")
        self.world.source.role_sessions.append(operation_id)
        return self.world.source


def _between(
    world: World, query: MetricQuery, start: datetime, end: datetime
) -> Sequence[Datapoint]:
    key = metric_key(query.namespace, query.metric, query.dimensions)
    found = (point for point in world.metrics.get(key, ()) if start <= point.at < end)
    return sorted(found, key=lambda point: point.at)
