"""Who asked, who decided what, and whose word is missing."""

from __future__ import annotations

from typing import Any

from core.domain.approval import Decision
from events.formats import format_timestamp
from events.vocabulary import OperationStatus, OperationType
from ops.promotion.blocks import Block, Note, TableRow, Tone
from ops.promotion.next_step import decide_commands
from ops.promotion.records import PromotionRecords, asked_for
from ops.wording import listed, moment, one_line


def approval_block(records: PromotionRecords) -> Block | None:
    """Return the decisions so far and the roles that are missing; None where nobody is asked."""
    if not records.roles and not records.decisions:
        return None
    waits = records.operation.status is OperationStatus.AWAITING_APPROVAL
    missing = records.missing_roles
    return Block(
        title="Approvals",
        pairs=(
            ("roles", listed(records.roles)),
            ("missing", listed(missing) if records.roles else None),
            ("expires", _moment(records) if waits else None),
        ),
        titles=("ROLE", "PERSON", "DECISION", "WHEN", "AS", "COMMENT"),
        rows=tuple(_row(records, decision) for decision in records.decisions),
        notes=_notes(records),
    )


def asked_block(records: PromotionRecords) -> Block:
    """Return what is to be agreed to: the request, the release it is about, the plan's hash."""
    base = records.base_release
    return Block(
        title="What is asked",
        pairs=(
            ("plan hash", records.plan_hash),
            ("requested by", records.operation.requested_by),
            ("live release", None if base is None else f"r{base}"),
            *((name, one_line(str(said))) for name, said in asked_for(records).items()),
        ),
    )


def decided_line(decision: Decision) -> str:
    """Return one decision as a sentence."""
    said = "approved" if decision.approves else "rejected"
    comment = f": {decision.comment}" if decision.comment else ""
    return f"{decision.person} {said} as {decision.role} at {moment(decision.decided_at)}{comment}"


def decision_document(decision: Decision) -> dict[str, Any]:
    """Return one decision for programs."""
    return {
        "role": decision.role,
        "person": decision.person,
        "principal": decision.principal,
        "approves": decision.approves,
        "planHash": decision.plan_hash,
        "comment": decision.comment,
        "decidedAt": format_timestamp(decision.decided_at),
    }


# --- inside ---------------------------------------------------------------------------------


def _row(records: PromotionRecords, decision: Decision) -> TableRow:
    other = _is_of_another_plan(records, decision)
    said = "approved" if decision.approves else "REJECTED"
    tone = Tone.GOOD if decision.approves else Tone.BAD
    return TableRow(
        cells=(
            decision.role,
            decision.person,
            f"{said} another plan" if other else said,
            moment(decision.decided_at),
            decision.principal,
            decision.comment or "",
        ),
        tone=Tone.DIM if other else tone,
    )


def _is_of_another_plan(records: PromotionRecords, decision: Decision) -> bool:
    """A rollback has no plan: its proof is bound to the request itself."""
    is_rollback = records.operation.operation_type is OperationType.SITE_ROLLBACK
    return not is_rollback and decision.plan_hash != records.plan_hash


def _moment(records: PromotionRecords) -> str | None:
    return None if records.expires_at is None else moment(records.expires_at)


def _notes(records: PromotionRecords) -> tuple[Note, ...]:
    commands = tuple(Note(text=command) for command in decide_commands(records))
    if any(_is_of_another_plan(records, decision) for decision in records.decisions):
        text = "An approval of another plan counts for nothing: the plan has changed since."
        return (Note(text=text, tone=Tone.WARN), *commands)
    return commands
