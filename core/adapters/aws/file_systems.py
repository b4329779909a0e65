"""EFS access points: one per release, rooted at its content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.session import AwsClients
from core.domain.errors import TransientError
from core.domain.names import ReleaseNames

if TYPE_CHECKING:
    from mypy_boto3_efs.type_defs import AccessPointDescriptionTypeDef

OWNER: Final = 33
"""uid and gid of www-data in the WordPress image."""
PERMISSIONS: Final = "755"
MISSING: Final = "AccessPointNotFound"


class EfsAccessPoints:
    """The creation token is the release's name: EFS itself refuses a second one."""

    def __init__(self, *, clients: AwsClients, file_system_id: str) -> None:
        self._clients = clients
        self._file_system_id = file_system_id

    def ensure_access_point(self, release: ReleaseNames, tags: Mapping[str, str]) -> str:
        """Return the id once it is available; TransientError while it is being made or deleted."""
        found = self._find(release)
        if found is None:
            self._create(release, tags)
            found = self._find(release)
        state = found["LifeCycleState"] if found else "not visible yet"
        if found is None or state != "available":
            raise TransientError(
                f"The access point of {_token(release)} is {state}.", retry_after_seconds=5
            )
        return found["AccessPointId"]

    def delete_access_point(self, release: ReleaseNames) -> None:
        found = self._find(release)
        if found is None or found["LifeCycleState"] in ("deleting", "deleted"):
            return
        with calling("EFS", f"access point of {_token(release)}"):
            try:
                self._clients.efs.delete_access_point(AccessPointId=found["AccessPointId"])
            except ClientError as error:
                if code_of(error) != MISSING:
                    raise

    def _find(self, release: ReleaseNames) -> AccessPointDescriptionTypeDef | None:
        token = _token(release)
        with calling("EFS", f"file system {self._file_system_id}"):
            for page in self._clients.efs.get_paginator("describe_access_points").paginate(
                FileSystemId=self._file_system_id
            ):
                for found in page["AccessPoints"]:
                    if found.get("ClientToken") == token:
                        return found
        return None

    def _create(self, release: ReleaseNames, tags: Mapping[str, str]) -> None:
        token = _token(release)
        with calling("EFS", f"access point of {token}"):
            self._clients.efs.create_access_point(
                ClientToken=token,
                FileSystemId=self._file_system_id,
                PosixUser={"Uid": OWNER, "Gid": OWNER},
                RootDirectory={
                    "Path": release.content_root,
                    "CreationInfo": {
                        "OwnerUid": OWNER,
                        "OwnerGid": OWNER,
                        "Permissions": PERMISSIONS,
                    },
                },
                Tags=[
                    {"Key": key, "Value": value} for key, value in {"Name": token, **tags}.items()
                ],
            )


def _token(release: ReleaseNames) -> str:
    """EFS allows 64 characters; the target group's name is the shortest unique one."""
    return release.target_group
