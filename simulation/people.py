"""The people of a simulation: whoever a plan waits for decides once, with a real signature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.adapters.memory.caller_identity import Caller, sign
from core.domain.approval_policy import Person
from core.domain.policy import Policy
from core.domain.proof import ProofBinding, ProofDecision, StsEndpoint
from core.ports.clock import Clock
from events.formats import format_timestamp
from events.progress import FleetEvent

ENDPOINT = StsEndpoint.of_region("af-south-1")


@dataclass(kw_only=True)
class People:
    """Everybody whom a policy names, each with an access key."""

    policy: Policy
    clock: Clock
    answered: set[tuple[str, str]] = field(default_factory=set)
    """(operation, role) that somebody has answered: nobody decides twice."""
    against: str = ""
    """The role whose holder says no."""

    def callers(self) -> list[Caller]:
        """Return everybody with the credentials that AWS would know them by."""
        return [self._caller(name) for name in self._people()]

    def decisions(self, event: FleetEvent) -> list[str]:
        """Return the messages that the asked people send about an event that asks them."""
        meta = event.metadata
        asked = [
            role
            for role in event.data.roles or ()
            if (meta.operation_id, role) not in self.answered
        ]
        self.answered |= {(meta.operation_id, role) for role in asked}
        return [self.decision(event, role) for role in asked]

    def decision(self, event: FleetEvent, role: str) -> str:
        """Return one person's yes, or no, to the plan that an event names."""
        says_no = role == self.against
        meta, plan_hash = event.metadata, event.data.plan_hash or ""
        binding = ProofBinding(
            operation_id=meta.operation_id,
            plan_hash=plan_hash,
            decision=ProofDecision.REJECT if says_no else ProofDecision.APPROVE,
            role=role,
            environment=meta.environment,
        )
        payload = {
            "operationId": meta.operation_id,
            "role": role,
            "planHash": plan_hash,
            "proof": {"headers": self.proof(binding)},
        }
        kind = "OPERATION_REJECTION" if says_no else "OPERATION_APPROVAL"
        return self._message(kind, meta.correlation_id, payload)

    def proof(self, binding: ProofBinding) -> dict[str, str]:
        """Return the proof of whoever holds the role of a binding."""
        holder = next(n for n, p in self._people().items() if binding.role in p.roles)
        return sign(self._caller(holder), binding, ENDPOINT, self.clock.now())

    def _people(self) -> dict[str, Person]:
        rules = self.policy.promotion
        return dict(rules.approval.people) if rules else {}

    def _caller(self, name: str) -> Caller:
        principal = self._people()[name].principals[0]
        account, _, role = principal.removeprefix("arn:aws:iam::").partition(":role/")
        return Caller(
            arn=f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
            access_key_id=f"ASIA{name.upper().replace('-', '')}".ljust(20, "0"),
            secret_access_key=f"secret-of-{name}",
        )

    def _message(self, message_type: str, correlation: str, payload: Mapping[str, object]) -> str:
        return json.dumps(
            {
                "messageType": message_type,
                "correlationId": correlation,
                "timestamp": format_timestamp(self.clock.now()),
                "payload": payload,
            }
        )
