"""Backups: a snapshot of the database and a recovery point of the file system, each once."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from botocore.stub import Stubber

from core.adapters.aws.backups import AwsBackups, BackupPlaces
from core.adapters.aws.snapshots import MOST_CHARACTERS, snapshot_identifier
from core.adapters.memory.backups import MemoryBackups
from core.domain.errors import ConfigurationError, SitefleetError, TransientError
from core.ports.protection import Backups, BackupState
from tests.contract.backends import Aws, Backend, Memory

NAME = "prod-tenant-1-pre-promotion-20261121080000"
TAGS = {"Tenant": "tenant-1", "Environment": "prod"}
CLUSTER = "bbws-aurora-prod"
INSTANCE = "bbws-mysql-prod"
VAULT = "bbws-wp-pre-promotion-prod"


def places(account: str, *, cluster: str = CLUSTER, instance: str = "", vault: str = VAULT):
    return BackupPlaces(
        database_cluster=cluster,
        database_instance=instance,
        file_system_arn=f"arn:aws:elasticfilesystem:af-south-1:{account}:file-system/fs-0123",
        vault=vault,
        role_arn=f"arn:aws:iam::{account}:role/bbws-wp-backup-prod",
        retention_days=35,
    )


def adapter(aws: Aws, **given: str) -> AwsBackups:
    return AwsBackups(clients=aws.clients, places=places(aws.account_id, **given))


def make_cluster(aws: Aws) -> None:
    aws.clients.rds.create_db_cluster(
        DBClusterIdentifier=CLUSTER,
        Engine="aurora-mysql",
        MasterUsername="admin",
        MasterUserPassword="not-a-secret",
    )


def make_instance(aws: Aws) -> None:
    aws.clients.rds.create_db_instance(
        DBInstanceIdentifier=INSTANCE,
        DBInstanceClass="db.t4g.micro",
        Engine="mysql",
        AllocatedStorage=20,
        MasterUsername="admin",
        MasterUserPassword="not-a-secret",
    )


@pytest.fixture(params=["cluster", "instance"])
def backups(backend: Backend, request: pytest.FixtureRequest) -> Backups:
    if isinstance(backend, Memory):
        return MemoryBackups(backend.world)
    if request.param == "cluster":
        make_cluster(backend)
        return adapter(backend)
    make_instance(backend)
    return adapter(backend, cluster="", instance=INSTANCE)


class TestSnapshots:
    def test_the_same_name_finds_the_same_snapshot(self, backups: Backups):
        first = backups.ensure_database_snapshot(NAME, TAGS)
        assert first.arn.rpartition(":")[2].startswith(NAME)
        assert backups.ensure_database_snapshot(NAME, TAGS).arn == first.arn
        assert backups.ensure_database_snapshot(NAME, TAGS).state is BackupState.AVAILABLE

    def test_another_name_is_another_snapshot(self, backups: Backups):
        first = backups.ensure_database_snapshot(NAME, TAGS)
        assert backups.ensure_database_snapshot(f"{NAME}1", TAGS).arn != first.arn


def test_a_snapshot_carries_the_tags(aws: Aws):
    make_cluster(aws)
    found = adapter(aws).ensure_database_snapshot(NAME, TAGS)
    tags = aws.clients.rds.list_tags_for_resource(ResourceName=found.arn)["TagList"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == TAGS


def test_a_database_that_does_not_exist_cannot_be_backed_up(aws: Aws):
    with pytest.raises(SitefleetError) as caught:
        adapter(aws).ensure_database_snapshot(NAME, TAGS)
    assert not isinstance(caught.value, TransientError)


def test_an_environment_that_backs_nothing_up_says_so():
    empty = Aws("none", "123456789012", "", clients=None)  # type: ignore[arg-type]
    backups = adapter(empty, cluster="", vault="")
    with pytest.raises(ConfigurationError, match="DatabaseClusterIdentifier"):
        backups.ensure_database_snapshot(NAME, TAGS)
    with pytest.raises(ConfigurationError, match="backup vault"):
        backups.ensure_recovery_point(NAME, TAGS)


def test_the_memory_twin_takes_its_time_and_fails_when_the_world_says_so():
    backend = Memory()
    backups = MemoryBackups(backend.world, settle_seconds=60)
    assert backups.ensure_recovery_point(NAME, TAGS).state is BackupState.RUNNING
    backend.clock.advance(60)
    assert backups.ensure_recovery_point(NAME, TAGS).state is BackupState.AVAILABLE
    backend.world.broken_backups["backup"] = "The vault is locked."
    found = backups.ensure_recovery_point(NAME, TAGS)
    assert (found.state, found.reason) == (BackupState.FAILED, "The vault is locked.")


class TestIdentifiers:
    @pytest.mark.parametrize("name", [NAME, "prod-" + "t" * 58])
    def test_a_name_that_rds_takes_is_used_as_it_is(self, name: str):
        assert snapshot_identifier(name) == name

    @pytest.mark.parametrize(
        "name",
        [
            f"prod-{'t' * 60}-pre-promotion-20261121080000",
            "prod-tenant_1-pre-promotion-1",
            "prod-Tenant-1",
            "prod-tenant--1-pre",
            "prod-tenant-",
        ],
    )
    def test_any_other_is_fitted_keeps_its_environment_and_stays_unique(self, name: str):
        fitted = snapshot_identifier(name)
        assert len(fitted) <= MOST_CHARACTERS
        assert fitted.startswith("prod-t")
        assert fitted.endswith(hashlib.sha256(name.encode()).hexdigest()[:12])
        assert "--" not in fitted
        assert snapshot_identifier(fitted) == fitted


# --- recovery points: the emulator's, and answers that no local tool gives ---------------------


def test_a_recovery_point_is_made_of_the_file_system_in_the_vault(emulator: Aws):
    emulator.clients.backup.create_backup_vault(BackupVaultName=VAULT)
    found = adapter(emulator).ensure_recovery_point(NAME, TAGS)
    assert found.state is BackupState.AVAILABLE
    assert ":recovery-point:" in found.arn
    [job] = emulator.clients.backup.list_backup_jobs(ByBackupVaultName=VAULT)["BackupJobs"]
    assert job["ResourceArn"].endswith(":file-system/fs-0123")
    assert job["IamRoleArn"].endswith(":role/bbws-wp-backup-prod")


def test_a_vault_that_does_not_exist_is_no_transient_error(emulator: Aws):
    with pytest.raises(SitefleetError, match="AWS Backup StartBackupJob") as caught:
        adapter(emulator).ensure_recovery_point(NAME, TAGS)
    assert not isinstance(caught.value, TransientError)


POINT = "arn:aws:backup:af-south-1:123456789012:recovery-point:1EB3B5E7"
VAULT_ARN = f"arn:aws:backup:af-south-1:123456789012:backup-vault:{VAULT}"
JOB = "34176239-e96d-4e4d-9fad-529dbb3c3556"


def started(aws: Aws, stubber: Stubber) -> None:
    """The request in full: AWS knows a repetition by its token only."""
    given = places(aws.account_id)
    stubber.add_response(
        "start_backup_job",
        {"BackupJobId": JOB, "CreationDate": datetime(2026, 11, 21, tzinfo=UTC)},
        {
            "BackupVaultName": VAULT,
            "ResourceArn": given.file_system_arn,
            "IamRoleArn": given.role_arn,
            "IdempotencyToken": NAME,
            "RecoveryPointTags": {"Name": NAME, **TAGS},
            "Lifecycle": {"DeleteAfterDays": 35},
        },
    )


def described(aws: Aws, job: dict) -> BackupState:
    with Stubber(aws.clients.backup) as stubber:
        started(aws, stubber)
        answer = {"BackupJobId": JOB, "BackupVaultArn": VAULT_ARN, **job}
        stubber.add_response("describe_backup_job", answer, {"BackupJobId": JOB})
        found = adapter(aws).ensure_recovery_point(NAME, TAGS)
        stubber.assert_no_pending_responses()
    return found


@pytest.mark.parametrize("state", ["CREATED", "PENDING", "RUNNING"])
def test_a_backup_job_on_its_way_says_how_far_it_is(moto: Aws, state: str):
    found = described(moto, {"State": state, "PercentDone": "42.0", "RecoveryPointArn": POINT})
    assert (found.state, found.arn) == (BackupState.RUNNING, POINT)
    assert found.reason == f"The backup job is {state}, 42.0 percent done."


def test_a_backup_job_that_has_not_begun_has_no_recovery_point_yet(moto: Aws):
    found = described(moto, {"State": "CREATED"})
    assert (found.state, found.arn) == (BackupState.RUNNING, VAULT_ARN)


@pytest.mark.parametrize("state", ["ABORTING", "ABORTED", "FAILED", "EXPIRED", "PARTIAL"])
def test_a_backup_job_that_has_ended_badly_says_why(moto: Aws, state: str):
    found = described(moto, {"State": state, "StatusMessage": "Insufficient privileges."})
    assert found.state is BackupState.FAILED
    assert found.reason == f"{state}: Insufficient privileges."


# --- snapshots: answers that no local tool gives -----------------------------------------------


def snapshot(status: str, percent: int = 100) -> dict:
    arn = f"arn:aws:rds:af-south-1:123456789012:cluster-snapshot:{NAME}"
    one = {"DBClusterSnapshotArn": arn, "Status": status, "PercentProgress": percent}
    return {"DBClusterSnapshots": [one]}


FIND = {"DBClusterSnapshotIdentifier": NAME}
CREATE = {
    "DBClusterSnapshotIdentifier": NAME,
    "DBClusterIdentifier": CLUSTER,
    "Tags": [{"Key": key, "Value": value} for key, value in TAGS.items()],
}


@pytest.mark.parametrize("status", ["creating", "copying"])
def test_a_snapshot_on_its_way_says_how_far_it_is(moto: Aws, status: str):
    with Stubber(moto.clients.rds) as stubber:
        stubber.add_response("describe_db_cluster_snapshots", snapshot(status, 7), FIND)
        found = adapter(moto).ensure_database_snapshot(NAME, TAGS)
    assert found.state is BackupState.RUNNING
    assert found.reason == f"The snapshot is {status}, 7 percent done."


@pytest.mark.parametrize("status", ["failed", "incompatible-restore", "deleting"])
def test_a_snapshot_that_will_never_be_there_has_failed(moto: Aws, status: str):
    with Stubber(moto.clients.rds) as stubber:
        stubber.add_response("describe_db_cluster_snapshots", snapshot(status), FIND)
        found = adapter(moto).ensure_database_snapshot(NAME, TAGS)
    assert found.state is BackupState.FAILED
    assert status in found.reason


def test_a_snapshot_that_somebody_made_meanwhile_is_taken(moto: Aws):
    with Stubber(moto.clients.rds) as stubber:
        missing, there = "DBClusterSnapshotNotFoundFault", "DBClusterSnapshotAlreadyExistsFault"
        stubber.add_client_error("describe_db_cluster_snapshots", missing, http_status_code=404)
        stubber.add_client_error("create_db_cluster_snapshot", there, expected_params=CREATE)
        stubber.add_response("describe_db_cluster_snapshots", snapshot("creating"), FIND)
        assert adapter(moto).ensure_database_snapshot(NAME, TAGS).state is BackupState.RUNNING
        stubber.assert_no_pending_responses()


def test_a_busy_database_is_waited_for(moto: Aws):
    with Stubber(moto.clients.rds) as stubber:
        missing = "DBClusterSnapshotNotFoundFault"
        stubber.add_client_error("describe_db_cluster_snapshots", missing, http_status_code=404)
        stubber.add_client_error("create_db_cluster_snapshot", "InvalidDBClusterStateFault")
        with pytest.raises(TransientError, match="bbws-aurora-prod is busy") as caught:
            adapter(moto).ensure_database_snapshot(NAME, TAGS)
    assert caught.value.retry_after_seconds == 60


def test_a_full_quota_of_snapshots_is_not_tried_again(moto: Aws):
    with Stubber(moto.clients.rds) as stubber:
        missing = "DBClusterSnapshotNotFoundFault"
        stubber.add_client_error("describe_db_cluster_snapshots", missing, http_status_code=404)
        stubber.add_client_error("create_db_cluster_snapshot", "SnapshotQuotaExceeded")
        with pytest.raises(SitefleetError, match="SnapshotQuotaExceeded") as caught:
            adapter(moto).ensure_database_snapshot(NAME, TAGS)
    assert not isinstance(caught.value, TransientError)


def test_a_snapshot_that_is_not_visible_yet_is_looked_for_again(moto: Aws):
    with Stubber(moto.clients.rds) as stubber:
        missing = "DBClusterSnapshotNotFoundFault"
        stubber.add_client_error("describe_db_cluster_snapshots", missing, http_status_code=404)
        stubber.add_response("create_db_cluster_snapshot", {}, CREATE)
        stubber.add_client_error("describe_db_cluster_snapshots", missing, http_status_code=404)
        with pytest.raises(TransientError, match="not visible yet"):
            adapter(moto).ensure_database_snapshot(NAME, TAGS)
