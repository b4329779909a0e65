"""ECS' circuit breaker, played: containers that die before they were healthy end a deployment."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from local.emulator_services import FAILED_DEPLOYMENT

if TYPE_CHECKING:
    from local.cloud import Cloud

MOST_FAILED_STARTS = 3
"""So many ECS lets fail in a deployment of few tasks before it gives up."""


class Deployments:
    """Counts the failed starts of each service's task definition."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._failed: Counter[tuple[str, str]] = Counter()

    def may_start(self, service_arn: str, task_definition: str) -> bool:
        """Tell whether another container may be started: not once the deployment has failed."""
        return self._failed[service_arn, task_definition] < MOST_FAILED_STARTS

    def note_failed_start(self, service_arn: str, task_definition: str) -> None:
        """Count a container that was never healthy; the last one fails the deployment."""
        self._failed[service_arn, task_definition] += 1
        if self.may_start(service_arn, task_definition):
            return
        why = f"{MOST_FAILED_STARTS} tasks failed to start: the containers exit or stay unhealthy."
        self._cloud.ecs.tag_resource(
            resourceArn=service_arn,
            tags=[{"key": FAILED_DEPLOYMENT, "value": f"{task_definition} {why}"}],
        )
