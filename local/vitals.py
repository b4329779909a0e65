"""Metrics that AWS writes whether or not there is work: what the gates know a quiet site by.

The load balancer reports each target group's healthy hosts, the database cluster its size.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDatumTypeDef

    from local.cloud import Cloud
    from local.layout import Layout
    from local.platform import Platform

logger = logging.getLogger(__name__)


class Vitals:
    """The vital signs of one account."""

    def __init__(self, cloud: Cloud, platform: Platform, layout: Layout) -> None:
        self._cloud = cloud
        self._platform = platform
        self._layout = layout

    def tick(self) -> None:
        """Publish every sign once."""
        try:
            self._put("AWS/ApplicationELB", list(self._healthy_hosts()))
            self._put("AWS/RDS", [self._volume()])
        except (BotoCoreError, ClientError):
            # The gates call what is missing "inconclusive"; nothing else depends on it.
            logger.warning("The vital signs of %s were not taken", self._environment)

    @property
    def _environment(self) -> str:
        return self._cloud.account.environment

    def _put(self, namespace: str, data: list[MetricDatumTypeDef]) -> None:
        if data:
            self._cloud.cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)

    def _healthy_hosts(self) -> Iterator[MetricDatumTypeDef]:
        balancer = self._platform.load_balancer_arn.partition("loadbalancer/")[2]
        for group in self._cloud.elbv2.describe_target_groups()["TargetGroups"]:
            arn = group["TargetGroupArn"]
            targets = self._cloud.elbv2.describe_target_health(TargetGroupArn=arn)
            states = [t["TargetHealth"]["State"] for t in targets["TargetHealthDescriptions"]]
            yield {
                "MetricName": "HealthyHostCount",
                "Dimensions": [
                    {"Name": "LoadBalancer", "Value": balancer},
                    {"Name": "TargetGroup", "Value": arn.rpartition(":")[2]},
                ],
                "Value": states.count("healthy"),
                "Unit": "Count",
            }

    def _volume(self) -> MetricDatumTypeDef:
        files = self._layout.database(self._environment).rglob("*")
        return {
            "MetricName": "VolumeBytesUsed",
            "Dimensions": [
                {"Name": "DBClusterIdentifier", "Value": self._platform.database_cluster}
            ],
            "Value": sum(_size(path) for path in files),
            "Unit": "Bytes",
        }


def _size(path: Path) -> int:
    """Return a file's size; tables come and go while the directory is read."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0
