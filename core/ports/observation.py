"""Looking at what runs: metrics of this account and of the source's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

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
