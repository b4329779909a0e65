"""JobRunner: container tasks here and in the source account."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.adapters.aws.jobs import EcsJobs, TaskPlace
from core.adapters.memory.jobs import MemoryJobs
from core.domain.errors import ConfigurationError
from core.domain.job_models import ObjectLocation
from core.domain.names import JobReference
from core.ports.jobs import JobRunner, Where
from tests.contract.backends import Aws, Backend, Memory

REFERENCE = JobReference(
    operation_id="550e8400-e29b-41d4-a716-446655440000", step="import-database", attempt=1
)
OF = {"tenant_id": "tenant-1", "site_id": "site-1"}
LOCATION = ObjectLocation(bucket="bbws-transfer-prod", key=REFERENCE.description_key)


def place_in(aws: Aws, account_id: str) -> TaskPlace:
    clients = aws.clients_of(account_id)
    clients.ecs.create_cluster(clusterName="cluster")
    clients.ecs.register_task_definition(
        family="bbws-migrator",
        containerDefinitions=[{"name": "migrator", "image": "migrator", "memory": 512}],
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
    )
    return TaskPlace(
        cluster="cluster",
        family="bbws-migrator",
        subnet_ids=(_subnet(aws, account_id),),
        security_group_ids=("sg-0123456789abcdef0",),
    )


def _subnet(aws: Aws, account_id: str) -> str:
    ec2 = aws.clients_of(account_id)._session.client("ec2")
    return ec2.describe_subnets()["Subnets"][0]["SubnetId"]


@pytest.fixture
def jobs(backend: Backend) -> JobRunner:
    if isinstance(backend, Memory):
        return MemoryJobs(backend.world, lambda _: None)
    return EcsJobs(
        clients=backend.clients,
        here=place_in(backend, backend.account_id),
        source=backend.source_account(),
        source_place=place_in(backend, backend.source_account_id),
    )


@pytest.mark.parametrize("where", list(Where))
class TestJobs:
    def test_a_job_that_was_not_started_is_not_found(self, jobs: JobRunner, where: Where):
        assert jobs.find(where, REFERENCE) is None

    def test_a_started_job_is_found_by_its_reference(self, jobs: JobRunner, where: Where):
        started = jobs.start(where, REFERENCE, LOCATION, **OF)
        assert jobs.find(where, REFERENCE) == started
        assert not started.stopped
        assert jobs.find(where, replace(REFERENCE, attempt=2)) is None

    def test_starting_twice_makes_two_tasks(self, backend, jobs: JobRunner, where: Where):
        """RunTask with one clientToken is idempotent on AWS only: the caller looks first."""
        first = jobs.start(where, REFERENCE, LOCATION, **OF)
        second = jobs.start(where, REFERENCE, LOCATION, **OF)
        assert first.arn != second.arn
        assert jobs.find(where, REFERENCE) in (first, second)

    def test_stopping_finds_every_attempt_of_the_step(self, jobs: JobRunner, where: Where):
        jobs.start(where, REFERENCE, LOCATION, **OF)
        jobs.start(where, replace(REFERENCE, attempt=2), LOCATION, **OF)
        other = jobs.start(where, replace(REFERENCE, step="export"), LOCATION, **OF)
        assert jobs.stop(where, replace(REFERENCE, attempt=3), "superseded") is not None
        assert jobs.find(where, replace(REFERENCE, step="export")) == other

    def test_stopping_what_never_ran_is_fine(self, jobs: JobRunner, where: Where):
        assert jobs.stop(where, REFERENCE, "superseded") is None


@pytest.mark.parametrize("backend", ["memory", "emulator"], indirect=True)  # moto tells no time
def test_a_job_says_since_when(jobs: JobRunner):
    jobs.start(Where.HERE, REFERENCE, LOCATION, **OF)
    found = jobs.find(Where.HERE, REFERENCE)
    assert found is not None
    assert found.started_at is not None


def test_a_stopped_job_says_why(backend: Backend, jobs: JobRunner):
    jobs.start(Where.HERE, REFERENCE, LOCATION, **OF)
    jobs.stop(Where.HERE, REFERENCE, "superseded")
    if isinstance(jobs, MemoryJobs):
        jobs.tick()
    found = jobs.find(Where.HERE, REFERENCE)
    assert found is not None
    assert found.stopped
    assert found.stopped_reason is not None
    assert "superseded" in found.stopped_reason
    assert jobs.stop(Where.HERE, REFERENCE, "again") == found


def test_where_decides_the_account(backend: Backend, jobs: JobRunner):
    here = jobs.start(Where.HERE, REFERENCE, LOCATION, **OF)
    source = jobs.start(Where.SOURCE, replace(REFERENCE, attempt=2), LOCATION, **OF)
    accounts = (
        (backend.world.account_id, backend.source.account_id)
        if isinstance(backend, Memory)
        else (backend.account_id, backend.source_account_id)
    )
    assert (here.arn.split(":")[4], source.arn.split(":")[4]) == accounts


def test_without_a_source_account_there_is_a_sentence(backend: Backend):
    if isinstance(backend, Memory):
        backend.world.source = None
        jobs: JobRunner = MemoryJobs(backend.world, lambda _: None)
    else:
        here = place_in(backend, backend.account_id)
        jobs = EcsJobs(clients=backend.clients, here=here)
    with pytest.raises(ConfigurationError, match="no source"):
        jobs.find(Where.SOURCE, REFERENCE)


def test_the_task_is_told_what_to_do_and_who_started_it(aws: Aws):
    jobs = EcsJobs(clients=aws.clients, here=place_in(aws, aws.account_id))
    started = jobs.start(Where.HERE, REFERENCE, LOCATION, **OF)
    task = aws.clients.ecs.describe_tasks(cluster="cluster", tasks=[started.arn])["tasks"][0]
    assert task["startedBy"] == REFERENCE.started_by
    assert task["overrides"]["containerOverrides"][0]["command"] == [
        "run",
        f"s3://bbws-transfer-prod/{REFERENCE.description_key}",
    ]
