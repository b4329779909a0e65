"""Reads task definitions the way the ECS agent does: environment, secrets, access points."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from local.errors import LocalError

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        ContainerDefinitionOutputTypeDef,
        TaskDefinitionTypeDef,
    )

    from local.cloud import Cloud
    from local.layout import Layout

_ARN_PARTS = 7
"""arn:aws:secretsmanager:region:account:secret:name-suffix; what follows is key, stage, version."""


def task_definition(cloud: Cloud, arn: str) -> TaskDefinitionTypeDef:
    """Return a task definition."""
    return cloud.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]


def container(
    definition: TaskDefinitionTypeDef, name: str | None = None
) -> ContainerDefinitionOutputTypeDef:
    """Return the named container of a definition, or its first."""
    containers = definition.get("containerDefinitions", [])
    for candidate in containers:
        if name is None or candidate.get("name") == name:
            return candidate
    raise LocalError(f"{definition.get('taskDefinitionArn')} has no container {name or 'at all'}.")


def environment(cloud: Cloud, definition: ContainerDefinitionOutputTypeDef) -> dict[str, str]:
    """Return a container's environment, its secrets read from Secrets Manager."""
    values = {
        pair.get("name", ""): pair.get("value", "") for pair in definition.get("environment", [])
    }
    for secret in definition.get("secrets", []):
        values[secret["name"]] = secret_value(cloud, secret["valueFrom"])
    return values


def secret_value(cloud: Cloud, reference: str) -> str:
    """Return what `valueFrom` points at: a whole secret, or one key of its JSON."""
    parts = reference.split(":")
    whole, selection = ":".join(parts[:_ARN_PARTS]), parts[_ARN_PARTS:]
    text = cloud.secretsmanager.get_secret_value(SecretId=whole)["SecretString"]
    key = selection[0] if selection else ""
    if not key:
        return text
    document: Mapping[str, object] = json.loads(text)
    if key not in document:
        raise LocalError(f"The secret {whole} has no key {key}.")
    return str(document[key])


def access_point_directory(
    cloud: Cloud, layout: Layout, definition: TaskDefinitionTypeDef
) -> Path | None:
    """Return the directory of a definition's EFS access point, made as EFS makes it: on mount."""
    for volume in definition.get("volumes", []):
        settings = volume.get("efsVolumeConfiguration", {}).get("authorizationConfig", {})
        if "accessPointId" in settings:
            return _mount(cloud, layout, settings["accessPointId"])
    return None


def _mount(cloud: Cloud, layout: Layout, access_point_id: str) -> Path:
    found = cloud.efs.describe_access_points(AccessPointId=access_point_id)["AccessPoints"]
    if not found:
        raise LocalError(f"The access point {access_point_id} does not exist.")
    root = found[0].get("RootDirectory", {})
    mount = layout.file_system(cloud.account.environment)
    directory = (mount / root.get("Path", "/").lstrip("/")).resolve()
    if not directory.is_relative_to(mount.resolve()):
        raise LocalError(f"The access point {access_point_id} leads out of its file system.")
    creation = root.get("CreationInfo")
    if creation and not directory.exists():
        directory.mkdir(parents=True)
        directory.chmod(int(creation["Permissions"], 8))
        if os.geteuid() == 0:
            os.chown(directory, creation["OwnerUid"], creation["OwnerGid"])
    return directory


def slug(parts: Sequence[str]) -> str:
    """Return a name for processes and files."""
    return "-".join("".join(c if c.isalnum() or c in "-_." else "-" for c in p) for p in parts)
