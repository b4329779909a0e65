"""Spares MiniStack work that it repeats at every request and that grows with a machine's age."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from types import FunctionType
from typing import Any, Final

EVICTION_SECONDS: Final = 600
"""Between two looks for metrics older than two weeks; each look goes through all of them."""
KEPT_EXPRESSIONS: Final = 1024


def evict_seldom(metrics: Any, clock: Callable[[], float] = time.monotonic) -> None:
    """Let CloudWatch look for metrics that are too old now and then, not at every request."""
    evict, looked_at = metrics._evict_old_metrics, clock()  # noqa: SLF001  (the emulator's own)

    def evict_old_metrics() -> None:
        nonlocal looked_at
        if clock() - looked_at >= EVICTION_SECONDS:
            looked_at = clock()
            evict()

    metrics._evict_old_metrics = evict_old_metrics  # noqa: SLF001  (same)


def remember_expressions(tables: Any) -> None:
    """Let DynamoDB parse an expression once, not for every item that it is held against."""
    check = tables._condition_syntax_error  # noqa: SLF001  (the emulator's own)
    tables._condition_syntax_error = lru_cache(KEPT_EXPRESSIONS)(check)  # noqa: SLF001  (same)


class _LivingTasks:
    """Those of ECS' tasks that are to run; the stopped ones stay, and become many."""

    def __init__(self, tasks: Any) -> None:
        self._tasks = tasks

    def items(self) -> list[tuple[str, Any]]:
        """Return the asking account's, in its region, as MiniStack's own store would."""
        here = self._tasks._prefix()  # noqa: SLF001  (the emulator's own store)
        every = list(self._tasks._data.items())  # noqa: SLF001  (same)
        return [
            (key[2], task)
            for key, task in every
            if task.get("desiredStatus") == "RUNNING" and key[:2] == here
        ]


def list_living_tasks(ecs: Any) -> None:
    """Let ListTasks of what runs look at nothing else: the runtime asks many times a second."""
    listing = ecs._list_tasks  # noqa: SLF001  (the emulator's own handler)
    tasks = _LivingTasks(ecs._tasks)  # noqa: SLF001  (same)
    of_living = FunctionType(listing.__code__, {**vars(ecs), "_tasks": tasks})

    def list_tasks(data: dict[str, Any]) -> Any:
        is_living = data.get("desiredStatus", "RUNNING") == "RUNNING"
        return (of_living if is_living else listing)(data)

    ecs._list_tasks = list_tasks  # noqa: SLF001  (same)
    ecs._ACTION_MAP["ListTasks"] = list_tasks  # noqa: SLF001  (its own table)


def receive_the_first(
    queues: Any,
    clock: Callable[[], float] = time.time,  # noqa: TID251 - the emulator's own clock
) -> None:
    """Let SQS look for as many visible messages as are asked for, not at all of a long queue."""
    collect = queues._collect_msgs  # noqa: SLF001  (the emulator's own)

    def collect_messages(queue: dict[str, Any], most: int, hidden_seconds: int) -> Any:
        if queue["is_fifo"]:
            return collect(queue, most, hidden_seconds)
        now = clock()
        visible = (m for m in queue["messages"] if m.get("visible_at", now) <= now)
        return collect({**queue, "messages": list(islice(visible, most))}, most, hidden_seconds)

    queues._collect_msgs = collect_messages  # noqa: SLF001  (same)
