"""Container jobs on ECS: here, and in the source account under its export task family."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from core.adapters.aws.errors import calling
from core.adapters.aws.session import AwsClients, SourceAccount
from core.adapters.site_networks import SiteNetwork, SiteNetworks
from core.domain.errors import ConfigurationError, TransientError
from core.domain.job_models import ObjectLocation
from core.domain.names import JobReference
from core.ports.jobs import JobTask, Where

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        ContainerOverrideTypeDef,
        RunTaskRequestTypeDef,
        TaskTypeDef,
    )

CONTAINER: Final = "migrator"
"""Name of the container in both task families."""
DESCRIBE_LIMIT: Final = 100
"""Tasks that one DescribeTasks takes."""
ADMIN_SECRET: Final = "MIGRATOR_DATABASE_ADMIN_SECRET"  # noqa: S105 - a variable's name

type Status = Literal["RUNNING", "STOPPED"]


@dataclass(frozen=True, kw_only=True)
class TaskPlace:
    """Where tasks of one account run."""

    cluster: str
    family: str
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of the container that differ from the family's."""

    def at(self, place: SiteNetwork) -> TaskPlace:
        """Return where tasks for the sites of an isolation level run."""
        admin = place.database_admin_secret
        return replace(
            self,
            subnet_ids=place.subnet_ids,
            security_group_ids=place.job_security_group_ids,
            environment={ADMIN_SECRET: admin} if admin else {},
        )


class EcsJobs:
    """Finds tasks by `startedBy`; ECS forgets a stopped task after about an hour."""

    def __init__(
        self,
        *,
        clients: AwsClients,
        here: TaskPlace,
        networks: SiteNetworks | None = None,
        source: SourceAccount | None = None,
        source_place: TaskPlace | None = None,
    ) -> None:
        """`networks`: where the sites of this account live; without, everything runs in `here`."""
        self._clients = clients
        self._here = here
        self._networks = networks
        self._source = source
        self._source_place = source_place

    def find(self, where: Where, reference: JobReference) -> JobTask | None:
        account = self._account(where, reference)
        running = account.started_by(reference.started_by, "RUNNING")
        return _task(running or account.started_by(reference.started_by, "STOPPED"))

    def start(
        self,
        where: Where,
        reference: JobReference,
        description: ObjectLocation,
        *,
        tenant_id: str,
        site_id: str,
    ) -> JobTask:
        account = self._account(where, reference)
        if where is Where.HERE and self._networks is not None:
            place = self._here.at(self._networks.of(tenant_id, site_id))
            account = _Account(self._clients, place)
        return account.run(reference, description)

    def stop(self, where: Where, reference: JobReference, reason: str) -> JobTask | None:
        """Stop every attempt of the step.

        A task that was told to stop has desiredStatus STOPPED while it still runs, so both lists
        are looked through. Returns an unfinished task while there is one.
        """
        account = self._account(where, reference)
        prefix = reference.started_by.rpartition("/")[0] + "/"
        running = account.of_step(prefix, "RUNNING")
        for task in running:
            account.stop(task["taskArn"], reason)
        return _task(running) or _task(account.of_step(prefix, "STOPPED"))

    def _account(self, where: Where, reference: JobReference) -> _Account:
        if where is Where.HERE:
            return _Account(self._clients, self._here)
        if self._source is None or self._source_place is None:
            raise ConfigurationError("This environment has no source account to run jobs in.")
        return _Account(self._source.clients(reference.operation_id), self._source_place)


@dataclass(frozen=True)
class _Account:
    """The calls to ECS, with one account's clients and place."""

    clients: AwsClients
    place: TaskPlace

    def started_by(self, value: str, status: Status) -> Sequence[TaskTypeDef]:
        """ListTasks takes no filter beside startedBy but the desired status."""
        with calling("ECS", f"tasks started by {value}"):
            answer = self.clients.ecs.list_tasks(
                cluster=self.place.cluster, startedBy=value, desiredStatus=status
            )
        return self._describe(answer["taskArns"])

    def of_step(self, started_by_prefix: str, status: Status) -> Sequence[TaskTypeDef]:
        """Return the tasks of every attempt of a step."""
        arns: list[str] = []
        with calling("ECS", f"tasks of {self.place.family}"):
            for page in self.clients.ecs.get_paginator("list_tasks").paginate(
                cluster=self.place.cluster, family=self.place.family, desiredStatus=status
            ):
                arns.extend(page["taskArns"])
        tasks = self._describe(arns)
        return [task for task in tasks if task.get("startedBy", "").startswith(started_by_prefix)]

    def run(self, reference: JobReference, description: ObjectLocation) -> JobTask:
        with calling("ECS", f"task family {self.place.family}"):
            answer = self.clients.ecs.run_task(**self._request(reference, description))
        if not answer["tasks"]:
            reasons = "; ".join(
                f"{failure.get('reason', 'unknown')} {failure.get('detail', '')}".strip()
                for failure in answer["failures"]
            )
            raise TransientError(f"ECS did not start a task of {self.place.family}: {reasons}")
        task = answer["tasks"][0]
        return JobTask(arn=task["taskArn"], stopped=False, started_at=task.get("createdAt"))

    def stop(self, arn: str, reason: str) -> None:
        with calling("ECS", f"task {arn}"):
            self.clients.ecs.stop_task(cluster=self.place.cluster, task=arn, reason=reason[:255])

    def _describe(self, arns: Sequence[str]) -> Sequence[TaskTypeDef]:
        found: list[TaskTypeDef] = []
        for start in range(0, len(arns), DESCRIBE_LIMIT):
            with calling("ECS", f"tasks of {self.place.family}"):
                answer = self.clients.ecs.describe_tasks(
                    cluster=self.place.cluster, tasks=arns[start : start + DESCRIBE_LIMIT]
                )
            found.extend(answer["tasks"])
        return found

    def _request(
        self, reference: JobReference, description: ObjectLocation
    ) -> RunTaskRequestTypeDef:
        command = ["run", f"s3://{description.bucket}/{description.key}"]
        override: ContainerOverrideTypeDef = {"name": CONTAINER, "command": command}
        if self.place.environment:
            pairs = self.place.environment.items()
            override["environment"] = [{"name": name, "value": value} for name, value in pairs]
        return {
            "cluster": self.place.cluster,
            "taskDefinition": self.place.family,
            "launchType": "FARGATE",
            "count": 1,
            "startedBy": reference.started_by,
            "clientToken": hashlib.sha256(reference.started_by.encode()).hexdigest(),
            "overrides": {"containerOverrides": [override]},
            "networkConfiguration": {
                "awsvpcConfiguration": {
                    "subnets": list(self.place.subnet_ids),
                    "securityGroups": list(self.place.security_group_ids),
                    "assignPublicIp": "DISABLED",
                }
            },
            "enableECSManagedTags": True,
            "propagateTags": "TASK_DEFINITION",
        }


def _task(tasks: Sequence[TaskTypeDef]) -> JobTask | None:
    """An unfinished task before a stopped one, a later one before an earlier one."""
    if not tasks:
        return None
    chosen = max(
        tasks,
        key=lambda task: (task["lastStatus"] != "STOPPED", str(task.get("createdAt", ""))),
    )
    stopped = chosen["lastStatus"] == "STOPPED"
    return JobTask(
        arn=chosen["taskArn"],
        stopped=stopped,
        started_at=chosen.get("createdAt"),
        stopped_reason=_reason(chosen) if stopped else None,
    )


def _reason(task: TaskTypeDef) -> str:
    """The task's reason, and its container's where that says more (an image, out of memory)."""
    parts = [task.get("stoppedReason", "")]
    for container in task.get("containers", []):
        parts.append(container.get("reason", ""))
        if container.get("exitCode"):
            parts.append(f"exit code {container['exitCode']}")
    return "; ".join(part for part in parts if part) or "no reason given"
