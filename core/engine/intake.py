"""Requests: accepted once, however often they arrive, or refused with an answer. Nothing is lost.

A request that cannot be accepted is published as SiteOperationRejected with code and field
errors, put into the dead-letter queue with the reason, and acknowledged; it is never retried.
"""

from __future__ import annotations

import structlog

from core.domain.errors import RefusedError
from core.domain.operation import Fact, Operation, Turn
from core.engine.claims import Ticket, persons_ticket
from core.engine.decisions import Decider
from core.engine.derive import derive_status
from core.engine.engine import Engine, bind_context
from core.engine.message import Acknowledged, Disposition, QueueMessage
from core.engine.recorder import Recorder
from core.engine.refusal import Refuser
from core.engine.runner import Runner
from core.engine.workflow import Admission, Subject, Workflow
from events import identity
from events.rejections import OPERATION_TYPES
from events.requests import (
    OperationApproval,
    OperationCancelRequest,
    OperationRejection,
    OperationRetryRequest,
    PromotionRollbackRequest,
    Request,
    canonical_hash,
    effective_idempotency_key,
    encode,
    without_proof,
)
from events.vocabulary import DetailType, ErrorCode, OperationStatus, OperationType, Phase

log: structlog.stdlib.BoundLogger = structlog.get_logger()

PROMOTION = OperationType.SITE_PROMOTION


class Intake:
    """Turns requests into operations."""

    def __init__(self, engine: Engine, runner: Runner, refuser: Refuser) -> None:
        self._engine = engine
        self._runner = runner
        self._refuser = refuser
        self._recorder = Recorder(engine)
        self._decider = Decider(engine)

    def handle(self, message: QueueMessage, request: Request) -> Disposition:
        """Accept, or answer why not."""
        structlog.contextvars.bind_contextvars(
            correlationId=request.correlation_id, requestCorrelationId=request.correlation_id
        )
        try:
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
        except RefusedError as refused:
            named = getattr(request.payload, "operation_id", None)
            about = self._engine.store.get(named) if named else None
            self._refuser.refuse_request(message, request, refused, about=about)
            return Acknowledged()

    # --- a new operation --------------------------------------------------------------------

    def _accept(self, message: QueueMessage, request: Request) -> Disposition:
        workflow = self._workflow_for(message, request)
        wanted = self._new_operation(workflow, request)
        bind_context(wanted)
        existing = self._engine.store.get(wanted.operation_id)
        if existing is not None:
            return self._repeat(existing, wanted)
        self._admit(workflow, request, wanted)
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
        return Acknowledged()

    def _admit(self, workflow: Workflow, request: Request, wanted: Operation) -> None:
        workflow.admit(
            Admission(
                request=request,
                subject=Subject(tenant_id=wanted.tenant_id, site_id=wanted.site_id),
                store=self._engine.store,
                ports=self._engine.ports,
                policy=self._engine.policy,
            )
        )

    def _repeat(self, existing: Operation, wanted: Operation) -> Disposition:
        if existing.request_hash != wanted.request_hash:
            raise RefusedError(
                ErrorCode.SITE_001,
                "Another request with the same idempotencyKey and another payload was accepted "
                f"as operation {existing.operation_id}. Send it again with a key of its own.",
            )
        if existing.head.detail_type is DetailType.OPERATION_ACCEPTED:
            self._recorder.publish(existing)
        self._engine.bus.publish([derive_status(existing)])
        return Acknowledged()

    def _workflow_for(self, message: QueueMessage, request: Request) -> Workflow:
        operation_type = OPERATION_TYPES.get(request.message_type)
        workflow = self._engine.workflows.get(operation_type) if operation_type else None
        if workflow is None:
            raise RefusedError(
                ErrorCode.SITE_001,
                f"This version of the fleet does not carry out {request.message_type} yet. "
                "Nothing was changed; the message is kept in the dead-letter queue.",
            )
        if message.queue is not workflow.queue:
            raise RefusedError(
                ErrorCode.SITE_001,
                f"{request.message_type} belongs on the {workflow.queue} queue; "
                f"it came on the {message.queue} queue. Send it there.",
            )
        return workflow

    def _new_operation(self, workflow: Workflow, request: Request) -> Operation:
        environment = workflow.environment_of(request) or self._engine.policy.environment
        if environment is not self._engine.policy.environment:
            raise RefusedError(
                ErrorCode.SITE_001,
                f"This is the {self._engine.policy.environment} environment; the request is meant "
                f"for {environment}. Send it to that environment's queue.",
            )
        subject = workflow.subject(request, self._engine.store)
        tenant_id, site_id = subject.tenant_id, subject.site_id
        now = self._engine.now()
        return Operation(
            operation_id=identity.operation_id(
                environment, tenant_id, request.message_type, effective_idempotency_key(request)
            ),
            operation_type=workflow.operation_type,
            tenant_id=tenant_id,
            site_id=site_id,
            environment=environment,
            correlation_id=request.correlation_id,
            request_hash=_short_hash(request),
            plan=workflow.plan(request, self._engine.policy),
            status=OperationStatus.PENDING,
            head=Fact(
                detail_type=DetailType.OPERATION_ACCEPTED,
                phase=Phase.FORWARD,
                step=None,
                attempt=0,
            ),
            requested_by=request.requested_by,
            due_at=now + self._engine.policy.sweep_grace,
            created_at=now,
            updated_at=now,
        )

    # --- messages to an operation -----------------------------------------------------------

    def _cancel(self, message: QueueMessage, request: OperationCancelRequest) -> Disposition:
        payload = request.payload
        self._check_way_back(payload.operation_id)
        cancelled = self._request_cancel(payload.operation_id, payload.reason)
        operation = self._known(cancelled, payload.operation_id)
        if operation.is_terminal:
            raise RefusedError(
                ErrorCode.SITE_005,
                f"Operation {operation.operation_id} has ended as {operation.status}; "
                "there is nothing left to cancel.",
            )
        return self._runner.advance(message, persons_ticket(operation))

    def _request_cancel(self, operation_id: str, reason: str) -> Operation | None:
        """Mark it; one that waits for its turn needs none any more, only its end."""
        store, now = self._engine.store, self._engine.now()
        operation = store.request_cancel(operation_id, reason, now)
        if operation is not None and operation.turn is Turn.WAITING:
            store.leave_line(operation, now)
        return operation

    def _check_way_back(self, operation_id: str) -> None:
        """Refuse a cancel that could not turn anything back any more."""
        operation = self._engine.store.get(operation_id)
        if operation is None or operation.is_terminal:
            return
        if not self._engine.workflow(operation).turns_back(operation):
            raise RefusedError(
                ErrorCode.SITE_005,
                f"Operation {operation_id} is past its point of no return: it only goes on. "
                "Should it stand still, retry it: sitefleet operations retry "
                f'{operation_id} --env {operation.environment} --reason "..."',
            )

    def _retry(self, message: QueueMessage, request: OperationRetryRequest) -> Disposition:
        operation_id = request.payload.operation_id
        operation = self._known(self._engine.store.get(operation_id), operation_id)
        if operation.is_terminal or not _stands_still(operation):
            raise RefusedError(
                ErrorCode.SITE_005,
                f"Operation {operation_id} is {operation.status} and neither stalled nor "
                "ROLLBACK_FAILED; a retry applies to those only.",
            )
        return self._runner.advance(message, persons_ticket(operation))

    def _decide(
        self, message: QueueMessage, request: OperationApproval | OperationRejection
    ) -> Disposition:
        operation_id = request.payload.operation_id
        operation = self._known(self._engine.store.get(operation_id), operation_id)
        self._decider.decide(operation, request)
        self._engine.bus.publish([derive_status(operation)])
        return self._runner.advance(message, Ticket(operation_id=operation_id, event_id=None))

    def _roll_back(self, message: QueueMessage, request: PromotionRollbackRequest) -> Disposition:
        """Check who asks before anything else; one that was accepted cancels nothing any more."""
        workflow = self._workflow_for(message, request)
        wanted = self._new_operation(workflow, request)
        bind_context(wanted)
        if self._engine.store.get(wanted.operation_id) is None:
            self._decider.prove_rollback(wanted, request)
            if self._cancels(message, request):
                return Acknowledged()
        return self._accept(message, request)

    def _cancels(self, message: QueueMessage, request: PromotionRollbackRequest) -> bool:
        """Cancel the promotion that is under way; True when that is all there is to do.

        A promotion that is named and still runs goes back by itself once it is cancelled; a site
        that is to go back to a certain release waits for that first. A repeat of the request finds
        the promotion that it names taken back after that cancel, and is answered.
        """
        payload, store = request.payload, self._engine.store
        named = store.get(payload.operation_id) if payload.operation_id else None
        if named is not None and _taken_back_after_cancel(named):
            self._engine.bus.publish([derive_status(named)])
            return True
        if named is None and payload.tenant_id and payload.site_id:
            holder = store.lock_holder(payload.tenant_id, payload.site_id)
            named = store.get(holder) if holder else None
        running = named is not None and not named.is_terminal
        if named is None or not running or named.operation_type is not PROMOTION:
            return False
        reason = f"rollback requested: {payload.reason}"
        cancelled = self._request_cancel(named.operation_id, reason)
        if cancelled is not None and not cancelled.is_terminal:
            self._runner.advance(message, persons_ticket(cancelled))
            self._engine.bus.publish([derive_status(cancelled)])
        return payload.operation_id is not None

    def _known(self, operation: Operation | None, operation_id: str) -> Operation:
        if operation is None:
            raise RefusedError(
                ErrorCode.SITE_002,
                f"There is no operation {operation_id} in {self._engine.policy.environment}.",
            )
        bind_context(operation)
        return operation


def _taken_back_after_cancel(operation: Operation) -> bool:
    """Tell whether it ended undone with a cancel, be that the reason or too late to be it."""
    completed = operation.status is OperationStatus.COMPLETED
    return operation.cancel_requested and operation.is_terminal and not completed


def _stands_still(operation: Operation) -> bool:
    """Tell whether nothing but a person's message will move the operation.

    Beside what is stalled and ROLLBACK_FAILED, that is what a worker took up for a retry and left
    when it died: the sweeper has given such an operation up, and the retry comes again.
    """
    given_up = operation.due_at is None and operation.turn is not Turn.WAITING
    return operation.stalled_since is not None or given_up


def _short_hash(request: Request) -> str:
    """Return 128 bits of the payload's hash: enough to tell payloads apart, and the item is small.

    DynamoDB bills every claim and commit by the kilobyte of the operation item.
    """
    return canonical_hash(request).removeprefix("sha256:")[:32]
