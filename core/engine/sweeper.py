"""The sweeper: the fleet's only clock. Whatever message was lost, no operation is forgotten.

It reads the sparse index of operations by `dueAt` and sends again what each one waits for: its
event, or its current poll. Both are harmless when they are not needed: claims are exclusive and
polls are numbered. An operation that has stalled is reported (again) and then left to people.
It also looks at the lines of tenants, so that none stands still while a turn is free.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from core.domain.errors import CancelRequestedError, LostClaimError, SitefleetError
from core.domain.measurements import Measurement
from core.domain.metrics import MetricName
from core.domain.operation import Operation
from core.engine.engine import Engine, bind_context
from core.engine.recorder import Recorder
from core.engine.transitions import after_retry, after_stall
from core.ports.measuring import Meter

MOST_PER_SWEEP = 100
MOST_GRACES = 8
"""The longest time between two nudges of an operation, as a multiple of the policy's grace."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Sweeper:
    """Looks after operations that nobody has looked at for too long."""

    def __init__(self, engine: Engine, meter: Meter) -> None:
        self._engine = engine
        self._meter = meter
        self._recorder = Recorder(engine)

    def sweep(self) -> int:
        """Send again what due operations wait for; return how many were due."""
        due = self._engine.store.due(self._engine.now(), MOST_PER_SWEEP)
        for operation in due:
            structlog.contextvars.clear_contextvars()
            bind_context(operation)
            self._look_after(operation)
        self._start_in_turn()
        return len(due)

    def measure(self) -> None:
        """Record that a sweep has ended, and how many dead letters wait for an operator.

        A failure to look is only logged: it stops no sweep.
        """
        structlog.contextvars.clear_contextvars()
        self._meter.record([Measurement(name=MetricName.SWEEPER_HEARTBEAT, value=1)], {})
        try:
            depth = self._engine.queues.dead_letters()
        except SitefleetError as error:
            log.warning("missing_depth_of_dead_letters", exc_info=error)
            return
        self._meter.record([Measurement(name=MetricName.DLQ_MESSAGES, value=depth)], {})

    def _start_in_turn(self) -> None:
        """Start what may start: a turn became free and nobody was told, or the cap was raised."""
        for tenant_id in self._engine.store.tenants_in_line(MOST_PER_SWEEP):
            for _ in range(MOST_PER_SWEEP):
                if not self._recorder.start_next(tenant_id):
                    break

    def _look_after(self, operation: Operation) -> None:
        now = self._engine.now()
        grace = self._engine.policy.sweep_grace
        if operation.stalled_since is not None:
            self._recorder.publish(operation)
            self._engine.store.re_arm(operation, None)
            return
        if operation.lease_until is not None and operation.lease_until > now:
            self._engine.store.re_arm(operation, operation.lease_until + grace)
            return
        if self._died_too_often(operation) and self._stall(operation):
            return
        log.warning("nudging_operation", waitingFor=operation.waiting_for)
        if operation.wait_number > 0 or operation.step_since is not None:
            self._recorder.send_poll(operation, 0)
        else:
            self._recorder.publish(operation)
        self._engine.store.re_arm(operation, now + self._patience(operation))

    def _patience(self, operation: Operation) -> timedelta:
        """Return how long to wait after a nudge: as long as it has already stood, within limits.

        Where workers cannot keep up, nothing is lost: the first message is in the queue still, and
        each nudge would put one more beside it.
        """
        grace = self._engine.policy.sweep_grace
        stood = self._engine.now() - operation.updated_at
        return min(max(grace, stood), MOST_GRACES * grace)

    def _died_too_often(self, operation: Operation) -> bool:
        """Tell whether workers take the step up past its deadline and never give the lease back.

        A worker that is killed (out of memory, out of time) records no failure, so that no attempt
        is counted, and a step that does not answer is never asked for its deadline.
        """
        since = operation.step_since
        if operation.lease_owner is None or since is None:
            return False
        return self._engine.now() - since > self._engine.policy.deadline(operation.step or "")

    def _stall(self, operation: Operation) -> bool:
        """Report it; False when somebody has taken it up again, or cancelled it, meanwhile.

        As another attempt: should a retry die in the same way, that is another report.
        """
        died = after_retry(operation)
        try:
            stalled = self._recorder.commit(after_stall(died, self._engine.now()))
        except (LostClaimError, CancelRequestedError):
            return False
        log.error("stalling", waiting_for="a worker that survives the step")
        self._recorder.publish(stalled)
        return True
