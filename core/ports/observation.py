"""Looking at what runs: metrics and logs of this account and of the source's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.domain.names import ReleaseNames
from core.ports.jobs import Where


@dataclass(frozen=True, kw_only=True)
class MetricQuery:
    """One CloudWatch metric with one statistic."""

    key: str
    """The caller's name for it in the answer."""
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str = "Sum"
    """Sum, Average, Maximum, p95, ..."""


@dataclass(frozen=True, kw_only=True)
class Datapoint:
    """One value of one period."""

    at: datetime
    """Start of the period."""
    value: float


class Metrics(Protocol):
    """CloudWatch. A metric without datapoints answers with an empty sequence, never with zero."""

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
        """Return the datapoints of each query by its key, oldest first.

        The operation id names the role session in the source account.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class LogReading:
    """What the log of one release's containers holds within a span."""

    critical_lines: int
    """Lines that core/domain/critical_lines.py calls critical; at least so many if `unread` is set.
    """
    heartbeats: int
    """Periods with any line at all: a log that nobody writes has none."""
    unread: str = ""
    """A sentence about what could not be read; empty: everything was."""


class SiteLogs(Protocol):
    """The log of the sites' containers. Text of lines never leaves the adapter."""

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
        """Return what one release logged from `start` up to `end`, and no other site's lines.

        A log that is not there, may not be read or is too long to be read within a step is told by
        `unread`; trouble that passes raises TransientError. The operation id names the role session
        in the source account.
        """
        ...
