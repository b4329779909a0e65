"""A step: one idempotent piece of work, and how to take it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.domain.names import JobReference
from core.domain.operation import Facts, Operation, StepRecord
from core.domain.policy import Policy
from core.engine.outcome import Outcome
from core.ports.bundle import Ports
from events.requests import Request
from events.vocabulary import Phase


@dataclass(frozen=True, kw_only=True)
class StepContext:
    """Everything that a step may know and use."""

    operation: Operation
    request: Request
    facts: Mapping[str, Facts]
    """Facts of the completed steps, by step name."""
    records: tuple[StepRecord, ...]
    """Every result so far, of both phases."""
    ports: Ports
    policy: Policy
    now: datetime

    @property
    def job(self) -> JobReference:
        """The container job of this attempt; an undo's job is another one than the step's."""
        step = self.operation.step or ""
        name = step if self.operation.phase is Phase.FORWARD else f"undo-{step}"
        return JobReference(
            operation_id=self.operation.operation_id, step=name, attempt=self.operation.attempt
        )

    @property
    def poll_seconds(self) -> int:
        return self.policy.step(self.operation.step or "").poll_seconds


type StepFunction = Callable[[StepContext], Outcome]
type Leave = Callable[[StepContext], None]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of a workflow's table."""

    name: str
    run: StepFunction
    undo: StepFunction | None = None
    """Takes back what `run` did, also partly, also twice; "nothing there" is fine."""
    cuts_over: bool = False
    """Whether visitors see a difference once it is done."""
    awaits_approval: bool = False
    """Whether the operation stands at AWAITING_APPROVAL while this step waits."""
    leave: Leave | None = None
    """Stops what the step has running, when it is cancelled; for steps that leave nothing to undo.
    The operation's end does not depend on it."""
