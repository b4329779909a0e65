"""`operations approve` and `reject`: a person's word on exactly one plan.

`promotions approve` and `reject` are the same commands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from core.domain.approval import Decision
from core.domain.operation import Operation
from core.domain.proof import ProofBinding, ProofDecision
from events.requests import OperationApproval, OperationRejection, encode
from events.vocabulary import OperationStatus
from ops.composing import composed
from ops.connection import Connection, requester_of
from ops.desk import Desk
from ops.documents import sent_document
from ops.errors import BadInputError
from ops.flags import AsPerson, OperationId, Role, Watch, Yes
from ops.following import find_operation
from ops.promotion.next_step import group_of, is_promotion
from ops.promotion.people import decided_line, decision_document
from ops.promotion.records import PromotionRecords, asked_for, read_promotion
from ops.sending import Sent, queue_of, send_request, until_taken
from ops.signing import Proven, Signer, prove, signer_of
from ops.watch import exit_code_of
from ops.wording import fields, listed, moment, one_line

Comment = Annotated[
    str | None, typer.Option(help="What to say with it; kept with it.", show_default=False)
]
Why = Annotated[
    str, typer.Option("--comment", help="Why not; it ends the operation.", show_default=False)
]


def approve(
    desk: Desk,
    operation_id: OperationId,
    *,
    role: Role,
    comment: Comment = None,
    as_person: AsPerson = None,
    yes: Yes = False,
    watch: Watch = False,
) -> None:
    """Approve the plan of an operation that waits for approval.

    The proof of who approves is made from your own AWS credentials (--profile, or the SDK's
    search) and bound to this operation, plan, role and environment. Read the plan first.
    """
    matter = _matter(desk, operation_id)
    records = matter.records
    if records.roles and role not in records.roles:
        raise BadInputError(
            f"This plan needs {listed(records.roles)}, not {role}. Nothing was sent."
        )
    verdict = _Verdict(decision=ProofDecision.APPROVE, role=role, comment=comment)
    _decide(desk, matter, verdict, as_person, yes=yes, watch=watch)


def reject(
    desk: Desk,
    operation_id: OperationId,
    *,
    role: Role,
    comment: Why,
    as_person: AsPerson = None,
    yes: Yes = False,
    watch: Watch = False,
) -> None:
    """Reject the plan of an operation that waits for approval: the operation ends.

    The proof of who rejects is made like that of an approval.
    """
    verdict = _Verdict(decision=ProofDecision.REJECT, role=role, comment=comment)
    _decide(desk, _matter(desk, operation_id), verdict, as_person, yes=yes, watch=watch)


# --- inside ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Matter:
    """What is decided about."""

    connection: Connection
    records: PromotionRecords
    plan_hash: str

    @property
    def operation(self) -> Operation:
        return self.records.operation


@dataclass(frozen=True, kw_only=True)
class _Verdict:
    decision: ProofDecision
    role: str
    comment: str | None


def _matter(desk: Desk, operation_id: str) -> _Matter:
    connection, operation = find_operation(desk, operation_id)
    records = read_promotion(connection, operation)
    if operation.status is not OperationStatus.AWAITING_APPROVAL or records.plan_hash is None:
        raise BadInputError(
            f"Operation {operation_id} is {operation.status} and waits for nobody's approval. "
            f"Look at it: sitefleet {group_of(operation)} show {operation_id} "
            f"--env {operation.environment}"
        )
    return _Matter(connection=connection, records=records, plan_hash=records.plan_hash)


def _decide(
    desk: Desk,
    matter: _Matter,
    verdict: _Verdict,
    person: str | None,
    *,
    yes: bool,
    watch: bool,
) -> None:
    signer = signer_of(matter.connection, person)
    for line in _what(matter, verdict, signer):
        desk.say(line)
    if not yes:
        desk.ask(f"{str(verdict.decision).capitalize()} this plan?")
    # Signed after the question: a proof is valid for 15 minutes, and people think.
    proven = prove(desk, matter.connection, signer, _binding(matter, verdict))
    sent = _send(desk, matter, verdict, signer, proven)
    decision = _taken(desk, matter, sent, proven)
    if watch:
        operation = desk.follow(matter.connection, decision.operation_id, is_data=False)
    else:
        operation = matter.connection.operations.get(decision.operation_id) or matter.operation
    _tell(desk, matter, operation, decision, sent)
    if watch:
        raise typer.Exit(exit_code_of(operation))


def _what(matter: _Matter, verdict: _Verdict, signer: Signer) -> list[str]:
    records, operation, expires = matter.records, matter.operation, matter.records.expires_at
    return [
        f"You are about to {verdict.decision} this plan:",
        *fields(
            [
                ("site", f"{operation.site_id} ({operation.tenant_id})"),
                *(_moves(records) if is_promotion(records) else _does(records)),
                ("plan hash", matter.plan_hash),
                ("asked by", operation.requested_by or "nobody named"),
                ("missing", listed(records.missing_roles)),
                ("expires", None if expires is None else moment(expires)),
                ("in the role", verdict.role),
                ("signed as", signer.principal),
                ("comment", verdict.comment),
            ],
            indent="  ",
        ),
    ]


def _moves(records: PromotionRecords) -> list[tuple[str, str | None]]:
    census, base = records.census, records.base_release
    return [
        ("path", records.path),
        ("moves", None if census is None else f"r{census.release} of {census.environment}"),
        ("replaces", "nothing: its first release there" if base is None else f"r{base}"),
    ]


def _does(records: PromotionRecords) -> list[tuple[str, str | None]]:
    operation, base = records.operation, records.base_release
    return [
        ("does", f"{operation.operation_type} in {operation.environment}"),
        ("live", None if base is None else f"r{base}"),
        *((name, one_line(str(said))) for name, said in asked_for(records).items()),
    ]


def _binding(matter: _Matter, verdict: _Verdict) -> ProofBinding:
    return ProofBinding(
        operation_id=matter.operation.operation_id,
        plan_hash=matter.plan_hash,
        decision=verdict.decision,
        role=verdict.role,
        environment=matter.operation.environment,
    )


def _send(desk: Desk, matter: _Matter, verdict: _Verdict, signer: Signer, proven: Proven) -> Sent:
    approves = verdict.decision is ProofDecision.APPROVE
    model: type[OperationApproval | OperationRejection] = (
        OperationApproval if approves else OperationRejection
    )
    payload = {
        "operationId": matter.operation.operation_id,
        "role": verdict.role,
        "planHash": matter.plan_hash,
        "comment": verdict.comment,
        "proof": {"headers": proven.headers},
    }
    request = composed(model, desk, matter.connection, requester_of(signer.principal), payload)
    queue = queue_of(request.message_type, matter.operation)
    if queue is None:
        raise BadInputError(f"No queue is known for {matter.operation.operation_type}.")
    tenant_id = matter.operation.tenant_id
    body = encode(request)
    return send_request(desk, matter.connection, request, body, queue, tenant_id=tenant_id)


def _taken(desk: Desk, matter: _Matter, sent: Sent, proven: Proven) -> Decision:
    """Wait until the fleet has stored its verdict; raises RequestRefusedError with its reason."""
    found: list[Decision] = []

    def taken() -> bool:
        decisions = matter.connection.decisions.of(matter.operation.operation_id)
        found.extend(d for d in decisions if d.proof_digest == proven.digest)
        return bool(found)

    until_taken(desk, matter.connection, sent, taken)
    return found[0]


def _tell(
    desk: Desk, matter: _Matter, operation: Operation, decision: Decision, sent: Sent
) -> None:
    records = read_promotion(matter.connection, operation)
    if desk.as_json:
        missing = list(records.missing_roles)
        document = {"decision": decision_document(decision), "missingRoles": missing}
        desk.show_json({**sent_document(sent), "status": operation.status, **document})
        return
    desk.show([f"Stored: {decided_line(decision)}"])
    if decision.approves:
        desk.show([f"Still missing: {listed(records.missing_roles, nothing='nobody')}."])
    where = f"{operation.operation_id} --env {operation.environment}"
    desk.say(f"Look at it: sitefleet {group_of(operation)} show {where} --watch")
