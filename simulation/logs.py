"""The log of sites whose containers run: lines in every period, none of them critical."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from core.adapters.memory.site_logs import MemorySiteLogs
from core.domain.names import ReleaseNames
from core.ports.jobs import Where
from core.ports.observation import LogReading


class LivelyLogs(MemorySiteLogs):
    """Health checks leave lines in each period; a release with streams in the world has those."""

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
        reading = super().read(
            where,
            release,
            start=start,
            end=end,
            period_seconds=period_seconds,
            operation_id=operation_id,
        )
        held = self._world(where, operation_id).site_logs
        if reading.unread or any(stream.startswith(release.log_streams) for stream in held):
            return reading
        periods = max(1, int((end - start).total_seconds()) // period_seconds)
        return replace(reading, heartbeats=periods)
