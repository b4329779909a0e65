"""Requests: accepted once, however often they arrive, or refused with an answer. Nothing is lost.

A request that cannot be accepted is published as SiteOperationRejected with code and field
errors, put into the dead-letter queue with the reason, and acknowledged; it is never retried.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from core.domain.errors import RefusedError, SitefleetError
from core.domain.operation import Operation, Turn
from core.domain.replays import Fate
from core.engine.claims import Ticket, persons_ticket
from core.engine.decisions import Decider
from core.engine.derive import derive_status
from core.engine.engine import Engine, bind_context
from core.engine.gatekeeper import Gatekeeper, is_running_promotion, taken_back_after_cancel
from core.engine.message import Acknowledged, Disposition, QueueMessage
from core.engine.recorder import Recorder
from core.engine.refusal import Refuser
from core.engine.runner import Runner
from events.rejections import OPERATION_TYPES
from events.requests import (
    OperationApproval,
    OperationCancelRequest,
    OperationRejection,
    OperationRetryRequest,
    PromotionRollbackRequest,
    Request,
    encode,
    without_proof,
)
from events.vocabulary import DetailType, ErrorCode

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Intake:
    """Turns requests into operations."""

    def __init__(self, engine: Engine, runner: Runner, refuser: Refuser) -> None:
        self._engine = engine
        self._runner = runner
        self._refuser = refuser
        self._recorder = Recorder(engine)
        self._decider = Decider(engine)
        self._gate = Gatekeeper(engine)

    def handle(self, message: QueueMessage, request: Request) -> Disposition:
        """Accept, or answer why not."""
        structlog.contextvars.bind_contextvars(
            correlationId=request.correlation_id, requestCorrelationId=request.correlation_id
        )
        try:
            return self._carry_out(message, request)
        except RefusedError as refused:
            named = getattr(request.payload, "operation_id", None)
            about = self._engine.store.get(named) if named else None
            self._refuser.refuse_request(message, request, refused, about=about)
            return Acknowledged(fate=Fate.REFUSED, why=f"{refused.code}: {refused.message}")
        except Exception as error:
            if not self._has_had_its_chances(message, request):
                raise
            log.exception("giving_request_up")
            unjudged = _unjudged(message, error)
            self._refuser.refuse_request(message, request, unjudged)
            return Acknowledged(fate=Fate.BROKE, why=unjudged.message)

    def _carry_out(self, message: QueueMessage, request: Request) -> Disposition:
        match request:
            case OperationCancelRequest():
                return self._cancel(message, request)
            case OperationRetryRequest():
                return self._retry(message, request)
            case OperationApproval() | OperationRejection():
                return self._decide(message, request)
            case PromotionRollbackRequest():
                return self._roll_back(message, request)
            case _:
                return self._accept(message, request)

    def _has_had_its_chances(self, message: QueueMessage, request: Request) -> bool:
        """Tell whether SQS would now make a silent dead letter of a request that began nothing.

        What was stored before the attempt broke, or acts on another operation, is no such request:
        the sweeper or a repetition tells how that goes on.
        """
        last = message.receive_count >= self._engine.timing.max_receive_count
        if not last or request.message_type not in OPERATION_TYPES:
            return False
        if isinstance(request, PromotionRollbackRequest):
            return False
        workflow = self._gate.workflow_for(message, request)
        wanted = self._gate.new_operation(message, workflow, request)
        return self._engine.store.get(wanted.operation_id) is None

    # --- a new operation --------------------------------------------------------------------

    def _accept(self, message: QueueMessage, request: Request) -> Disposition:
        workflow = self._gate.workflow_for(message, request)
        wanted = self._gate.new_operation(message, workflow, request)
        bind_context(wanted)
        existing = self._engine.store.get(wanted.operation_id)
        if existing is not None:
            return self._repeat(existing, wanted)
        self._gate.admit(workflow, request, wanted)
        cap = self._engine.policy.max_running_operations_per_tenant
        accepted = self._engine.store.accept(
            wanted,
            encode(without_proof(request)),
            most_running=cap if workflow.takes_turn else None,
        )
        if not accepted.created:
            return self._repeat(accepted.operation, wanted)
        log.info("accepting_operation", plan=wanted.plan, turn=accepted.operation.turn)
        self._recorder.publish(accepted.operation)
        return Acknowledged(fate=Fate.ACCEPTED, why=f"Operation {wanted.operation_id} begins.")

    def _repeat(self, existing: Operation, wanted: Operation) -> Disposition:
        self._gate.check_repeat(existing, wanted)
        if existing.head.detail_type is DetailType.OPERATION_ACCEPTED:
            self._recorder.publish(existing)
        self._answer(existing, wanted.replay_of)
        return _answered(existing)

    def _answer(self, operation: Operation, replay_of: str | None) -> None:
        self._engine.bus.publish([derive_status(replace(operation, replay_of=replay_of))])

    # --- messages to an operation -----------------------------------------------------------

    def _cancel(self, message: QueueMessage, request: OperationCancelRequest) -> Disposition:
        payload = request.payload
        known = self._known(payload.operation_id)
        if _comes_again(message) and taken_back_after_cancel(known):
            return self._tell_end_again(known, message)
        self._gate.check_cancel(known)
        cancelled = self._request_cancel(payload.operation_id, payload.reason)
        operation = self._gate.existing(cancelled, payload.operation_id)
        self._gate.check_cancel(operation)
        return self._runner.advance(message, persons_ticket(operation))

    def _request_cancel(self, operation_id: str, reason: str) -> Operation | None:
        """Mark it; one that waits for its turn needs none any more, only its end."""
        store, now = self._engine.store, self._engine.now()
        operation = store.request_cancel(operation_id, reason, now)
        if operation is not None and operation.turn is Turn.WAITING:
            store.leave_line(operation, now)
        return operation

    def _retry(self, message: QueueMessage, request: OperationRetryRequest) -> Disposition:
        operation = self._known(request.payload.operation_id)
        if operation.is_terminal and _comes_again(message):
            return self._tell_end_again(operation, message)
        if message.receive_count == 1:  # else a worker that took it up for this one has died
            self._gate.check_retry(operation)
        return self._runner.advance(message, persons_ticket(operation))

    def _tell_end_again(self, operation: Operation, message: QueueMessage) -> Acknowledged:
        """Publish what follows from an end that this message may have brought before it came again.

        It carries no event by which anybody else would find the end to be without one.
        """
        self._recorder.publish(operation)
        self._answer(operation, message.replay_of)
        return _answered(operation)

    def _decide(
        self, message: QueueMessage, request: OperationApproval | OperationRejection
    ) -> Disposition:
        operation = self._known(request.payload.operation_id)
        self._decider.decide(operation, request)
        self._answer(operation, message.replay_of)
        ticket = Ticket(operation_id=operation.operation_id, event_id=None)
        disposition = self._runner.advance(message, ticket)
        if isinstance(disposition, Acknowledged):
            return Acknowledged(fate=Fate.RUNS, why="The decision is kept and counted.")
        return disposition

    def _roll_back(self, message: QueueMessage, request: PromotionRollbackRequest) -> Disposition:
        """Check who asks before anything else; one that was accepted cancels nothing any more."""
        workflow = self._gate.workflow_for(message, request)
        wanted = self._gate.new_operation(message, workflow, request)
        bind_context(wanted)
        if self._engine.store.get(wanted.operation_id) is None:
            self._decider.prove_rollback(wanted, request)
            cancelled = self._cancels(message, request)
            if cancelled is not None:
                return cancelled
        return self._accept(message, request)

    def _cancels(
        self, message: QueueMessage, request: PromotionRollbackRequest
    ) -> Acknowledged | None:
        """Cancel the promotion that is under way; an answer when that is all there is to do.

        A promotion that is named and still runs goes back by itself once it is cancelled; a site
        that is to go back to a certain release waits for that first. A repeat of the request finds
        the promotion that it names taken back after that cancel, and is answered.
        """
        payload, found = request.payload, self._gate.promotion_under_way(request)
        if found is None:
            return None
        if payload.operation_id is not None and taken_back_after_cancel(found):
            return self._tell_end_again(found, message)
        if not is_running_promotion(found):
            return None
        reason = f"rollback requested: {payload.reason}"
        cancelled = self._request_cancel(found.operation_id, reason)
        if cancelled is not None and not cancelled.is_terminal:
            self._runner.advance(message, persons_ticket(cancelled))
            self._answer(cancelled, message.replay_of)
        if payload.operation_id is None:
            return None
        return Acknowledged(fate=Fate.RUNS, why=f"Promotion {found.operation_id} is cancelled.")

    def _known(self, operation_id: str) -> Operation:
        operation = self._gate.known(operation_id)
        bind_context(operation)
        return operation


def _comes_again(message: QueueMessage) -> bool:
    """Tell whether this very message may have done its work before: redelivered, or replayed."""
    return message.receive_count > 1 or message.replay_of is not None


def _unjudged(message: QueueMessage, error: Exception) -> RefusedError:
    """Return the answer to a request that broke each attempt at it; other texts may be private."""
    text = f": {error}" if isinstance(error, SitefleetError) else ""
    return RefusedError(
        ErrorCode.SYS_001,
        f"The request could not be judged in {message.receive_count} attempts; the last one broke "
        f"({type(error).__name__}{text}). Nothing was changed, and the message is kept in the "
        "dead-letter queue: it can be replayed once the cause is gone.",
    )


def _answered(operation: Operation) -> Acknowledged:
    why = f"Operation {operation.operation_id} is {operation.status}; its sender is told so."
    return Acknowledged(fate=Fate.ANSWERED, why=why)
