"""What the engine is made of: stores, queues, workflows, policy, and the context of its logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from core.domain.operation import Operation
from core.domain.policy import Policy
from core.engine.step import Step
from core.engine.workflow import Workflow
from core.ports.bundle import Ports
from core.ports.clock import IdSource
from core.ports.dead_letters import ReplayOutcomes
from core.ports.messaging import EventBus, WorkQueues
from core.ports.operation_store import OperationStore
from events.vocabulary import OperationType


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long a lease lasts and how often SQS hands a message out; checked by a template test."""

    lease_seconds: int
    max_receive_count: int


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Made by bootstrap for the functions, and by the simulator for the proofs."""

    store: OperationStore
    bus: EventBus
    queues: WorkQueues
    outcomes: ReplayOutcomes
    ids: IdSource
    ports: Ports
    policy: Policy
    timing: Timing
    workflows: Mapping[OperationType, Workflow]

    def now(self) -> datetime:
        return self.ports.clock.now()

    def workflow(self, operation: Operation) -> Workflow:
        return self.workflows[operation.operation_type]

    def step(self, operation: Operation) -> Step:
        """Return the step at the operation's cursor."""
        return self.workflow(operation).step(operation.step or "")


def bind_context(operation: Operation) -> None:
    """Put on every log line which operation, step, attempt, tenant and site it is about."""
    structlog.contextvars.bind_contextvars(
        operationId=operation.operation_id,
        operationType=operation.operation_type.value,
        phase=operation.phase.value,
        step=operation.step,
        attempt=operation.attempt,
        tenantId=operation.tenant_id,
        siteId=operation.site_id,
        correlationId=operation.correlation_id,
    )
