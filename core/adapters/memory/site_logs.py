"""Twin of the sites' log group."""

from __future__ import annotations

from datetime import datetime

from core.adapters.memory.world import World
from core.domain.critical_lines import is_critical
from core.domain.errors import ConfigurationError
from core.domain.names import ReleaseNames
from core.ports.jobs import Where
from core.ports.observation import LogReading


class MemorySiteLogs:
    """Reads the world's streams."""

    def __init__(self, world: World) -> None:
        self.world = world

    def read(
        self,
        where: Where,
        release: ReleaseNames,
        *,
        start: datetime,
        end: datetime,
        period_seconds: int,
        operation_id: str,
    ) -> LogReading:
        world = self._world(where, operation_id)
        if world.site_logs_unread is not None:
            return LogReading(critical_lines=0, heartbeats=0, unread=world.site_logs_unread)
        lines = [
            (at, text)
            for stream, written in world.site_logs.items()
            if stream.startswith(release.log_streams)
            for at, text in written
            if start <= at < end
        ]
        return LogReading(
            critical_lines=sum(is_critical(text) for _, text in lines),
            heartbeats=len({(at - start).total_seconds() // period_seconds for at, _ in lines}),
        )

    def _world(self, where: Where, operation_id: str) -> World:
        if where is Where.HERE:
            return self.world
        if self.world.source is None:
            raise ConfigurationError(f"{self.world.environment} has no source environment.")
        self.world.source.role_sessions.append(operation_id)
        return self.world.source
