"""Deployments that fail: MiniStack's ECS runs nothing, and calls every deployment complete.

The runtime plays the containers (local/services.py). When those of a deployment die again and again
it says so by a tag of the service, and the emulator then answers as ECS does once its circuit
breaker has tripped.
"""

from __future__ import annotations

import json
from typing import Any, Final

FAILED_DEPLOYMENT: Final = "sitefleet-failed-deployment"
"""Tag of a service: the task definition whose containers do not stay, and why."""


def report_failed_deployments(ecs: Any) -> None:
    """Let the emulator's ECS call a deployment FAILED that the runtime has marked."""
    describe = ecs._describe_services  # noqa: SLF001  (the emulator's own handler)

    def describe_services(data: dict[str, Any]) -> Any:
        status, headers, body = describe(data)
        answer = json.loads(body)
        for service in answer.get("services", []):
            tags = ecs._tags.get(service["serviceArn"], [])  # noqa: SLF001
            mark = next((t["value"] for t in tags if t["key"] == FAILED_DEPLOYMENT), "")
            task_definition, _, reason = mark.partition(" ")
            if task_definition == service.get("taskDefinition"):
                failed = {"rolloutState": "FAILED", "rolloutStateReason": reason}
                service["deployments"] = [{**d, **failed} for d in service["deployments"][:1]]
        return status, headers, json.dumps(answer).encode()

    ecs._ACTION_MAP["DescribeServices"] = describe_services  # noqa: SLF001  (its own table)
