"""FileSystems: one access point per release."""

from __future__ import annotations

import pytest

from core.adapters.aws.file_systems import EfsAccessPoints
from core.adapters.memory.file_systems import MemoryFileSystems
from core.domain.names import ReleaseNames
from core.ports.platform import FileSystems
from tests.contract.backends import Aws, Backend, Memory

TAGS = {"Tenant": "tenant-1"}


def made(aws: Aws) -> EfsAccessPoints:
    file_system = aws.clients.efs.create_file_system(CreationToken="shared")["FileSystemId"]
    return EfsAccessPoints(clients=aws.clients, file_system_id=file_system)


@pytest.fixture
def file_systems(backend: Backend) -> FileSystems:
    return MemoryFileSystems(backend.world) if isinstance(backend, Memory) else made(backend)


def test_ensuring_twice_finds_the_same_access_point(
    file_systems: FileSystems, release: ReleaseNames
):
    first = file_systems.ensure_access_point(release, TAGS)
    assert file_systems.ensure_access_point(release, TAGS) == first


def test_each_release_has_its_own(file_systems: FileSystems, release: ReleaseNames):
    other = release.site.release(3)
    first = file_systems.ensure_access_point(release, TAGS)
    assert file_systems.ensure_access_point(other, TAGS) != first


def test_deleting_twice_is_fine(file_systems: FileSystems, release: ReleaseNames):
    first = file_systems.ensure_access_point(release, TAGS)
    file_systems.delete_access_point(release)
    file_systems.delete_access_point(release)
    assert file_systems.ensure_access_point(release, TAGS) != first


def test_the_access_point_is_rooted_at_the_content_and_owned_by_wordpress(
    aws: Aws, release: ReleaseNames
):
    found = made(aws).ensure_access_point(release, TAGS)
    [point] = aws.clients.efs.describe_access_points(AccessPointId=found)["AccessPoints"]
    assert point["PosixUser"] == {"Uid": 33, "Gid": 33}
    assert point["RootDirectory"] == {
        "Path": release.content_root,
        "CreationInfo": {"OwnerUid": 33, "OwnerGid": 33, "Permissions": "755"},
    }
