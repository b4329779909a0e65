"""The rules at the door: what a request would start or touch, and why it may not.

Nothing here writes. The intake acts on these answers; the forecast of a replay tells them to a
person beforehand, so that what it says is what will happen.
"""

from __future__ import annotations

from core.domain.errors import RefusedError
from core.domain.operation import Fact, Operation
from core.engine.engine import Engine
from core.engine.message import QueueMessage
from core.engine.workflow import Admission, Subject, Workflow
from events import identity
from events.rejections import OPERATION_TYPES
from events.requests import (
    PromotionRollbackRequest,
    Request,
    canonical_hash,
    effective_idempotency_key,
)
from events.vocabulary import DetailType, ErrorCode, OperationStatus, OperationType, Phase


class Gatekeeper:
    """Answers what a request means; every answer that is a no is a RefusedError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- a new operation --------------------------------------------------------------------

    def workflow_for(self, message: QueueMessage, request: Request) -> Workflow:
        """Return the workflow of a request; raises RefusedError on the wrong queue."""
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

    def new_operation(
        self, message: QueueMessage, workflow: Workflow, request: Request
    ) -> Operation:
        """Return the operation that a request would start, as it would be stored."""
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
            replay_of=message.replay_of,
            due_at=now + self._engine.policy.sweep_grace,
            created_at=now,
            updated_at=now,
        )

    def admit(self, workflow: Workflow, request: Request, wanted: Operation) -> None:
        """Refuse a request that the workflow's own rules do not let in."""
        workflow.admit(
            Admission(
                request=request,
                subject=Subject(tenant_id=wanted.tenant_id, site_id=wanted.site_id),
                store=self._engine.store,
                ports=self._engine.ports,
                policy=self._engine.policy,
            )
        )

    def check_repeat(self, existing: Operation, wanted: Operation) -> None:
        """Refuse another request under a key that was used before."""
        if existing.request_hash != wanted.request_hash:
            raise RefusedError(
                ErrorCode.SITE_001,
                "Another request with the same idempotencyKey and another payload was accepted "
                f"as operation {existing.operation_id}. Send it again with a key of its own.",
            )

    # --- messages to an operation -----------------------------------------------------------

    def known(self, operation_id: str) -> Operation:
        """Return the operation that a message names."""
        return self.existing(self._engine.store.get(operation_id), operation_id)

    def existing(self, operation: Operation | None, operation_id: str) -> Operation:
        """Return an operation that was looked for, or refuse the message that names it."""
        if operation is None:
            raise RefusedError(
                ErrorCode.SITE_002,
                f"There is no operation {operation_id} in {self._engine.policy.environment}.",
            )
        return operation

    def check_cancel(self, operation: Operation) -> None:
        """Refuse a cancel that could not turn anything back any more."""
        if operation.is_terminal:
            raise RefusedError(
                ErrorCode.SITE_005,
                f"Operation {operation.operation_id} has ended as {operation.status}; "
                "there is nothing left to cancel.",
            )
        if not self._engine.workflow(operation).turns_back(operation):
            raise RefusedError(
                ErrorCode.SITE_005,
                f"Operation {operation.operation_id} is past its point of no return: it only "
                "goes on. Should it stand still, retry it: sitefleet operations retry "
                f'{operation.operation_id} --env {operation.environment} --reason "..."',
            )

    def check_retry(self, operation: Operation) -> None:
        """Refuse a retry of an operation that moves by itself, or has ended."""
        if operation.is_terminal or not stands_still(operation):
            raise RefusedError(
                ErrorCode.SITE_005,
                f"Operation {operation.operation_id} is {operation.status} and neither stalled "
                "nor ROLLBACK_FAILED; a retry applies to those only.",
            )

    def promotion_under_way(self, request: PromotionRollbackRequest) -> Operation | None:
        """Return what a rollback request finds: the promotion it names, or that of its site."""
        payload, store = request.payload, self._engine.store
        named = store.get(payload.operation_id) if payload.operation_id else None
        if named is None and payload.tenant_id and payload.site_id:
            holder = store.lock_holder(payload.tenant_id, payload.site_id)
            named = store.get(holder) if holder else None
        return named


def is_running_promotion(operation: Operation | None) -> bool:
    """Tell whether it is a promotion that a rollback has to cancel first."""
    return (
        operation is not None
        and not operation.is_terminal
        and operation.operation_type is OperationType.SITE_PROMOTION
    )


def taken_back_after_cancel(operation: Operation | None) -> bool:
    """Tell whether it ended undone with a cancel, be that the reason or too late to be it."""
    if operation is None or operation.status is OperationStatus.COMPLETED:
        return False
    return operation.cancel_requested and operation.is_terminal


def stands_still(operation: Operation) -> bool:
    """Tell whether nothing but a person's message will move the operation.

    Beside what is stalled and ROLLBACK_FAILED, that is what a worker took up for a retry and left
    when it died: the sweeper has given such an operation up, and the retry comes again.
    """
    return operation.stalled_since is not None or operation.stands


def _short_hash(request: Request) -> str:
    """Return 128 bits of the payload's hash: enough to tell payloads apart, and the item is small.

    DynamoDB bills every claim and commit by the kilobyte of the operation item.
    """
    return canonical_hash(request).removeprefix("sha256:")[:32]
