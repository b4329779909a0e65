"""TransferStore: job descriptions, results and what is left behind."""

from __future__ import annotations

import pytest

from core.adapters.aws.transfer import S3TransferStore
from core.adapters.memory.transfer import MemoryTransfer
from core.domain.errors import SitefleetError
from core.domain.job_facts import JobResult
from core.domain.job_models import ObjectLocation
from core.domain.jobs import RemoveContentJob, job_adapter
from core.domain.names import JobReference
from core.ports.jobs import TransferStore
from tests.contract.backends import Backend, Memory

REFERENCE = JobReference(
    operation_id="550e8400-e29b-41d4-a716-446655440000", step="place-content", attempt=0
)
RESULT = JobResult(
    operation_id=REFERENCE.operation_id,
    step="place-content",
    attempt=0,
    kind="remove-content",
    started_at="2026-11-21T08:00:00Z",
    completed_at="2026-11-21T08:01:00Z",
    facts={"files": 3},
)


@pytest.fixture
def put(backend: Backend):
    """Write an object the way a job does."""
    if isinstance(backend, Memory):
        return backend.world.objects.__setitem__
    bucket = backend.make_bucket("transfer")
    return lambda key, body: backend.clients.s3.put_object(Bucket=bucket, Key=key, Body=body)


@pytest.fixture
def transfer(backend: Backend, put) -> TransferStore:
    if isinstance(backend, Memory):
        return MemoryTransfer(backend.world)
    return S3TransferStore(clients=backend.clients, bucket=f"transfer-{backend.account_id}")


@pytest.fixture
def read(backend: Backend):
    def read(key: str) -> bytes:
        if isinstance(backend, Memory):
            return backend.world.objects[key]
        bucket = f"transfer-{backend.account_id}"
        return backend.clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    return read


def test_a_description_is_written_where_the_job_reads_it(transfer: TransferStore, read):
    job = RemoveContentJob(
        operation_id=REFERENCE.operation_id,
        step=REFERENCE.step,
        attempt=0,
        tenant_id="tenant-1",
        site_id="site-1",
        correlation_id="c-1",
        result=transfer.location(REFERENCE.result_key),
        content_root="/tenant-1/abc/r1",
    )
    transfer.put_description(REFERENCE, job)
    transfer.put_description(REFERENCE, job)
    content = read(f"jobs/{REFERENCE.operation_id}/place-content/0/job.json")
    assert b'"contentRoot"' in content
    assert job_adapter.validate_json(content) == job


def test_a_location_is_in_the_environments_bucket(transfer: TransferStore):
    location = transfer.location("a/b")
    assert location == ObjectLocation(bucket=location.bucket, key="a/b")
    assert location.bucket


def test_a_result_is_none_until_the_job_has_written_it(transfer: TransferStore, put):
    assert transfer.result(REFERENCE) is None
    put(REFERENCE.result_key, RESULT.model_dump_json(by_alias=True).encode())
    assert transfer.result(REFERENCE) == RESULT


def test_exists(transfer: TransferStore, put):
    assert not transfer.exists("transfers/1/dump.sql.zst")
    put("transfers/1/dump.sql.zst", b"x")
    assert transfer.exists("transfers/1/dump.sql.zst")


def test_a_prefix_is_deleted_whole_and_nothing_else(transfer: TransferStore, put):
    for number in range(5):
        put(f"transfers/1/pack-{number}", b"x")
    put("transfers/2/pack", b"x")
    assert transfer.delete_prefix("transfers/1/") == 5
    assert transfer.delete_prefix("transfers/1/") == 0
    assert transfer.exists("transfers/2/pack")


def test_an_empty_prefix_is_refused(transfer: TransferStore):
    with pytest.raises(SitefleetError, match="whole transfer bucket"):
        transfer.delete_prefix("")
