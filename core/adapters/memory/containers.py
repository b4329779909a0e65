"""Twin of task definitions and services."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.adapters.memory.world import StoredService, World
from core.domain.errors import NotFoundError
from core.domain.names import ReleaseNames
from core.ports.platform import ReleaseService, ServiceState


class MemoryContainers:
    """A service is steady some time after it was made, unless its image is a broken one."""

    def __init__(self, world: World, *, settle_seconds: float = 30) -> None:
        self.world = world
        self.settle_seconds = settle_seconds

    def ensure_task_definition(self, service: ReleaseService) -> str:
        for arn, registered in self.world.task_definitions.items():
            if registered == service:
                return arn
        arn = self.world.arn("ecs", f"task-definition/{service.names.task_family}")
        self.world.task_definitions[arn] = service
        return arn

    def find_task_definition(self, names: ReleaseNames) -> str | None:
        registered = self.world.task_definitions.items()
        mine = [arn for arn, service in registered if service.names == names]
        return mine[-1] if mine else None

    def ensure_service(self, service: ReleaseService, task_definition_arn: str) -> None:
        stored = self.world.services.get(service.names.service)
        wanted = (task_definition_arn, service.desired_count)
        if stored and (stored.task_definition_arn, stored.desired_count) == wanted:
            return
        self.world.services[service.names.service] = StoredService(
            service=service,
            task_definition_arn=task_definition_arn,
            desired_count=service.desired_count,
            created_at=self.world.clock.now(),
        )

    def ensure_running(self, names: ReleaseNames, desired_count: int) -> None:
        stored = self.world.services.get(names.service)
        if stored is None:
            raise NotFoundError(f"There is no service {names.service} to start again.")
        if stored.desired_count != desired_count:
            stored.desired_count = desired_count
            stored.created_at = self.world.clock.now()

    def roll_out(self, names: ReleaseNames, task_definition_arn: str, desired_count: int) -> None:
        stored = self.world.services.get(names.service)
        if stored is None:
            raise NotFoundError(f"There is no service {names.service} to change.")
        if (stored.task_definition_arn, stored.desired_count) == (
            task_definition_arn,
            desired_count,
        ):
            return
        registered = self.world.task_definitions[task_definition_arn]
        self.world.services[names.service] = StoredService(
            service=replace(
                stored.service, image_digest=registered.image_digest, size=registered.size
            ),
            task_definition_arn=task_definition_arn,
            desired_count=desired_count,
            created_at=self.world.clock.now(),
        )

    def scale_down(self, names: ReleaseNames) -> None:
        stored = self.world.services.get(names.service)
        if stored is not None:
            stored.desired_count = 0

    def state(self, names: ReleaseNames, target_group_arn: str) -> ServiceState:
        stored = self.world.services.get(names.service)
        if stored is None:
            reason = f"There is no service {names.service}."
            return ServiceState(exists=False, steady=False, failed=False, reason=reason)
        arn = service_arn(self.world, names.service)
        broken = self.world.broken_images.get(stored.service.image_digest)
        if broken is not None:
            return _unsteady(stored, arn, broken, failed=True)
        if target_group_arn not in self.world.target_groups.values():
            reason = "The containers are not registered in a target group that exists."
            return _unsteady(stored, arn, reason)
        if self.world.clock.now() < stored.created_at + timedelta(seconds=self.settle_seconds):
            reason = "Waiting for the containers to start and to become healthy."
            return _unsteady(stored, arn, reason)
        return _steady(stored, arn)

    def delete_service(self, names: ReleaseNames) -> None:
        self.world.services.pop(names.service, None)

    def delete_task_definition(self, arn: str) -> None:
        self.world.task_definitions.pop(arn, None)

    def delete_task_definitions(self, names: ReleaseNames) -> None:
        for arn, service in list(self.world.task_definitions.items()):
            if service.names == names:
                self.delete_task_definition(arn)


def service_arn(world: World, name: str) -> str:
    """Return the ARN by which AWS names a service in its events."""
    return f"arn:aws:ecs:af-south-1:{world.account_id}:service/bbws-cluster/{name}"


def _steady(stored: StoredService, arn: str) -> ServiceState:
    number = stored.service.names.number
    count = stored.desired_count
    return ServiceState(
        exists=True,
        steady=count > 0,
        failed=False,
        reason=f"{count} of {count} containers are running and healthy.",
        arn=arn,
        desired_count=count,
        running_count=count,
        addresses=tuple(f"10.0.{number % 256}.{index + 4}:80" for index in range(count)),
    )


def _unsteady(
    stored: StoredService, arn: str, reason: str, *, failed: bool = False
) -> ServiceState:
    return ServiceState(
        exists=True,
        steady=False,
        failed=failed,
        reason=reason,
        arn=arn,
        desired_count=stored.desired_count,
        running_count=0 if failed else stored.desired_count,
    )
