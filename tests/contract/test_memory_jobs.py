"""What the twin of the container jobs plays of ECS: tasks run when the simulation says so."""

from __future__ import annotations

import pytest

from core.adapters.memory.jobs import MemoryJobs
from core.adapters.memory.transfer import MemoryTransfer
from core.domain.job_facts import JobResult
from core.domain.jobs import JobDescription, RemoveContentJob
from core.domain.names import JobReference
from core.ports.jobs import Where
from tests.contract.backends import Memory

OF = {"tenant_id": "tenant-1", "site_id": "site-1"}
REFERENCE = JobReference(operation_id="operation-1", step="place-content", attempt=0)


def done(job: JobDescription) -> JobResult:
    return JobResult(
        operation_id=job.operation_id,
        step=job.step,
        attempt=job.attempt,
        kind=job.kind,
        started_at="2026-11-21T08:00:00Z",
        completed_at="2026-11-21T08:00:00Z",
        facts={"files": 3},
    )


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def transfer(memory: Memory) -> MemoryTransfer:
    transfer = MemoryTransfer(memory.world)
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
    return transfer


@pytest.mark.parametrize("where", list(Where))
def test_a_tick_runs_the_job_and_stores_its_result(memory, transfer, where: Where):
    jobs = MemoryJobs(memory.world, done)
    jobs.start(where, REFERENCE, transfer.location(REFERENCE.description_key), **OF)
    assert transfer.result(REFERENCE) is None
    assert jobs.tick() == [REFERENCE]
    assert transfer.result(REFERENCE).facts == {"files": 3}
    assert jobs.find(where, REFERENCE).stopped
    assert jobs.tick() == []


def test_a_job_that_dies_leaves_a_stopped_task_and_no_result(memory, transfer):
    jobs = MemoryJobs(memory.world, lambda _: None)
    jobs.start(Where.HERE, REFERENCE, transfer.location(REFERENCE.description_key), **OF)
    jobs.tick()
    assert transfer.result(REFERENCE) is None
    assert "OutOfMemory" in jobs.find(Where.HERE, REFERENCE).stopped_reason


def test_a_job_that_is_told_to_stop_does_nothing_more(memory, transfer):
    jobs = MemoryJobs(memory.world, done)
    jobs.start(Where.HERE, REFERENCE, transfer.location(REFERENCE.description_key), **OF)
    assert not jobs.stop(Where.HERE, REFERENCE, "superseded").stopped
    jobs.tick()
    assert transfer.result(REFERENCE) is None
    assert jobs.find(Where.HERE, REFERENCE).stopped_reason == "superseded"


def test_the_sources_own_jobs_are_not_the_targets(memory, transfer):
    own = MemoryTransfer(memory.source)
    MemoryJobs(memory.source, done).start(
        Where.HERE, REFERENCE, own.location(REFERENCE.description_key), **OF
    )
    assert MemoryJobs(memory.world, done).tick() == []
