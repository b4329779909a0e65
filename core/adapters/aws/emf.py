"""Metrics as lines of the function's log (embedded metric format): CloudWatch takes them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_lambda_powertools.metrics import EphemeralMetrics

from core.domain.measurements import Measurement
from core.domain.metrics import DIMENSION, NAMESPACE
from events.formats import Environment


class EmfMeter:
    """Writes one line per fact; no call leaves the function, so nothing can fail or wait."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def record(self, measurements: Sequence[Measurement], about: Mapping[str, str | None]) -> None:
        """Without the library's own dimension `service`: an alarm names every dimension."""
        if not measurements:
            return
        metrics = EphemeralMetrics(namespace=NAMESPACE, service="")
        metrics.add_dimension(name=DIMENSION, value=self._environment.value)
        for measurement in measurements:
            metrics.add_metric(
                name=measurement.name.value, unit=measurement.unit.value, value=measurement.value
            )
        for name, value in about.items():
            metrics.add_metadata(key=name, value=value)
        metrics.flush_metrics()
