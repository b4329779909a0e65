"""Snapshots of one database: an Aurora cluster, or a single instance on RDS."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.session import AwsClients
from core.domain.errors import TransientError
from core.ports.protection import Backup, BackupState

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import TagTypeDef

MOST_CHARACTERS: Final = 63
"""Of a cluster snapshot's identifier; an instance's may be longer."""
MISSING: Final = frozenset(
    {
        "DBClusterSnapshotNotFoundFault",
        "DBClusterSnapshotNotFound",
        "DBSnapshotNotFoundFault",
        "DBSnapshotNotFound",
    }
)
"""Each service's model says Fault; what answers mostly leaves it out."""
THERE: Final = frozenset(
    {
        "DBClusterSnapshotAlreadyExistsFault",
        "DBClusterSnapshotAlreadyExists",
        "DBSnapshotAlreadyExistsFault",
        "DBSnapshotAlreadyExists",
    }
)
BUSY: Final = frozenset(
    {
        "InvalidDBClusterStateFault",
        "InvalidDBClusterState",
        "InvalidDBInstanceStateFault",
        "InvalidDBInstanceState",
    }
)
"""The database is being changed or backed up: it has to be available for a snapshot."""
RUNNING: Final = frozenset({"creating", "copying", "modifying"})


class SnapshotKind(StrEnum):
    """What the environment's database is."""

    CLUSTER = "cluster"
    INSTANCE = "instance"


class Snapshots:
    """Found by identifier before it is made; RDS itself refuses a second one."""

    def __init__(self, *, clients: AwsClients, kind: SnapshotKind, source: str) -> None:
        self._clients = clients
        self._kind = kind
        self._source = source

    def ensure(self, name: str, tags: Mapping[str, str]) -> Backup:
        identifier = snapshot_identifier(name)
        found = self._find(identifier)
        if found is None:
            self._create(identifier, [{"Key": key, "Value": value} for key, value in tags.items()])
            found = self._find(identifier)
        if found is None:
            raise TransientError(
                f"Snapshot {identifier} is not visible yet.", retry_after_seconds=15
            )
        return found

    def _find(self, identifier: str) -> Backup | None:
        with calling("RDS", f"snapshot {identifier}"):
            try:
                return self._describe(identifier)
            except ClientError as error:
                if code_of(error) in MISSING:
                    return None
                raise

    def _describe(self, identifier: str) -> Backup | None:
        rds = self._clients.rds
        if self._kind is SnapshotKind.CLUSTER:
            clusters = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=identifier)
            found: list[Any] = list(clusters["DBClusterSnapshots"])
            arn = "DBClusterSnapshotArn"
        else:
            instances = rds.describe_db_snapshots(DBSnapshotIdentifier=identifier)
            found, arn = list(instances["DBSnapshots"]), "DBSnapshotArn"
        return _backup(found[0], arn) if found else None

    def _create(self, identifier: str, tags: list[TagTypeDef]) -> None:
        with calling("RDS", f"snapshot {identifier}"):
            try:
                self._start(identifier, tags)
            except ClientError as error:
                if code_of(error) in THERE:
                    return
                if code_of(error) in BUSY:
                    raise TransientError(
                        f"Database {self._source} is busy; its snapshot {identifier} waits.",
                        retry_after_seconds=60,
                    ) from error
                raise

    def _start(self, identifier: str, tags: list[TagTypeDef]) -> None:
        if self._kind is SnapshotKind.CLUSTER:
            self._clients.rds.create_db_cluster_snapshot(
                DBClusterSnapshotIdentifier=identifier,
                DBClusterIdentifier=self._source,
                Tags=tags,
            )
        else:
            self._clients.rds.create_db_snapshot(
                DBSnapshotIdentifier=identifier, DBInstanceIdentifier=self._source, Tags=tags
            )


def snapshot_identifier(name: str) -> str:
    """Return the name as RDS takes it: letters, digits, single hyphens, at most 63 characters.

    A name that has to be changed for that ends in a digest of itself, so that it stays unique.
    """
    fitting = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if fitting == name and len(name) <= MOST_CHARACTERS and name[0].isalpha():
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    kept = f"s-{fitting}" if not fitting[:1].isalpha() else fitting
    return f"{kept[: MOST_CHARACTERS - len(digest) - 1].rstrip('-')}-{digest}"


def _backup(snapshot: Mapping[str, Any], arn: str) -> Backup:
    status = str(snapshot.get("Status", "creating"))
    if status == "available":
        return Backup(arn=snapshot[arn], state=BackupState.AVAILABLE)
    if status in RUNNING:
        done = snapshot.get("PercentProgress", 0)
        reason = f"The snapshot is {status}, {done} percent done."
        return Backup(arn=snapshot[arn], state=BackupState.RUNNING, reason=reason)
    reason = f"RDS says that the snapshot is {status}."
    return Backup(arn=snapshot[arn], state=BackupState.FAILED, reason=reason)
