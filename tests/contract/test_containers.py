"""Containers: task definitions and services of releases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.adapters.aws.containers import EcsContainers
from core.adapters.aws.task_definitions import TaskSettings
from core.adapters.memory.containers import MemoryContainers
from core.adapters.memory.load_balancer import MemoryLoadBalancer
from core.adapters.memory.sites import MemorySites
from core.adapters.memory.world import World
from core.adapters.site_networks import SiteNetwork, SiteNetworks
from core.domain.errors import NotFoundError
from core.domain.names import ReleaseNames
from core.domain.sizes import Size
from core.ports.platform import Containers, ReleaseService
from tests.contract.backends import Aws, Backend, Memory
from tests.contract.release_services import DIGEST, service_of
from tests.contract.test_load_balancer import Network

SETTINGS = TaskSettings(
    account_id="093646564004",
    repository="bbws-wordpress",
    file_system_id="fs-0123456789abcdef0",
    execution_role_arn="arn:aws:iam::093646564004:role/execution",
    task_role_arn="arn:aws:iam::093646564004:role/site",
    log_group="/bbws/prod/wordpress",
)


def adapter(aws: Aws) -> EcsContainers:
    ec2 = aws.clients._session.client("ec2")
    place = SiteNetwork(
        vpc_id="vpc-1",
        subnet_ids=(ec2.describe_subnets()["Subnets"][0]["SubnetId"],),
        security_group_ids=(ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"],),
        job_security_group_ids=(),
        load_balancer_arn="arn:lb",
        listener_arn="arn:listener",
        database_endpoint="db.example:3306",
    )
    return EcsContainers(
        clients=aws.clients,
        cluster="cluster",
        networks=SiteNetworks(MemorySites(World()), [place]),
        task=SETTINGS,
    )


@pytest.fixture
def containers(backend: Backend) -> Containers:
    if isinstance(backend, Memory):
        return MemoryContainers(backend.world)
    backend.clients.ecs.create_cluster(clusterName="cluster")
    return adapter(backend)


@pytest.fixture
def service(backend: Backend, release: ReleaseNames) -> ReleaseService:
    if isinstance(backend, Memory):
        group = MemoryLoadBalancer(backend.world).ensure_target_group(release, {})
    else:
        group = Network(backend).adapter(backend).ensure_target_group(release, {})
        return service_of(release, group, tenants_group(backend))
    return service_of(release, group)


def tenants_group(aws: Aws) -> str:
    """Return a group that is there: ECS looks at it."""
    groups = aws.clients.ec2.describe_security_groups()["SecurityGroups"]
    return str(groups[-1]["GroupId"])


@pytest.fixture
def become_healthy(backend: Backend, service: ReleaseService):
    """Let the containers start: the clock moves, or a target is registered by hand."""

    def start() -> None:
        if isinstance(backend, Memory):
            backend.clock.advance(60)
            return
        backend.clients.elbv2.register_targets(
            TargetGroupArn=service.target_group_arn,
            Targets=[{"Id": "172.31.0.10", "Port": 80}],
        )

    return start


class TestTaskDefinitions:
    def test_an_equal_one_is_found_again(self, containers: Containers, service: ReleaseService):
        first = containers.ensure_task_definition(service)
        assert containers.ensure_task_definition(service) == first
        assert service.names.task_family in first

    def test_another_image_or_release_needs_another_one(
        self, containers: Containers, service: ReleaseService
    ):
        arns = {
            containers.ensure_task_definition(variant)
            for variant in (
                service,
                replace(service, image_digest="sha256:" + "b" * 64),
                replace(service, names=service.names.site.release(3)),
            )
        }
        assert len(arns) == 3

    def test_the_one_of_a_release_is_found_by_the_release(
        self, containers: Containers, service: ReleaseService
    ):
        assert containers.find_task_definition(service.names) is None
        arn = containers.ensure_task_definition(service)
        containers.ensure_task_definition(replace(service, names=service.names.site.release(3)))
        assert containers.find_task_definition(service.names) == arn
        containers.delete_task_definition(arn)
        assert containers.find_task_definition(service.names) is None

    def test_deleting_twice_is_fine(self, containers: Containers, service: ReleaseService):
        arn = containers.ensure_task_definition(service)
        containers.delete_task_definition(arn)
        containers.delete_task_definition(arn)
        assert containers.ensure_task_definition(service) != arn


class TestServices:
    def test_a_service_that_was_not_made_does_not_exist(
        self, containers: Containers, service: ReleaseService
    ):
        state = containers.state(service.names, service.target_group_arn)
        assert (state.exists, state.steady, state.failed) == (False, False, False)
        assert service.names.service in state.reason

    def test_a_service_waits_for_healthy_targets(
        self, containers: Containers, service: ReleaseService
    ):
        containers.ensure_service(service, containers.ensure_task_definition(service))
        state = containers.state(service.names, service.target_group_arn)
        assert (state.exists, state.steady, state.failed) == (True, False, False)
        assert state.reason

    def test_it_is_steady_when_it_runs_and_has_a_healthy_target(
        self, backend: Backend, containers: Containers, service: ReleaseService, become_healthy
    ):
        if isinstance(backend, Aws) and backend.name == "moto":
            pytest.skip("moto's services never run a container (runningCount stays 0)")
        containers.ensure_service(service, containers.ensure_task_definition(service))
        become_healthy()
        state = containers.state(service.names, service.target_group_arn)
        assert (state.exists, state.steady, state.failed) == (True, True, False), state.reason
        assert len(state.addresses) == 1
        assert state.addresses[0].endswith(":80")

    def test_ensuring_twice_leaves_one_service(
        self, containers: Containers, service: ReleaseService, become_healthy
    ):
        definition = containers.ensure_task_definition(service)
        containers.ensure_service(service, definition)
        become_healthy()
        before = containers.state(service.names, service.target_group_arn)
        containers.ensure_service(service, definition)
        assert containers.state(service.names, service.target_group_arn) == before

    def test_deleting_twice_is_fine_and_it_can_be_made_again(
        self, containers: Containers, service: ReleaseService
    ):
        definition = containers.ensure_task_definition(service)
        containers.ensure_service(service, definition)
        containers.delete_service(service.names)
        containers.delete_service(service.names)
        assert not containers.state(service.names, service.target_group_arn).exists
        containers.ensure_service(service, definition)
        assert containers.state(service.names, service.target_group_arn).exists

    def test_a_kept_release_is_scaled_down_and_started_again(
        self, containers: Containers, service: ReleaseService, become_healthy
    ):
        containers.ensure_service(service, containers.ensure_task_definition(service))
        become_healthy()
        containers.scale_down(service.names)
        containers.scale_down(service.names)
        stopped = containers.state(service.names, service.target_group_arn)
        assert (stopped.exists, stopped.steady, stopped.failed) == (True, False, False)
        assert (stopped.desired_count, stopped.running_count) == (0, 0)
        containers.ensure_running(service.names, 2)
        containers.ensure_running(service.names, 2)
        state = containers.state(service.names, service.target_group_arn)
        assert (state.exists, state.failed, state.desired_count) == (True, False, 2)
        assert "2" in state.reason or "Waiting" in state.reason

    def test_a_release_that_has_gone_cannot_be_started_again(
        self, containers: Containers, service: ReleaseService
    ):
        containers.scale_down(service.names)
        with pytest.raises(NotFoundError, match=service.names.service):
            containers.ensure_running(service.names, 1)


class TestWhatIsAskedOfEcs:
    @pytest.fixture
    def backend(self, aws: Aws) -> Aws:
        return aws

    def test_the_containers_environment_is_the_architectures(
        self, aws: Aws, containers: Containers, service: ReleaseService
    ):
        arn = containers.ensure_task_definition(service)
        found = aws.clients.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        [container] = found["containerDefinitions"]
        assert container["image"] == (
            f"093646564004.dkr.ecr.af-south-1.amazonaws.com/bbws-wordpress@{DIGEST}"
        )
        assert {e["name"]: e["value"] for e in container["environment"]} == {
            "WORDPRESS_SITE_URL": "https://banana.wp.kimmyai.io",
            "WORDPRESS_DB_SCHEMA": service.names.schema,
            "WORDPRESS_CACHE_PREFIX": service.names.cache_prefix,
        }
        assert {s["name"] for s in container["secrets"]} == {
            "WORDPRESS_DB_SECRET",
            "WORDPRESS_SALTS_SECRET",
        }
        [mount] = container["mountPoints"]
        assert mount["containerPath"] == "/var/www/html/wp-content"
        efs = found["volumes"][0]["efsVolumeConfiguration"]
        assert efs["fileSystemId"] == "fs-0123456789abcdef0"
        assert efs["authorizationConfig"]["accessPointId"] == service.access_point_id

    @pytest.mark.parametrize("aws", ["emulator"], indirect=True)  # moto forgets it
    def test_the_breaker_is_on_and_ecs_rolls_nothing_back_by_itself(
        self, aws: Aws, containers: Containers, service: ReleaseService
    ):
        """A rolled back service would look steady with the revision before."""
        containers.ensure_service(service, containers.ensure_task_definition(service))
        [found] = aws.clients.ecs.describe_services(
            cluster="cluster", services=[service.names.service]
        )["services"]
        breaker = found["deploymentConfiguration"]["deploymentCircuitBreaker"]
        assert breaker == {"enable": True, "rollback": False}

    def test_starting_a_kept_release_again_changes_its_number_and_nothing_else(
        self, aws: Aws, containers: Containers, service: ReleaseService
    ):
        containers.ensure_service(service, containers.ensure_task_definition(service))
        seen = []
        for act in (
            lambda: containers.scale_down(service.names),
            lambda: containers.ensure_running(service.names, 1),
        ):
            act()
            [found] = aws.clients.ecs.describe_services(
                cluster="cluster", services=[service.names.service]
            )["services"]
            seen.append((found["desiredCount"], found["taskDefinition"]))
        assert [count for count, _ in seen] == [0, 1]
        assert len({definition for _, definition in seen}) == 1

    def test_another_number_of_containers_updates_the_service(
        self, aws: Aws, containers: Containers, service: ReleaseService
    ):
        definition = containers.ensure_task_definition(service)
        containers.ensure_service(service, definition)
        containers.ensure_service(replace(service, desired_count=2), definition)
        [found] = aws.clients.ecs.describe_services(
            cluster="cluster", services=[service.names.service]
        )["services"]
        assert found["desiredCount"] == 2

    def test_what_ecs_has_been_asked_for(
        self, aws: Aws, containers: Containers, service: ReleaseService
    ):
        containers.ensure_service(service, containers.ensure_task_definition(service))
        larger = replace(service, size=Size(cpu_units=1024, memory_mib=2048))
        definition = containers.ensure_task_definition(larger)
        containers.roll_out(service.names, definition, 3)
        [found] = aws.clients.ecs.describe_services(
            cluster="cluster", services=[service.names.service]
        )["services"]
        assert (found["taskDefinition"], found["desiredCount"]) == (definition, 3)
        asked = aws.clients.ecs.describe_task_definition(taskDefinition=definition)
        assert (asked["taskDefinition"]["cpu"], asked["taskDefinition"]["memory"]) == (
            "1024",
            "2048",
        )


class TestRollingOut:
    def test_every_task_definition_of_a_release_goes_with_it_and_no_other(
        self, containers: Containers, service: ReleaseService
    ):
        other = replace(service, names=service.names.site.release(3))
        kept = containers.ensure_task_definition(other)
        for digest in "ab":
            changed = replace(service, image_digest="sha256:" + digest * 64)
            containers.ensure_task_definition(changed)
        for _ in range(2):
            containers.delete_task_definitions(service.names)
        assert containers.find_task_definition(service.names) is None
        assert containers.find_task_definition(other.names) == kept

    def test_a_service_comes_to_another_task_definition_and_number(
        self, containers: Containers, service: ReleaseService, become_healthy
    ):
        first = containers.ensure_task_definition(service)
        containers.ensure_service(service, first)
        larger = replace(service, size=Size(cpu_units=1024, memory_mib=2048))
        second = containers.ensure_task_definition(larger)
        assert second != first
        for definition in (second, second, first):
            containers.roll_out(service.names, definition, 1)
            become_healthy()
            state = containers.state(service.names, service.target_group_arn)
            assert (state.exists, state.failed) == (True, False)

    def test_a_service_that_has_gone_cannot_be_changed(
        self, containers: Containers, service: ReleaseService
    ):
        definition = containers.ensure_task_definition(service)
        with pytest.raises(NotFoundError, match=service.names.service):
            containers.roll_out(service.names, definition, 1)

    def test_a_trial_stands_beside_the_release_with_the_same_content(
        self, containers: Containers, service: ReleaseService
    ):
        definition = containers.ensure_task_definition(service)
        containers.ensure_service(service, definition)
        trial = replace(service, names=service.names.trial)
        containers.ensure_service(trial, definition)
        assert containers.state(trial.names, service.target_group_arn).exists
        containers.delete_service(trial.names)
        assert containers.state(service.names, service.target_group_arn).exists
