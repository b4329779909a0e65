"""When an attempt breaks: it is recorded, the lease is given back, and the message comes again.

After the last attempt the operation is reported stalled and its message becomes a dead letter
that says why; SQS alone would keep no reason.
"""

from __future__ import annotations

import hashlib
import traceback
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

import structlog

from core.domain.errors import LostClaimError, TransientError
from core.domain.letter_reading import normalised
from core.domain.operation import AttemptFailure, Operation
from core.domain.replays import Fate
from core.engine.claims import Ticket
from core.engine.engine import Engine
from core.engine.message import (
    Acknowledged,
    Disposition,
    QueueMessage,
    TryAgain,
    backoff_seconds,
    dead_letter_of,
)
from core.engine.recorder import Recorder
from core.engine.stepping import beyond_repair, is_beyond_undo
from core.engine.transitions import after_exception, after_failed, after_stall
from core.ports.messaging import DeadLetter

log: structlog.stdlib.BoundLogger = structlog.get_logger()

DIGEST_CHARACTERS = 12


@dataclass(frozen=True, kw_only=True)
class BrokenAttempt:
    """One attempt that ended with an exception."""

    message: QueueMessage
    operation: Operation
    error: Exception


class Attempts:
    """Decides what becomes of a message whose attempt broke."""

    def __init__(self, engine: Engine, recorder: Recorder) -> None:
        self._engine = engine
        self._recorder = recorder

    def failed(self, broken: BrokenAttempt) -> Disposition:
        """Record the attempt and give the lease back; the last one stalls the operation."""
        message, error = broken.message, broken.error
        log.warning("failing_attempt", exceptionType=type(error).__name__, exc_info=error)
        now = self._engine.now()
        self._engine.store.record_failure(_failure(broken, now))
        try:
            return self._give_back(broken, now)
        except LostClaimError:
            return self._recorder.come_back(message, broken.operation)

    def _give_back(self, broken: BrokenAttempt, now: datetime) -> Disposition:
        message, error = broken.message, broken.error
        after = after_exception(broken.operation, now)
        last_receive = message.receive_count >= self._engine.timing.max_receive_count
        if last_receive or after.attempt >= self._engine.policy.max_step_attempts:
            self._recorder.publish(self._recorder.commit(self._given_up(broken, after, now)))
            self._engine.queues.dead_letter(_exhausted(broken))
            why = f"{type(error).__name__}: {normalised(str(error))}"
            return Acknowledged(fate=Fate.BROKE, why=why)
        self._recorder.commit(after)
        suggested = error.retry_after_seconds if isinstance(error, TransientError) else None
        return TryAgain(after_seconds=backoff_seconds(message.receive_count, suggested))

    def _given_up(self, broken: BrokenAttempt, after: Operation, now: datetime) -> Operation:
        """Return the state that waits for a person: stalled, or ROLLBACK_FAILED on the way back."""
        operation = broken.operation
        if not is_beyond_undo(self._engine, operation):
            return after_stall(after, now)
        history = self._engine.store.history(operation.operation_id)
        failed = beyond_repair(self._engine, operation, history, broken.error)
        return after_failed(operation, failed, self._engine.workflow(operation), now)


def unknown_operation(message: QueueMessage, ticket: Ticket) -> DeadLetter:
    """Return the dead letter of a progress message whose operation does not exist."""
    return dead_letter_of(
        message,
        {
            "reason": f"There is no operation {ticket.operation_id} in this environment.",
            "errorCode": "SITE_002",
            "operationId": ticket.operation_id,
            "originQueue": message.queue or "wakeup",
            "messageId": message.message_id,
        },
    )


def stack_digest(error: BaseException) -> str:
    """Return a name for where an error came from: equal for equal paths through the code.

    Files and functions count, lines do not: a deployment moves them.
    """
    frames = traceback.extract_tb(error.__traceback__)
    path = "/".join(f"{PurePath(frame.filename).name}:{frame.name}" for frame in frames)
    return hashlib.sha256(path.encode()).hexdigest()[:DIGEST_CHARACTERS]


def _failure(broken: BrokenAttempt, now: datetime) -> AttemptFailure:
    return AttemptFailure(
        message_id=broken.message.message_id,
        operation_id=broken.operation.operation_id,
        step=broken.operation.step,
        attempt=broken.operation.attempt,
        exception_type=type(broken.error).__name__,
        message=normalised(str(broken.error)),
        stack_digest=stack_digest(broken.error),
        occurred_at=now,
    )


def _exhausted(broken: BrokenAttempt) -> DeadLetter:
    operation, error = broken.operation, broken.error
    return dead_letter_of(
        broken.message,
        {
            "reason": f"Step {operation.step} failed {operation.attempt + 1} times; last: "
            f"{normalised(str(error))}",
            "errorCode": "SYS_001",
            "exceptionType": type(error).__name__,
            "operationId": operation.operation_id,
            "step": operation.step or "",
            "attempt": str(operation.attempt),
            "tenantId": operation.tenant_id,
            "originQueue": broken.message.queue or "wakeup",
            "messageId": broken.message.message_id,
        },
    )
