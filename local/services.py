"""Plays ECS services: PHP containers that come and go as the fleet asks, registered as targets."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from local import definitions, registry
from local.deployments import Deployments
from local.errors import LocalError
from local.network import wait_for
from local.php import ContainerSpec, PhpContainer, start_container

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import ServiceTypeDef
    from mypy_boto3_elbv2.type_defs import TargetDescriptionTypeDef

    from local.cloud import Cloud
    from local.layout import Layout
    from local.processes import Processes
    from local.site_logs import SiteLogs

HEALTHY_SECONDS = 60
RETRY_SECONDS = 2.0
DRAIN_SECONDS = 1.0
"""How long a container answers on after its target was taken out."""
_DESCRIBE_LIMIT = 10
_NETWORK = "127.0.0."
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class WantedService:
    """What the fleet asked for."""

    name: str
    arn: str
    task_definition: str
    desired: int
    target_group: str


@dataclass(kw_only=True)
class Replica:
    """One container of a service and how far it is."""

    container: PhpContainer
    task_definition: str
    target_group: str
    health: Future[bool]
    registered: bool = False


class ServiceWatcher:
    """Watches one account's cluster."""

    def __init__(
        self,
        cloud: Cloud,
        cluster: str,
        layout: Layout,
        processes: Processes,
        site_logs: SiteLogs,
    ) -> None:
        self._cloud = cloud
        self._cluster = cluster
        self._layout = layout
        self._processes = processes
        self._site_logs = site_logs
        self._replicas: dict[str, list[Replica]] = {}
        self._retry_after: dict[str, float] = {}
        self._deployments = Deployments(cloud)
        self._numbers = count(1)
        self._closing = threading.Event()
        self._background = ThreadPoolExecutor(max_workers=32, thread_name_prefix="containers")

    def tick(self) -> None:
        """Compare services with containers once."""
        wanted = {service.name: service for service in self._wanted()}
        for name in [name for name in self._replicas if name not in wanted]:
            for replica in self._replicas.pop(name):
                self._remove(replica)
        for service in wanted.values():
            try:
                self._reconcile(service)
            except (ClientError, LocalError, OSError) as error:
                # ECS keeps trying as well; the fleet sees a service that is not steady.
                logger.warning("%s cannot run yet: %s", service.name, error)
                self._retry_after[service.name] = time.monotonic() + RETRY_SECONDS

    def close(self) -> None:
        """Stop every container; the emulator is told too."""
        self._closing.set()
        for replica in [r for replicas in self._replicas.values() for r in replicas]:
            self._remove(replica)
        self._replicas.clear()
        self._background.shutdown()

    def _wanted(self) -> list[WantedService]:
        pages = self._cloud.ecs.get_paginator("list_services").paginate(cluster=self._cluster)
        arns = [arn for page in pages for arn in page["serviceArns"]]
        found = []
        for start in range(0, len(arns), _DESCRIBE_LIMIT):
            described = self._cloud.ecs.describe_services(
                cluster=self._cluster, services=arns[start : start + _DESCRIBE_LIMIT]
            )
            found += [wanted for s in described["services"] if (wanted := _wanted_service(s))]
        return found

    def _reconcile(self, service: WantedService) -> None:
        replicas = self._replicas.setdefault(service.name, [])
        for dead in [replica for replica in replicas if not replica.container.alive]:
            logger.warning("%s died and is replaced", dead.container.name)
            replicas.remove(dead)
            self._remove(dead)
            if not dead.registered:
                self._deployments.note_failed_start(service.arn, dead.task_definition)
        current = [r for r in replicas if r.task_definition == service.task_definition]
        may_start = self._deployments.may_start(service.arn, service.task_definition)
        if may_start and self._retry_after.get(service.name, 0) <= time.monotonic():
            for _ in range(service.desired - len(current)):
                started = self._start(service)
                replicas.append(started)
                current.append(started)
        for replica in current:
            self._register_when_healthy(replica)
        serving = [r for r in current if r.registered]
        if len(serving) >= service.desired:
            kept = serving[: service.desired]
            for surplus in [r for r in replicas if r not in kept]:
                replicas.remove(surplus)
                self._remove(surplus)

    def _start(self, service: WantedService) -> Replica:
        definition = definitions.task_definition(self._cloud, service.task_definition)
        content = definitions.access_point_directory(self._cloud, self._layout, definition)
        if content is None:
            raise LocalError(f"{service.task_definition} has no EFS access point for wp-content.")
        environment = self._cloud.account.environment
        defined = definitions.container(definition)
        number = str(next(self._numbers))
        name = definitions.slug(["web", environment, service.name, number])
        self._site_logs.follow(defined, task=number, output=self._processes.log(name))
        container = start_container(
            ContainerSpec(
                crashes=defined["image"].endswith(registry.digest_of(registry.CRASHING)),
                address=self._free_address(service.name),
                name=name,
                environment=definitions.environment(self._cloud, defined),
                content=content,
            ),
            self._layout,
            self._processes,
        )
        logger.info("Running %s on port %d", container.name, container.port)
        path = self._health_path(service.target_group)
        return Replica(
            container=container,
            task_definition=service.task_definition,
            target_group=service.target_group,
            health=self._background.submit(_become_healthy, container, path),
        )

    def _free_address(self, service: str) -> str:
        """Return a loopback address that no other container of the service has.

        The emulator tells targets of one group apart by address alone, not by port.
        """
        taken = {replica.container.address for replica in self._replicas.get(service, [])}
        return next(address for n in count(1) if (address := f"{_NETWORK}{n}") not in taken)

    def _health_path(self, target_group: str) -> str:
        groups = self._cloud.elbv2.describe_target_groups(TargetGroupArns=[target_group])
        return groups["TargetGroups"][0].get("HealthCheckPath", "/")

    def _register_when_healthy(self, replica: Replica) -> None:
        if replica.registered or not replica.health.done():
            return
        if not replica.health.result():
            logger.warning("%s is not healthy and is replaced", replica.container.name)
            replica.container.stop(self._processes)
            return
        self._cloud.elbv2.register_targets(
            TargetGroupArn=replica.target_group, Targets=[_target(replica)]
        )
        replica.registered = True

    def _remove(self, replica: Replica) -> None:
        """Take a container out of its target group; it stops when its requests are answered."""
        if replica.registered:
            try:
                self._cloud.elbv2.deregister_targets(
                    TargetGroupArn=replica.target_group, Targets=[_target(replica)]
                )
            except ClientError:
                logger.info("The target group of %s is gone already", replica.container.name)
        if replica.registered and replica.container.alive and not self._closing.is_set():
            self._background.submit(self._drain, replica.container)
        else:
            replica.container.stop(self._processes)

    def _drain(self, container: PhpContainer) -> None:
        self._closing.wait(DRAIN_SECONDS)
        container.stop(self._processes)
        logger.info("Stopped %s", container.name)


def _target(replica: Replica) -> TargetDescriptionTypeDef:
    return {"Id": replica.container.address, "Port": replica.container.port}


def _wanted_service(service: ServiceTypeDef) -> WantedService | None:
    balancers = service.get("loadBalancers", [])
    if service.get("status") != "ACTIVE" or not balancers or not service.get("desiredCount"):
        return None
    return WantedService(
        name=service["serviceName"],
        arn=service["serviceArn"],
        task_definition=service["taskDefinition"],
        desired=service["desiredCount"],
        target_group=balancers[0].get("targetGroupArn", ""),
    )


def _become_healthy(container: PhpContainer, path: str) -> bool:
    wait_for(
        lambda: not container.alive or container.healthy(path), seconds=HEALTHY_SECONDS, pause=0.1
    )
    return container.alive and container.healthy(path)
