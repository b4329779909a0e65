"""Which step failed in which operation, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.domain.operation import Operation
from tests.failures.changes import retry
from tests.failures.consumers import Worker
from tests.failures.target import State, Target, differences


@dataclass(frozen=True, kw_only=True)
class Case:
    """One operation that failed at one step."""

    step: str
    operation: Operation
    before: State
    after: State
    left: list[str]
    """Of what was transferred, and of jobs."""
    between: State | None = None
    """While it stood half-way: what cannot go back is carried on by a person's retry."""
    ended: Operation | None = None
    """The operation after that."""

    @property
    def differences(self) -> dict[str, Any]:
        return differences(self.before, self.after)


def fail(
    worker: Worker, target: Target, before: State, request: Mapping[str, Any], step: str
) -> Case:
    """Send a request whose operation fails at a step, after its work; see what it leaves."""
    return seen(target, before, worker.operate(request, fails_at=step), step)


def fail_and_go_on(
    worker: Worker, target: Target, before: State, request: Mapping[str, Any], step: str
) -> Case:
    """The same where there is no way back: the operation stops, and a person lets it go on."""
    stopped = worker.operate(request, fails_at=step)
    between = target.surroundings()
    ended = worker.retry(stopped, retry(stopped.operation_id))
    return replace(seen(target, before, stopped, step), between=between, ended=ended)


def seen(target: Target, before: State, operation: Operation, step: str) -> Case:
    """Look at a site once an operation has ended."""
    return Case(
        step=step,
        operation=operation,
        before=before,
        after=target.state(),
        left=target.left_of(operation.operation_id),
    )
