"""Approvals: who decided what about which plan. The rules that weigh them are pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from events.vocabulary import OperationType


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One person's verified yes or no to one plan, in one role."""

    operation_id: str
    plan_hash: str
    role: str
    person: str
    """Key of the person in the policy."""
    principal: str
    """The ARN that AWS named."""
    approves: bool
    comment: str | None = None
    decided_at: datetime
    proof_digest: str
    """sha256 of the proof's signature: the same proof is never counted twice."""


def noun_of(operation_type: OperationType) -> str:
    """Return what people call an operation: promotion, deletion, update."""
    return operation_type.removeprefix("SITE_").lower()
