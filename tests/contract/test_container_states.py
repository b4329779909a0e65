"""Containers in states that no emulator reaches."""

from __future__ import annotations

import pytest
from botocore.stub import Stubber

from core.adapters.aws.containers import EcsContainers
from core.adapters.memory.containers import MemoryContainers
from core.adapters.memory.load_balancer import MemoryLoadBalancer
from core.domain.errors import TransientError
from core.domain.names import ReleaseNames
from tests.contract.backends import Aws, Memory
from tests.contract.release_services import DIGEST, service_of
from tests.contract.test_containers import adapter


class TestStatesOfEcs:
    """States that no emulator reaches."""

    @pytest.fixture
    def containers(self, moto: Aws) -> EcsContainers:
        return adapter(moto)

    def answer(self, **changes: object) -> dict[str, object]:
        service = {
            "status": "ACTIVE",
            "serviceArn": "arn:aws:ecs:af-south-1:536580886816:service/bbws-cluster-dev/site",
            "runningCount": 1,
            "desiredCount": 1,
            "deployments": [{"rolloutState": "COMPLETED"}],
            "events": [{"message": "has reached a steady state"}],
            **changes,
        }
        return {"services": [service]}

    def healthy(self, state: str) -> dict[str, object]:
        target = {"Target": {"Id": "10.0.0.4", "Port": 80}, "TargetHealth": {"State": state}}
        return {"TargetHealthDescriptions": [target]}

    def state(self, moto: Aws, containers, release, answer, health="healthy"):
        with Stubber(moto.clients.ecs) as ecs, Stubber(moto.clients.elbv2) as elb:
            ecs.add_response("describe_services", answer)
            elb.add_response("describe_target_health", self.healthy(health))
            return containers.state(release, "arn:group")

    def test_a_failed_rollout_says_why(self, moto, containers, release):
        deployments = [
            {"rolloutState": "IN_PROGRESS"},
            {"rolloutState": "FAILED", "rolloutStateReason": "tasks failed to start."},
        ]
        state = self.state(moto, containers, release, self.answer(deployments=deployments))
        assert (state.failed, state.steady, state.reason) == (
            True,
            False,
            "tasks failed to start.",
        )

    @pytest.mark.parametrize(
        "changes",
        [
            {"runningCount": 0},
            {"runningCount": 0, "desiredCount": 0},
            {"deployments": [{"rolloutState": "IN_PROGRESS"}]},
            {"deployments": [{"rolloutState": "COMPLETED"}, {"rolloutState": "COMPLETED"}]},
        ],
        ids=["not running", "scaled to nothing", "rolling out", "two deployments"],
    )
    def test_not_steady_yet(self, moto, containers, release, changes):
        state = self.state(moto, containers, release, self.answer(**changes))
        assert (state.exists, state.steady, state.failed) == (True, False, False)

    def test_not_steady_while_targets_are_unhealthy(self, moto, containers, release):
        state = self.state(moto, containers, release, self.answer(), health="initial")
        assert not state.steady
        assert "0 targets are healthy; has reached a steady state" in state.reason

    def test_steady(self, moto, containers, release):
        state = self.state(moto, containers, release, self.answer())
        assert (state.steady, state.addresses) == (True, ("10.0.0.4:80",))

    def test_a_service_that_is_being_removed_is_waited_for(self, moto, containers, release):
        service = service_of(release, "arn:group")
        with Stubber(moto.clients.ecs) as ecs:
            ecs.add_response("describe_services", self.answer(status="DRAINING"))
            with pytest.raises(TransientError, match="still being removed"):
                containers.ensure_service(service, "arn:definition")


def test_the_twin_plays_a_broken_image(release: ReleaseNames):
    memory = Memory()
    memory.world.broken_images[DIGEST] = "CannotPullContainerError"
    group = MemoryLoadBalancer(memory.world).ensure_target_group(release, {})
    containers = MemoryContainers(memory.world)
    service = service_of(release, group)
    containers.ensure_service(service, containers.ensure_task_definition(service))
    state = containers.state(release, group)
    assert (state.failed, state.reason) == (True, "CannotPullContainerError")
