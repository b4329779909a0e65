"""Decisions of people: an approval, a rejection, or the proof of a rollback.

Who decides is told by AWS and never by a body: the proof is checked, shown to the region's own STS
once, and what came of it is stored. A message that comes again finds the stored decision.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog

from core.domain.approval import Decision
from core.domain.approval_policy import ApprovalPolicy
from core.domain.approvals import check_decision, check_rollback_role
from core.domain.errors import RefusedError
from core.domain.operation import Operation
from core.domain.people import identify
from core.domain.proof import ROLE_HEADER, ProofBinding, ProofDecision, check_proof, proof_digest
from core.engine.engine import Engine
from core.engine.stepping import stored_request
from events.requests import (
    OperationApproval,
    OperationRejection,
    PromotionRollbackRequest,
    canonical_hash,
)
from events.vocabulary import ErrorCode, OperationStatus

log: structlog.stdlib.BoundLogger = structlog.get_logger()

REQUEST_STEP: Final = "request_approval"
"""The step that fixes who is asked, and since when."""

type Verdict = OperationApproval | OperationRejection


class Decider:
    """Turns proofs into stored decisions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def decide(self, operation: Operation, request: Verdict) -> Decision:
        """Store what a person decided about an operation's plan.

        Raises RefusedError (PROM_003, SITE_005) when it cannot count, with the reason.
        """
        found = self.check(operation, request)
        if isinstance(found, Decision):
            return found
        payload = request.payload
        stored = self._verified(
            self._engine.policy.approval_of(operation.operation_type),
            payload.proof.revealed(),
            found,
            approves=isinstance(request, OperationApproval),
            comment=payload.comment,
        )
        self._check(operation, stored)
        return self._keep(stored)

    def check(self, operation: Operation, request: Verdict) -> Decision | ProofBinding:
        """Return the decision that was kept before, or what AWS still has to confirm.

        Everything that needs no call: raises RefusedError (PROM_003, SITE_005).
        """
        payload, approves = request.payload, isinstance(request, OperationApproval)
        headers = payload.proof.revealed()
        known = self._known(operation.operation_id, headers)
        if known is not None and (known.plan_hash, known.role, known.approves) == (
            payload.plan_hash,
            payload.role,
            approves,
        ):
            return known
        if operation.status is not OperationStatus.AWAITING_APPROVAL:
            raise RefusedError(
                ErrorCode.SITE_005,
                f"Operation {operation.operation_id} is {operation.status}; there is nothing to "
                "decide.",
            )
        binding = ProofBinding(
            operation_id=operation.operation_id,
            plan_hash=payload.plan_hash,
            decision=ProofDecision.APPROVE if approves else ProofDecision.REJECT,
            role=payload.role,
            environment=operation.environment,
        )
        self._check_proof(headers, binding)
        return binding

    def prove_rollback(self, operation: Operation, request: PromotionRollbackRequest) -> None:
        """Store who asked for a rollback, where the policy asks for a proof of it.

        The proof is bound to this very request: its operation id and its payload's hash. Raises
        RefusedError (SITE_001, PROM_003) when the request lacks what the environment asks for.
        """
        binding, promotion = self.check_rollback(operation, request), self._engine.policy.promotion
        proof, reason = request.payload.proof, request.payload.reason
        if binding is None or promotion is None or proof is None:
            return
        stored = self._verified(
            promotion.approval, proof.revealed(), binding, approves=True, comment=reason
        )
        check_rollback_role(promotion.approval, person=stored.person, role=stored.role)
        self._keep(stored)

    def check_rollback(
        self, operation: Operation, request: PromotionRollbackRequest
    ) -> ProofBinding | None:
        """Return what AWS has to confirm about a rollback; None: nothing, or it has done so.

        Raises RefusedError (SITE_001, PROM_003).
        """
        missing = request.payload.missing_in(operation.environment)
        if missing:
            raise RefusedError(
                ErrorCode.SITE_001,
                f"A rollback in {operation.environment} needs {' and '.join(missing)}.",
            )
        promotion = self._engine.policy.promotion
        if promotion is None or not promotion.approval.rollback_roles:
            return None
        if request.payload.proof is None:
            raise RefusedError(
                ErrorCode.PROM_003, f"A rollback in {operation.environment} needs a proof."
            )
        headers = request.payload.proof.revealed()
        if self._known(operation.operation_id, headers) is not None:
            return None
        lowered = {name.lower(): value for name, value in headers.items()}
        binding = ProofBinding(
            operation_id=operation.operation_id,
            plan_hash=canonical_hash(request),
            decision=ProofDecision.ROLLBACK,
            role=lowered.get(ROLE_HEADER, ""),
            environment=operation.environment,
        )
        self._check_proof(headers, binding)
        return binding

    def _check_proof(self, headers: dict[str, str], binding: ProofBinding) -> None:
        endpoint = self._engine.ports.identities.endpoint
        check_proof(headers, binding=binding, endpoint=endpoint, now=self._engine.now())

    def _check(self, operation: Operation, decision: Decision) -> None:
        history = self._engine.store.history(operation.operation_id)
        asked = next(r for r in history.steps if r.step == REQUEST_STEP)
        request = stored_request(operation, history)
        check_decision(
            self._engine.policy.approval_of(operation.operation_type),
            decision,
            earlier=self._engine.ports.decisions.of(operation.operation_id),
            requester=operation.requested_by,
            plan_hash=str(operation.summary.get("planHash", "")),
            asked_at=datetime.fromisoformat(str(asked.facts["asked_at"])),
            now=decision.decided_at,
            emergency=getattr(request.payload, "emergency", None) is not None,
            operation_type=operation.operation_type,
        )

    def _known(self, operation_id: str, headers: dict[str, str]) -> Decision | None:
        digest = proof_digest(headers)
        decisions = self._engine.ports.decisions.of(operation_id)
        return next((d for d in decisions if d.proof_digest == digest), None)

    def _verified(
        self,
        approval: ApprovalPolicy,
        headers: dict[str, str],
        binding: ProofBinding,
        *,
        approves: bool,
        comment: str | None,
    ) -> Decision:
        now, principal = self._engine.now(), self._engine.ports.identities.ask(headers)
        person = identify(approval, principal)
        return Decision(
            operation_id=binding.operation_id,
            plan_hash=binding.plan_hash,
            role=binding.role,
            person=person,
            principal=principal,
            approves=approves,
            comment=comment,
            decided_at=now,
            proof_digest=proof_digest(headers),
        )

    def _keep(self, decision: Decision) -> Decision:
        kept = self._engine.ports.decisions.put(decision)
        log.info("keeping_decision", role=kept.role, approves=kept.approves, person=kept.person)
        return kept
