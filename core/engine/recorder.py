"""Record, then publish: one conditional write moves the operation, its events follow from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from core.domain.errors import CancelRequestedError
from core.domain.operation import Operation
from core.domain.replays import Fate
from core.engine.derive import derive_events, derive_stalled
from core.engine.engine import Engine
from core.engine.message import (
    Acknowledged,
    Disposition,
    QueueMessage,
    TryAgain,
    backoff_seconds,
)
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.stepping import leave_step
from core.engine.transitions import (
    after_cancel,
    after_done,
    after_failed,
    after_stall,
    after_wait,
    due_after,
)
from events.progress import StepPoll, WakeUp
from events.vocabulary import OperationStatus

MOST_DELAY_SECONDS = 900
"""SQS: the longest delay of a message; longer waits are chained, poll by poll."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Recorder:
    """Writes what came of a step and tells the world."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, operation: Operation, outcome: Outcome, *, by_wake_up: bool) -> Operation:
        """Move the operation; a cancel that came meanwhile turns it back instead."""
        try:
            return self._record(operation, outcome, by_wake_up=by_wake_up)
        except CancelRequestedError as cancel:
            log.info("turning_back", reason=cancel.reason)
            seen = replace(operation, cancel_requested=True, cancel_reason=cancel.reason)
            if isinstance(outcome, Wait) and self._engine.workflow(seen).turns_back(seen):
                return self.record_cancel(seen)
            return self._record(seen, outcome, by_wake_up=by_wake_up)

    def record_cancel(self, operation: Operation) -> Operation:
        """Turn a claimed operation back whose step has not run."""
        workflow = self._engine.workflow(operation)
        leave_step(self._engine, operation)
        return self.commit(after_cancel(operation, workflow, self._engine.now()))

    def commit(self, after: Operation, *, wait_seconds: int = 0) -> Operation:
        """Write the operation's new state, with the time at which the sweeper looks again."""
        armed = replace(after, due_at=self._due(after, wait_seconds))
        committed = self._engine.store.commit(armed)
        if committed.next_holder is not None:
            self._wake(committed.next_holder)
        if committed.line_waits:
            self.start_next(armed.tenant_id)
        return armed

    def start_next(self, tenant_id: str) -> bool:
        """Let the next operation in a tenant's line begin; False when none may."""
        started = self._engine.store.start_waiting(
            tenant_id,
            most_running=self._engine.policy.max_running_operations_per_tenant,
            due_at=self._engine.now() + self._engine.policy.sweep_grace,
        )
        if started is None:
            return False
        log.info("starting_in_turn", startedOperationId=started.operation_id)
        self.publish(started)
        return True

    def publish(self, operation: Operation) -> None:
        """Publish what the record derives: nothing while it waits, a report once it stalls."""
        if operation.stalled_since is not None:
            self._engine.bus.publish([derive_stalled(operation)])
        elif operation.step_since is None:
            self._engine.bus.publish(derive_events(operation))

    def send_poll(self, operation: Operation, seconds: int) -> None:
        """Send the current poll of a waiting operation."""
        poll = StepPoll(
            operation_id=operation.operation_id,
            event_id=operation.event_id,
            wait_number=operation.wait_number,
            correlation_id=operation.correlation_id,
        )
        self.send(operation, poll.queue_body(), seconds)

    def send(self, operation: Operation, body: str, seconds: int) -> None:
        """Send a message to the operation's own queue; a delayed one burns no receive."""
        self._engine.queues.send(
            self._engine.workflow(operation).queue,
            body,
            delay_seconds=max(0, min(MOST_DELAY_SECONDS, seconds)),
            tenant_id=operation.tenant_id,
        )

    def come_back(self, message: QueueMessage, operation: Operation) -> Disposition:
        """Let a message find out later what became of its attempt.

        After its last receive as a new one: SQS would make a dead letter of it that says nothing.
        Where its attempt has recorded something, a poll comes in its place, which publishes that:
        a request that came again would only be refused by its own success.
        """
        seconds = backoff_seconds(message.receive_count, None)
        if message.receive_count < self._engine.timing.max_receive_count:
            return TryAgain(after_seconds=seconds)
        now = self._engine.store.get(operation.operation_id)
        if now is not None and now.cause_event_id == operation.event_id and not now.step_since:
            self.send_poll(operation, seconds)
        else:
            self.send(operation, message.body, seconds)
        return Acknowledged(fate=Fate.WAITS, why="It comes again, and finds out what became of it.")

    def _record(self, operation: Operation, outcome: Outcome, *, by_wake_up: bool) -> Operation:
        now, workflow = self._engine.now(), self._engine.workflow(operation)
        match outcome:
            case Done():
                cuts_over = self._engine.step(operation).cuts_over
                return self.commit(
                    after_done(operation, outcome, workflow, now, cuts_over=cuts_over)
                )
            case Failed():
                log.warning("failing_step", code=outcome.code.value, why=outcome.why)
                return self.commit(after_failed(operation, outcome, workflow, now))
            case Wait():
                return self._record_wait(operation, outcome, now, by_wake_up=by_wake_up)

    def _record_wait(
        self, operation: Operation, wait: Wait, now: datetime, *, by_wake_up: bool
    ) -> Operation:
        keeps_poll = by_wake_up and not wait.sooner
        waiting = after_wait(operation, wait, now, keeps_poll=keeps_poll)
        if wait.overdue or self._is_late(operation, now):
            log.error("stalling", waiting_for=wait.why)
            return self.commit(after_stall(waiting, now))
        after = self.commit(waiting, wait_seconds=wait.seconds)
        if not keeps_poll:
            self.send_poll(after, wait.seconds)
        log.info("waiting", waiting_for=wait.why, seconds=wait.seconds)
        return after

    def _is_late(self, operation: Operation, now: datetime) -> bool:
        deadline = self._engine.policy.deadline(operation.step or "")
        return operation.step_since is not None and now - operation.step_since > deadline

    def _due(self, operation: Operation, wait_seconds: int) -> datetime | None:
        if operation.is_terminal or operation.status is OperationStatus.ROLLBACK_FAILED:
            return None
        seconds = wait_seconds + self._engine.timing.lease_seconds
        slack = timedelta(seconds=self._engine.policy.sweep_grace_seconds)
        return due_after(operation, self._engine.now() + timedelta(seconds=seconds), slack)

    def _wake(self, operation_id: str) -> None:
        """Wake the operation that the site's lock went to; its own poll is the fallback."""
        holder = self._engine.store.get(operation_id)
        if holder is not None:
            wake_up = WakeUp(operation_id=operation_id, reason="the site is free")
            self.send(holder, wake_up.queue_body(), 0)
