"""The metrics that functions write into their logs: the emulator leaves them there, unlike AWS.

So the stack's alarms ring on one machine, too, as far as the emulator has them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDatumTypeDef

    from local.cloud import Cloud

WRITERS = ("notifier", "sweeper")
"""The functions that write metrics of their own."""
_BATCH = 100
logger = logging.getLogger(__name__)


class FunctionMetrics:
    """Reads the logs of one account's functions, each line once."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._after: dict[str, int] = {}
        """Log group -> milliseconds of the newest event that was read."""
        self._read: dict[str, set[str]] = {}
        """Log group -> the events of that millisecond."""

    def tick(self) -> None:
        """Publish what was written since the last time."""
        environment = self._cloud.account.environment
        for writer in WRITERS:
            group = f"/aws/lambda/{environment}-bbws-async-processor-{writer}"
            try:
                self._publish(list(self._new_lines(group)))
            except (BotoCoreError, ClientError):
                # Before its first line a function has no log; metrics that are lost move nothing.
                logger.debug("The metrics of %s were not taken", group)

    def _publish(self, lines: list[str]) -> None:
        by_namespace: dict[str, list[MetricDatumTypeDef]] = {}
        for line in lines:
            for namespace, datum in embedded(line):
                by_namespace.setdefault(namespace, []).append(datum)
        for namespace, data in by_namespace.items():
            for start in range(0, len(data), _BATCH):
                self._cloud.cloudwatch.put_metric_data(
                    Namespace=namespace, MetricData=data[start : start + _BATCH]
                )

    def _new_lines(self, group: str) -> Iterator[str]:
        pages = self._cloud.logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=self._after.get(group, 0)
        )
        for page in pages:
            for event in page["events"]:
                if self._is_new(group, event):
                    yield from event["message"].splitlines()

    def _is_new(self, group: str, event: Mapping[str, Any]) -> bool:
        at, seen = event["timestamp"], self._read.setdefault(group, set())
        told = f"{event['logStreamName']} {event['message']}"  # the emulator gives events no id
        if at == self._after.get(group, 0) and told in seen:
            return False
        if at > self._after.get(group, 0):
            self._after[group] = at
            seen.clear()
        seen.add(told)
        return True


def embedded(line: str) -> Iterator[tuple[str, MetricDatumTypeDef]]:
    """Yield namespace and datum of every metric that a line of a log holds (EMF)."""
    try:
        document = json.loads(line) if line.startswith("{") else {}
    except ValueError:
        return
    for directive in document.get("_aws", {}).get("CloudWatchMetrics", ()):
        [names] = directive["Dimensions"]
        for metric in directive["Metrics"]:
            values = document[metric["Name"]]
            yield (
                directive["Namespace"],
                {
                    "MetricName": metric["Name"],
                    "Dimensions": [{"Name": n, "Value": document[n]} for n in names],
                    "Timestamp": document["_aws"]["Timestamp"] / 1000,
                    "Values": values if isinstance(values, list) else [values],
                    "Unit": metric["Unit"],
                },
            )
