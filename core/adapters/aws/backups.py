"""Backups before a promotion: RDS or Aurora snapshots, and EFS recovery points (AWS Backup)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from core.adapters.aws.errors import calling
from core.adapters.aws.session import AwsClients
from core.adapters.aws.snapshots import SnapshotKind, Snapshots
from core.domain.errors import ConfigurationError
from core.ports.protection import Backup, BackupState

if TYPE_CHECKING:
    from mypy_boto3_backup.type_defs import DescribeBackupJobOutputTypeDef

FAILED_JOBS: Final = frozenset({"ABORTED", "ABORTING", "EXPIRED", "FAILED", "PARTIAL"})
"""A partial recovery point does not bring everything back."""


@dataclass(frozen=True, kw_only=True)
class BackupPlaces:
    """What is backed up, and where to. Empty texts: this environment backs nothing up."""

    database_cluster: str
    """Aurora cluster; empty: a single database instance."""
    database_instance: str
    file_system_arn: str
    vault: str
    role_arn: str
    """Role that AWS Backup works with."""
    retention_days: int
    """How long a recovery point is kept; snapshots stay until somebody deletes them."""


class AwsBackups:
    """Each backup is found by its name before it is started."""

    def __init__(self, *, clients: AwsClients, places: BackupPlaces) -> None:
        self._clients = clients
        self._places = places

    def ensure_database_snapshot(self, name: str, tags: Mapping[str, str]) -> Backup:
        return self._snapshots().ensure(name, tags)

    def ensure_recovery_point(self, name: str, tags: Mapping[str, str]) -> Backup:
        """Start the job; AWS Backup answers a repeated token with the job that is there."""
        places = self._places
        if not (places.vault and places.role_arn):
            raise ConfigurationError(
                "This environment has no backup vault: deploy it with BackupVaultName."
            )
        with calling("AWS Backup", f"the recovery point {name}"):
            started = self._clients.backup.start_backup_job(
                BackupVaultName=places.vault,
                ResourceArn=places.file_system_arn,
                IamRoleArn=places.role_arn,
                IdempotencyToken=name,
                RecoveryPointTags={"Name": name, **tags},
                Lifecycle={"DeleteAfterDays": places.retention_days},
            )
            job = self._clients.backup.describe_backup_job(BackupJobId=started["BackupJobId"])
        return _recovery_point(job)

    def _snapshots(self) -> Snapshots:
        if self._places.database_cluster:
            return Snapshots(
                clients=self._clients,
                kind=SnapshotKind.CLUSTER,
                source=self._places.database_cluster,
            )
        if self._places.database_instance:
            return Snapshots(
                clients=self._clients,
                kind=SnapshotKind.INSTANCE,
                source=self._places.database_instance,
            )
        raise ConfigurationError(
            "This environment names no database to back up: deploy it with "
            "DatabaseClusterIdentifier or DatabaseInstanceIdentifier."
        )


def _recovery_point(job: DescribeBackupJobOutputTypeDef) -> Backup:
    state = str(job["State"])
    said = job.get("StatusMessage") or ""
    if state == "COMPLETED":
        return Backup(arn=_arn(job), state=BackupState.AVAILABLE)
    if state in FAILED_JOBS:
        return Backup(arn=_arn(job), state=BackupState.FAILED, reason=f"{state}: {said}")
    done = job.get("PercentDone") or "0.0"
    reason = f"The backup job is {state}, {done} percent done."
    return Backup(arn=_arn(job), state=BackupState.RUNNING, reason=reason)


def _arn(job: DescribeBackupJobOutputTypeDef) -> str:
    """Return the recovery point's ARN; a job that has not begun may have none: then the vault's."""
    return job.get("RecoveryPointArn") or job["BackupVaultArn"]
