"""The five verbs: decode -> claim -> run one step -> record -> publish, then acknowledge.

The order of the last four lives in `Runner.advance` and `Runner._work`, and nothing else knows it
(decode is core/engine/consumer.py). Recording comes before publishing: whoever finds a record
whose events were lost derives the same ones again; the other way round, a crash in between would
publish two different next events.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import structlog

from core.domain.errors import LostClaimError
from core.domain.operation import Operation
from core.domain.replays import Fate
from core.engine.attempts import Attempts, BrokenAttempt, unknown_operation
from core.engine.claims import Busy, Claim, Claimed, Finished, Ticket, Unknown, read_refusal
from core.engine.engine import Engine, bind_context
from core.engine.message import Acknowledged, Disposition, QueueMessage, TryAgain
from core.engine.recorder import Recorder
from core.engine.stepping import run_step
from core.engine.transitions import after_retry
from core.ports.operation_store import ClaimRequest
from events.vocabulary import DetailType, Phase

log: structlog.stdlib.BoundLogger = structlog.get_logger()

MOST_WAKE_UP_RECEIVES = 2
"""A wake-up that finds the step being looked at right now comes back once, a moment later."""


class Runner:
    """Carries operations forward, one message at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._recorder = Recorder(engine)
        self._attempts = Attempts(engine, self._recorder)

    def advance(self, message: QueueMessage, ticket: Ticket) -> Disposition:
        """Do what a message entitles to: at most one step, recorded, published."""
        claim = self._claim(ticket, redelivered=message.receive_count > 1)
        match claim:
            case Claimed():
                operation = after_retry(claim.operation) if ticket.anew else claim.operation
                return self._work(message, ticket, operation)
            case Busy():
                return self._come_back(message, ticket, claim)
            case Finished():
                return self._catch_up(claim)
            case Unknown() if ticket.is_wake_up:
                # An export task of another environment's promotion ended in this account.
                log.info("ignoring_wake_up", operationId=ticket.operation_id)
                return Acknowledged(fate=Fate.NOTHING, why="No operation here waits for it.")
            case Unknown():
                self._engine.queues.dead_letter(unknown_operation(message, ticket))
                why = f"There is no operation {ticket.operation_id} here."
                return Acknowledged(fate=Fate.REFUSED, why=why)

    def _claim(self, ticket: Ticket, *, redelivered: bool) -> Claim:
        now = self._engine.now()
        answer = self._engine.store.claim(
            ClaimRequest(
                operation_id=ticket.operation_id,
                event_id=ticket.event_id,
                wait_number=ticket.wait_number,
                step=ticket.step,
                by_person=ticket.by_person,
                owner=self._engine.ids.new_id(),
                now=now,
                lease_until=now + timedelta(seconds=self._engine.timing.lease_seconds),
            )
        )
        if answer.granted and answer.operation is not None:
            return Claimed(operation=answer.operation)
        return read_refusal(ticket, answer.operation, now, redelivered=redelivered)

    def _work(self, message: QueueMessage, ticket: Ticket, operation: Operation) -> Disposition:
        bind_context(operation)
        operation = replace(operation, replay_of=message.replay_of)
        try:
            after = self._run_and_record(operation, by_wake_up=ticket.is_wake_up)
            self._recorder.publish(after)
        except LostClaimError:
            # Another worker has the operation, or the answer to our own write was lost: the
            # message comes again and finds out which.
            log.warning("losing_claim", messageId=message.message_id)
            return self._recorder.come_back(message, operation)
        except Exception as error:  # noqa: BLE001 - the edge: recorded, then the message comes again
            broken = BrokenAttempt(message=message, operation=operation, error=error)
            return self._attempts.failed(broken)
        return _worked(operation, after)

    def _run_and_record(self, operation: Operation, *, by_wake_up: bool) -> Operation:
        turns_back = self._engine.workflow(operation).turns_back(operation)
        if operation.cancel_requested and operation.phase is Phase.FORWARD and turns_back:
            return self._recorder.record_cancel(operation)
        outcome = run_step(self._engine, operation)
        return self._recorder.record(operation, outcome, by_wake_up=by_wake_up)

    def _come_back(self, message: QueueMessage, ticket: Ticket, busy: Busy) -> Disposition:
        if ticket.is_wake_up:
            again = message.receive_count < MOST_WAKE_UP_RECEIVES
            return TryAgain(after_seconds=1) if again else _busy()
        seconds = max(1, int((busy.until - self._engine.now()).total_seconds()) + 1)
        if ticket.by_person:
            self._recorder.send(busy.operation, message.body, seconds)
            return _busy()
        # No copy of it is sent: a step that kills every worker would keep copies alive for ever.
        # The sweeper sends again what the operation waits for.
        last = message.receive_count >= self._engine.timing.max_receive_count
        return _busy() if last else TryAgain(after_seconds=seconds)

    def _catch_up(self, finished: Finished) -> Disposition:
        if finished.republish is not None:
            bind_context(finished.republish)
            self._recorder.publish(finished.republish)
        if finished.repoll is not None:
            self._recorder.send_poll(finished.repoll, 0)
        return Acknowledged(fate=Fate.NOTHING, why="What it asks for has happened already.")


def _worked(before: Operation, after: Operation) -> Acknowledged:
    """Tell how a step went that did not break."""
    if after.stalled_since is not None:
        why = f"Step {before.step} has not finished in time; the operation is stalled again."
        return Acknowledged(fate=Fate.BROKE, why=why)
    failed = after.head.detail_type is DetailType.STEP_FAILED and after.head != before.head
    if failed and not after.cancel_requested and after.failure is not None:
        why = f"Step {before.step} failed: {after.failure.message}"
        return Acknowledged(fate=Fate.TURNED_BACK, why=why)
    waits = f" and waits: {after.waiting_for}" if after.waiting_for else ""
    return Acknowledged(fate=Fate.RUNS, why=f"Step {before.step} ran{waits}.")


def _busy() -> Acknowledged:
    return Acknowledged(fate=Fate.WAITS, why="Another worker has the operation just now.")
