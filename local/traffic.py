"""The load balancer's metrics: what the fleet's health gates and monitors read from CloudWatch."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from local.routing import Refusal, Target

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDatumTypeDef

    from local.cloud import Cloud, EnvironmentName

NAMESPACE = "AWS/ApplicationELB"
_BATCH = 100
type Place = tuple[EnvironmentName, str, str]
"""Environment, load balancer, target group."""
logger = logging.getLogger(__name__)


class Traffic:
    """Counts answers per target group until they are published."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[Place, str], int] = defaultdict(int)
        self._seconds: dict[Place, list[float]] = defaultdict(list)

    def answered(self, target: Target, status: int, seconds: float) -> None:
        """Count an answer of a container."""
        place = (target.environment, target.load_balancer, target.target_group)
        with self._lock:
            self._counts[place, "RequestCount"] += 1
            self._counts[place, f"HTTPCode_Target_{status // 100}XX_Count"] += 1
            self._seconds[place].append(seconds)

    def refused(self, refusal: Refusal) -> None:
        """Count an answer that the load balancer gave itself."""
        if refusal.environment and refusal.load_balancer:
            place = (refusal.environment, refusal.load_balancer, refusal.target_group)
            with self._lock:
                self._counts[place, f"HTTPCode_ELB_{refusal.status // 100}XX_Count"] += 1

    def publish(self, clouds: Mapping[EnvironmentName, Cloud]) -> None:
        """Send what was counted since the last time."""
        for environment, data in self._take().items():
            try:
                for start in range(0, len(data), _BATCH):
                    clouds[environment].cloudwatch.put_metric_data(
                        Namespace=NAMESPACE, MetricData=data[start : start + _BATCH]
                    )
            except (BotoCoreError, ClientError):
                # Metrics are lost, requests are not: the gates then call this "inconclusive".
                logger.warning("The load balancer's metrics of %s were not taken", environment)

    def _take(self) -> dict[EnvironmentName, list[MetricDatumTypeDef]]:
        with self._lock:
            counts, self._counts = self._counts, defaultdict(int)
            seconds, self._seconds = self._seconds, defaultdict(list)
        data: dict[EnvironmentName, list[MetricDatumTypeDef]] = defaultdict(list)
        for (place, metric), count in counts.items():
            data[place[0]].append(
                {
                    "MetricName": metric,
                    "Dimensions": _dimensions(place),
                    "Value": count,
                    "Unit": "Count",
                }
            )
        for place, values in seconds.items():
            data[place[0]].append(
                {
                    "MetricName": "TargetResponseTime",
                    "Dimensions": _dimensions(place),
                    "Values": values[-150:],
                    "Unit": "Seconds",
                }
            )
        return data


def _dimensions(place: Place) -> list[DimensionTypeDef]:
    """CloudWatch names both by the last part of their ARNs."""
    _, load_balancer, target_group = place
    dimensions: list[DimensionTypeDef] = [
        {"Name": "LoadBalancer", "Value": load_balancer.partition("loadbalancer/")[2]}
    ]
    if target_group:
        dimensions.append({"Name": "TargetGroup", "Value": target_group.rpartition(":")[2]})
    return dimensions
