"""Task definitions of WordPress releases: rendered, found again by fingerprint, registered."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.session import AwsClients
from core.domain.names import ReleaseNames
from core.ports.platform import ReleaseService

CONTAINER: Final = "wordpress"
PORT: Final = 80
CONTENT_PATH: Final = "/var/www/html/wp-content"
VOLUME: Final = "content"
RELEASE_LABEL: Final = "sitefleet.release"
FINGERPRINT_LABEL: Final = "sitefleet.fingerprint"
LOOKED_AT: Final = 10
"""Newest revisions that are compared before another one is registered."""


@dataclass(frozen=True, kw_only=True)
class TaskSettings:
    """What all sites of an environment have in common."""

    account_id: str
    repository: str
    file_system_id: str
    execution_role_arn: str
    task_role_arn: str
    log_group: str | None = None
    """CloudWatch log group of the containers; None: no log driver (one machine)."""


class TaskDefinitions:
    """One family per site, one revision per release (or change of it)."""

    def __init__(self, *, clients: AwsClients, settings: TaskSettings) -> None:
        self._clients = clients
        self._settings = settings

    def ensure(self, service: ReleaseService) -> str:
        """Registering is not idempotent: an equal revision is looked for first."""
        definition = _definition(service, self._settings, self._clients.region)
        fingerprint = fingerprint_of(definition)
        found = self._find(service.names.task_family, FINGERPRINT_LABEL, fingerprint)
        if found is not None:
            return found
        labels = definition["containerDefinitions"][0]["dockerLabels"]
        labels[FINGERPRINT_LABEL] = fingerprint
        with calling("ECS", f"task definition {service.names.task_family}"):
            answer = self._clients.ecs.register_task_definition(**definition)
        return answer["taskDefinition"]["taskDefinitionArn"]

    def find(self, names: ReleaseNames) -> str | None:
        """Return the newest revision that was registered for a release."""
        return self._find(names.task_family, RELEASE_LABEL, _release_label(names))

    def all_of(self, names: ReleaseNames) -> list[str]:
        """Return every revision that was registered for a release."""
        family = names.task_family
        with calling("ECS", f"task definitions {family}"):
            pages = self._clients.ecs.get_paginator("list_task_definitions").paginate(
                familyPrefix=family, status="ACTIVE"
            )
            arns = [arn for page in pages for arn in page["taskDefinitionArns"]]
            return [arn for arn in arns if self._label(arn, RELEASE_LABEL) == _release_label(names)]

    def delete(self, arn: str) -> None:
        """Deregister; running tasks of it go on, and nothing there is fine."""
        with calling("ECS", f"task definition {arn}"):
            try:
                found = self._clients.ecs.describe_task_definition(taskDefinition=arn)
            except ClientError as error:
                if code_of(error) == "ClientException":
                    return
                raise
            if found["taskDefinition"]["status"] == "ACTIVE":
                self._clients.ecs.deregister_task_definition(taskDefinition=arn)

    def _find(self, family: str, label: str, value: str) -> str | None:
        with calling("ECS", f"task definitions {family}"):
            newest = self._clients.ecs.list_task_definitions(
                familyPrefix=family, status="ACTIVE", sort="DESC", maxResults=LOOKED_AT
            )["taskDefinitionArns"]
            return next((arn for arn in newest if self._label(arn, label) == value), None)

    def _label(self, arn: str, label: str) -> str | None:
        answer = self._clients.ecs.describe_task_definition(taskDefinition=arn)
        containers = answer["taskDefinition"]["containerDefinitions"]
        return containers[0].get("dockerLabels", {}).get(label) if containers else None


def fingerprint_of(definition: dict[str, Any]) -> str:
    """Return a digest of everything but the tags, which do not change what runs."""
    content = {name: value for name, value in definition.items() if name != "tags"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


# --- rendering -----------------------------------------------------------------------------


def _definition(service: ReleaseService, settings: TaskSettings, region: str) -> dict[str, Any]:
    return {
        "family": service.names.task_family,
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": str(service.size.cpu_units),
        "memory": str(service.size.memory_mib),
        "executionRoleArn": settings.execution_role_arn,
        "taskRoleArn": settings.task_role_arn,
        "containerDefinitions": [_container(service, settings, region)],
        "volumes": [_volume(service, settings)],
        "tags": [{"key": key, "value": value} for key, value in service.tags.items()],
    }


def _container(service: ReleaseService, settings: TaskSettings, region: str) -> dict[str, Any]:
    registry = f"{settings.account_id}.dkr.ecr.{region}.amazonaws.com"
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": f"{registry}/{settings.repository}@{service.image_digest}",
        "essential": True,
        "portMappings": [{"containerPort": PORT, "protocol": "tcp"}],
        "environment": [
            {"name": "WORDPRESS_SITE_URL", "value": service.site_url},
            {"name": "WORDPRESS_DB_SCHEMA", "value": service.names.schema},
            {"name": "WORDPRESS_CACHE_PREFIX", "value": service.names.cache_prefix},
        ],
        "secrets": [
            {"name": "WORDPRESS_DB_SECRET", "valueFrom": service.database_secret_arn},
            {"name": "WORDPRESS_SALTS_SECRET", "valueFrom": service.salts_secret_arn},
        ],
        "mountPoints": [{"sourceVolume": VOLUME, "containerPath": CONTENT_PATH}],
        "dockerLabels": {RELEASE_LABEL: _release_label(service.names)},
    }
    if settings.log_group is not None:
        container["logConfiguration"] = _logs(service, settings.log_group, region)
    return container


def _release_label(names: ReleaseNames) -> str:
    return f"r{names.number}"


def _volume(service: ReleaseService, settings: TaskSettings) -> dict[str, Any]:
    return {
        "name": VOLUME,
        "efsVolumeConfiguration": {
            "fileSystemId": settings.file_system_id,
            "transitEncryption": "ENABLED",
            "authorizationConfig": {
                "accessPointId": service.access_point_id,
                "iam": "ENABLED",
            },
        },
    }


def _logs(service: ReleaseService, group: str, region: str) -> dict[str, Any]:
    return {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": group,
            "awslogs-region": region,
            "awslogs-stream-prefix": service.names.service,
        },
    }
