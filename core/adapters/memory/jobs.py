"""Twin of the container jobs: tasks that run when the simulation says so."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from core.adapters.memory.world import StoredTask, World
from core.domain.errors import ConfigurationError
from core.domain.job_facts import JobResult
from core.domain.job_models import ObjectLocation
from core.domain.jobs import JobDescription, job_adapter
from core.domain.names import JobReference
from core.ports.jobs import JobTask, Where

type Play = Callable[[JobDescription], JobResult | None]
"""Does the work of one job; None when the job dies without a report."""


class MemoryJobs:
    """Starting a job twice makes two tasks, as RunTask does: the caller has to look first."""

    def __init__(self, world: World, play: Play, *, seconds: float = 0) -> None:
        self.world = world
        self.play = play
        self.seconds = seconds
        """How long every task runs that `seconds_of` says nothing of."""
        self.seconds_of: dict[str, float] = {}
        """How long the tasks of a step run, by the step's name; `math.inf` never ends by itself."""

    def find(self, where: Where, reference: JobReference) -> JobTask | None:
        mine = [task for task in self._world(where, reference).tasks if task.reference == reference]
        return _task(_most_relevant(mine))

    def start(
        self,
        where: Where,
        reference: JobReference,
        description: ObjectLocation,
        *,
        tenant_id: str,  # noqa: ARG002 - one network here
        site_id: str,  # noqa: ARG002 - one network here
    ) -> JobTask:
        world = self._world(where, reference)
        task = StoredTask(
            arn=world.arn("ecs", "task/bbws-cluster"),
            reference=reference,
            description=description,
            started_at=world.clock.now(),
        )
        world.tasks.append(task)
        return JobTask(arn=task.arn, stopped=False, started_at=task.started_at)

    def stop(self, where: Where, reference: JobReference, reason: str) -> JobTask | None:
        mine = [task for task in self._world(where, reference).tasks if _same_step(task, reference)]
        for task in mine:
            if not task.stopped:
                task.stop_requested = reason
        return _task(_most_relevant(mine))

    def tick(self) -> Sequence[JobReference]:
        """End every task whose time has come; return what ended, to be turned into wake-ups."""
        tasks = [task for task in self._running() if self.left(task) <= 0]
        for task in tasks:
            task.stopped_reason = task.stop_requested or self._run(task)
        return [task.reference for task in tasks]

    def next_end(self) -> float | None:
        """Return in how many seconds the next task ends by itself, if any does."""
        left = (self.left(task) for task in self._running())
        return min((seconds for seconds in left if seconds != math.inf), default=None)

    def left(self, task: StoredTask) -> float:
        """Return for how many seconds a task will still run."""
        if task.stop_requested is not None:
            return 0
        ran = (self.world.clock.now() - task.started_at).total_seconds()
        return self.seconds_of.get(task.reference.step, self.seconds) - ran

    # --- helpers ---------------------------------------------------------------------------

    def _running(self) -> list[StoredTask]:
        worlds = [self.world, *([self.world.source] if self.world.source else [])]
        return [task for world in worlds for task in world.tasks if self._is_mine(task)]

    def _world(self, where: Where, reference: JobReference) -> World:
        if where is Where.HERE:
            return self.world
        if self.world.source is None:
            raise ConfigurationError(f"{self.world.environment} has no source environment.")
        self.world.source.role_sessions.append(reference.operation_id)
        return self.world.source

    def _is_mine(self, task: StoredTask) -> bool:
        """Whether this environment started the task (the source runs tasks of its own, too)."""
        return not task.stopped and task.description.bucket == self.world.transfer_bucket

    def _run(self, task: StoredTask) -> str:
        description = job_adapter.validate_json(self.world.objects[task.description.key])
        result = self.play(description)
        if result is None:
            return "OutOfMemoryError: container killed due to memory usage"
        content = result.model_dump_json(by_alias=True).encode()
        self.world.objects[description.result.key] = content
        return "Essential container in task exited"


def _same_step(task: StoredTask, reference: JobReference) -> bool:
    mine = task.reference
    return (mine.operation_id, mine.step) == (reference.operation_id, reference.step)


def _most_relevant(tasks: Sequence[StoredTask]) -> StoredTask | None:
    """An unfinished task before a stopped one, a later one before an earlier one."""
    return max(reversed(tasks), key=lambda task: (not task.stopped, task.started_at), default=None)


def _task(task: StoredTask | None) -> JobTask | None:
    if task is None:
        return None
    return JobTask(
        arn=task.arn,
        stopped=task.stopped,
        started_at=task.started_at,
        stopped_reason=task.stopped_reason,
    )
