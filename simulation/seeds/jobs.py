"""Container jobs that are slow, endless, dead, or find the site broken."""

from __future__ import annotations

import math
from collections.abc import Callable

from core.adapters.memory.jobs import MemoryJobs, Play
from core.adapters.memory.world import StoredTask, World
from core.domain.job_facts import JobResult
from core.domain.jobs import JobDescription
from simulation.fleet import VISIBILITY_SECONDS
from simulation.scenario import spoiled
from simulation.seeds.faults import Fault, Faults

LATE_CHECKS = {"check_after", "check_changed", "check_back", "monitor"}
"""What finds a site broken once visitors see it: the longest way back."""

type Tell = Callable[[str], None]


class SeededJobs(MemoryJobs):
    """Each task draws, once, how long it runs and how it ends."""

    def __init__(
        self, world: World, play: Play, *, seconds: int, faults: Faults, tell: Tell
    ) -> None:
        super().__init__(world, play, seconds=seconds)
        self._healthy = play
        self._faults = faults
        self._tell = tell
        self._lasts: dict[str, float] = {}
        self._broken_sites: dict[tuple[str, str], bool] = {}
        self.play = self._played

    def left(self, task: StoredTask) -> float:
        """Return for how many seconds a task will still run; one that never ends can be stopped."""
        if task.stop_requested is not None:
            return 0
        if task.arn not in self._lasts:
            self._lasts[task.arn] = self._draw(task)
        ran = (self.world.clock.now() - task.started_at).total_seconds()
        return self._lasts[task.arn] - ran

    def _draw(self, task: StoredTask) -> float:
        if self._faults.strikes(Fault.ENDLESS_JOB):
            self._tell(f"FAULT {Fault.ENDLESS_JOB}: {task.reference.step}")
            return math.inf
        if self._faults.strikes(Fault.SLOW_JOB):
            seconds = self._faults.seconds(VISIBILITY_SECONDS + 10, 3 * VISIBILITY_SECONDS)
            self._tell(f"FAULT {Fault.SLOW_JOB}: {task.reference.step}, {seconds} s")
            return seconds
        return self.seconds

    def _played(self, job: JobDescription) -> JobResult | None:
        if self._faults.strikes(Fault.DEAD_JOB):
            halfway = self._faults.seconds(0, 1)
            self._tell(
                f"FAULT {Fault.DEAD_JOB}: {job.step}, work {'done' if halfway else 'not done'}"
            )
            if halfway:
                self._healthy(job)
            return None
        if self._is_bad(job):
            return spoiled(self._healthy, job.step)(job)
        return self._healthy(job)

    def _is_bad(self, job: JobDescription) -> bool:
        """What finds a site broken finds it broken again, until people have repaired it."""
        if self._faults.calm or job.step.startswith("undo-"):
            return False
        key = (job.operation_id, job.step)
        if key not in self._broken_sites:
            chances = range(4 if job.step in LATE_CHECKS else 1)
            struck = (self._faults.strikes(Fault.BAD_RESULT) for _ in chances)
            self._broken_sites[key] = any(struck)
            if self._broken_sites[key]:
                self._tell(f"FAULT {Fault.BAD_RESULT}: {job.step}")
        return self._broken_sites[key]
