"""Plays ECS tasks: each one that the fleet started runs as a migrator process of its own."""

from __future__ import annotations

import logging
import signal
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from local import definitions
from local.container import NAMES_VARIABLE
from local.emulator import REGION, SYSTEM_PATH
from local.job_processes import JobProcesses
from local.layout import CHECKOUT
from local.network import LOOPBACK
from local.processes import Command, Processes, end_session, signal_group

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.process import BaseProcess

    from mypy_boto3_ecs.type_defs import ContainerOverrideOutputTypeDef, TaskTypeDef

    from local.cloud import Cloud
    from local.layout import Layout

STARTED_BY = "sitefleet/"
MODULE = "migrator"
STOP_SECONDS = 1.0
"""The emulator calls a task STOPPED at once, so its process may not live on for long."""
WORDPRESS_TIMEOUT_SECONDS = "40"
"""Shorter than on AWS: nobody wants to watch a plugin that hangs for minutes."""
_DESCRIBE_LIMIT = 100
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a job finds around it: the file system, the CA, WordPress, the load balancer."""

    layout: Layout
    load_balancers: dict[str, int]
    """DNS name of each load balancer and the loopback port where it answers."""
    module: str = MODULE

    def variables(self, cloud: Cloud) -> dict[str, str]:
        """Return the variables that differ from the container's: paths of this machine."""
        return {
            "MIGRATOR_MOUNT_PATH": str(self.layout.file_system(cloud.account.environment)),
            "MIGRATOR_DATABASE_CA": str(self.layout.authority),
            "MIGRATOR_WORDPRESS_PATH": str(self.layout.wordpress),
            "MIGRATOR_SITE_ADDRESS": self._site_address(),
            "MIGRATOR_WORDPRESS_TIMEOUT_SECONDS": WORDPRESS_TIMEOUT_SECONDS,
            NAMES_VARIABLE: ",".join(f"{n}={p}" for n, p in self.load_balancers.items()),
            "AWS_ENDPOINT_URL": cloud.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "PATH": SYSTEM_PATH,
            "HOME": str(self.layout.temporary),
            "TMPDIR": str(self.layout.temporary),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(CHECKOUT),
        }

    def _site_address(self) -> str:
        """Return where every load balancer answers: the front proxy tells sites by their host."""
        return next((f"{LOOPBACK}:{port}" for port in self.load_balancers.values()), "")


@dataclass(frozen=True, kw_only=True)
class RunningTask:
    """A task and the process that plays it."""

    arn: str
    name: str
    pid: int
    process: BaseProcess
    stopped_by_fleet: bool = False


class TaskWatcher:
    """Watches one account's cluster."""

    def __init__(
        self, cloud: Cloud, cluster: str, processes: Processes, surroundings: Surroundings
    ) -> None:
        self._cloud = cloud
        self._cluster = cluster
        self._processes = processes
        self._surroundings = surroundings
        self._jobs = JobProcesses(processes, surroundings.module)
        self._running: dict[str, RunningTask] = {}
        self._seen: set[str] = set()

    def tick(self) -> None:
        """Compare tasks with processes once: stops first, so that a retry never overlaps."""
        wanted = self._list()
        for task in list(self._running.values()):
            if task.arn not in wanted:
                self._end(task)
            elif task.process.exitcode is not None:
                self._report_exit(task)
        new = [arn for arn in wanted if arn not in self._seen]
        self._seen = (self._seen & set(wanted)) | set(new)
        for start in range(0, len(new), _DESCRIBE_LIMIT):
            for described in self._describe(new[start : start + _DESCRIBE_LIMIT]):
                if described.get("startedBy", "").startswith(STARTED_BY):
                    self._start(described)

    def close(self) -> None:
        """End every process."""
        for task in list(self._running.values()):
            self._end(task)

    def _list(self) -> list[str]:
        pages = self._cloud.ecs.get_paginator("list_tasks").paginate(cluster=self._cluster)
        return [arn for page in pages for arn in page["taskArns"]]

    def _describe(self, arns: Sequence[str]) -> Sequence[TaskTypeDef]:
        return self._cloud.ecs.describe_tasks(cluster=self._cluster, tasks=arns)["tasks"]

    def _start(self, described: TaskTypeDef) -> None:
        arn = described["taskArn"]
        try:
            command = self._command(described)
        except Exception as error:  # the task stops with the reason, as on ECS
            logger.exception("Task %s cannot start", arn)
            self._stop_in_emulator(arn, f"CannotStartContainerError: {error}")
            return
        process, record = self._jobs.start(command)
        logger.info("Running %s as process %d, log %s", command.name, record.pid, record.log)
        self._running[arn] = RunningTask(
            arn=arn, name=command.name, pid=record.pid, process=process
        )

    def _command(self, described: TaskTypeDef) -> Command:
        definition = definitions.task_definition(self._cloud, described["taskDefinitionArn"])
        overrides = described.get("overrides", {}).get("containerOverrides", [])
        override: ContainerOverrideOutputTypeDef = overrides[0] if overrides else {}
        container = definitions.container(definition, override.get("name"))
        variables = definitions.environment(self._cloud, container)
        variables |= {
            p.get("name", ""): p.get("value", "") for p in override.get("environment", [])
        }
        role = described.get("overrides", {}).get("taskRoleArn") or definition.get("taskRoleArn")
        task_id = described["taskArn"].rpartition("/")[2]
        started_by = described["startedBy"].removeprefix(STARTED_BY).split("/")
        environment = self._cloud.account.environment
        return Command(
            name=definitions.slug(["job", environment, *started_by, task_id[:8]]),
            arguments=override.get("command") or container.get("command") or [],
            environment={
                **variables,
                **self._surroundings.variables(self._cloud),
                **self._credentials(role, task_id),
            },
            directory=CHECKOUT,
        )

    def _credentials(self, role: str | None, task_id: str) -> dict[str, str]:
        """Return the task role's credentials, as the ECS agent would hand them out."""
        if not role:
            return {
                "AWS_ACCESS_KEY_ID": self._cloud.account.account_id,
                "AWS_SECRET_ACCESS_KEY": "local",
            }
        given = self._cloud.sts.assume_role(RoleArn=role, RoleSessionName=task_id[:64])
        return {
            "AWS_ACCESS_KEY_ID": given["Credentials"]["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["Credentials"]["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["Credentials"]["SessionToken"],
        }

    def _report_exit(self, task: RunningTask) -> None:
        """Tell how a job has ended; programs that a killed one left running end with it."""
        code = task.process.exitcode
        end_session(task.pid)
        self._forget(task)
        self._stop_in_emulator(task.arn, f"Essential container in task exited with code {code}")
        logger.info("%s exited with code %d", task.name, code)

    def _end(self, task: RunningTask) -> None:
        """End a process whose task was stopped: ask, then insist."""
        signal_group(task.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while task.process.exitcode is None and time.monotonic() < deadline:
            time.sleep(0.02)
        end_session(task.pid)
        task.process.kill()  # one that stands still at its very beginning has no group of its own
        task.process.join()
        self._forget(replace(task, stopped_by_fleet=True))

    def _forget(self, task: RunningTask) -> None:
        self._running.pop(task.arn, None)
        self._processes.forget(task.name)
        if task.stopped_by_fleet:
            logger.info("%s was stopped", task.name)

    def _stop_in_emulator(self, arn: str, reason: str) -> None:
        try:
            self._cloud.ecs.stop_task(cluster=self._cluster, task=arn, reason=reason[:255])
        except ClientError:
            logger.warning("Task %s is not known any more", arn)
