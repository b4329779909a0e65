"""People who decide, on the simulation: what they sign, what they send, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from core.adapters.memory.caller_identity import Caller, sign
from core.domain.operation import Operation
from core.domain.policy import Policy
from core.domain.proof import ProofBinding, ProofDecision, StsEndpoint
from core.ports.messaging import DeadLetter, QueueName
from events.formats import Environment
from events.requests import SiteCheckRequest
from events.vocabulary import OperationStatus
from simulation.fleet import SimulatedFleet
from simulation.people import ENDPOINT
from simulation.requests import promotion
from simulation.scenario import prepared

TO_PROD = {
    "sourceEnvironment": "sit",
    "targetEnvironment": "prod",
    "changeTicket": "CHG0012345",
}
STRANGER = Caller(
    arn="arn:aws:iam::093646564004:user/mallory",
    access_key_id="AKIAMALLORY000000000",
    secret_access_key="secret-of-mallory",
)
TECH, OPS = ("tech-lead", "TECH_LEAD"), ("operations-lead", "OPERATIONS_LEAD")
"""Who is asked about a promotion to prod, and as what."""
OTHER_PLAN = f"sha256:{'a' * 64}"
COMMENT = "I have read the plan."


def to_prod(*, correlation: str = "promote", requested_by: str | None = None, **payload) -> str:
    body = json.loads(promotion(correlation=correlation, **TO_PROD, **payload))
    return json.dumps({**body, "requestedBy": requested_by or body["requestedBy"]})


def to_sit(*, correlation: str = "promote", requested_by: str | None = None, **payload) -> str:
    body = json.loads(promotion(correlation=correlation, **payload))
    return json.dumps({**body, "requestedBy": requested_by or body["requestedBy"]})


def settle(fleet: SimulatedFleet) -> None:
    """Let everything happen that can happen without time passing."""
    fleet._let_time_pass = lambda: False
    try:
        fleet.run()
    finally:
        del fleet._let_time_pass


def until(fleet: SimulatedFleet, reached: Callable[[], bool], *, most_steps: int = 5000) -> None:
    """Let things and time go on until something is so."""
    for _ in range(most_steps):
        if reached():
            return
        assert fleet.step(), "Nothing happens any more."
    raise AssertionError(f"It was not reached in {most_steps} steps.")


def message_to(kind: str, operation_id: str, **payload) -> str:
    return json.dumps(
        {
            "messageType": kind,
            "correlationId": "by-hand",
            "timestamp": "2026-11-21T08:00:00Z",
            "payload": {"operationId": operation_id, "reason": "because", **payload},
        }
    )


@dataclass
class Desk:
    """A fleet whose people say nothing by themselves."""

    fleet: SimulatedFleet
    sent: list[str] = field(default_factory=list)
    """Every signature that was sent, to be searched for."""

    @classmethod
    def of(cls, environment: Environment, *earlier: str) -> Desk:
        fleet = prepared(environment, *earlier)
        fleet.people.decisions = lambda _event: []
        desk = cls(fleet)
        desk.keys([*fleet.world.callers, STRANGER])
        return desk

    def keys(self, callers: list[Caller]) -> None:
        """Let AWS know exactly these people's keys."""
        self.fleet.world.callers = callers
        self.fleet._wire()

    def under(self, policy: Policy) -> Desk:
        """Let another policy hold from now on."""
        self.fleet.policy = self.fleet.people.policy = policy
        self.keys([*self.fleet.people.callers(), STRANGER])
        return self

    # --- what is sent -------------------------------------------------------------------------

    def send(self, body: str) -> None:
        """Put a message on the queue and let happen what follows at once."""
        self.fleet.send(QueueName.PROMOTION, body)
        settle(self.fleet)

    def ask(self, body: str) -> Operation:
        """Ask for a promotion and let it come to the question; return the operation."""
        self.send(body)
        assert self.operation.status is OperationStatus.AWAITING_APPROVAL, self.operation.failure
        return self.operation

    def decide(self, person: str, role: str, **how) -> None:
        self.send(self.decision(person, role, **how))

    def decision(
        self,
        person: str | Caller,
        role: str,
        *,
        decision: ProofDecision = ProofDecision.APPROVE,
        endpoint: StsEndpoint = ENDPOINT,
        binding: dict | None = None,
        headers: dict | None = None,
        correlation: str | None = None,
        comment: str = COMMENT,
        **payload,
    ) -> str:
        """Return a message; `binding` changes what is signed, `headers` what was signed already."""
        operation, approves = self.operation, decision is ProofDecision.APPROVE
        plan_hash = str(operation.summary.get("planHash", f"sha256:{'0' * 64}"))
        bound = {
            "operation_id": operation.operation_id,
            "plan_hash": plan_hash,
            "decision": decision,
            "role": role,
            "environment": operation.environment,
            **(binding or {}),
        }
        proof = self.proof(person, ProofBinding(**bound), endpoint) | (headers or {})
        body = {
            "operationId": operation.operation_id,
            "role": role,
            "planHash": plan_hash,
            "comment": comment,
            "proof": {"headers": proof},
            **payload,
        }
        kind = "OPERATION_APPROVAL" if approves else "OPERATION_REJECTION"
        message = {
            "messageType": kind,
            "correlationId": correlation or f"decision-{len(self.sent)}",
            "timestamp": "2026-11-21T08:00:00Z",
            "payload": body,
        }
        return json.dumps(message)

    def proof(
        self, person: str | Caller, binding: ProofBinding, endpoint: StsEndpoint = ENDPOINT
    ) -> dict[str, str]:
        caller = person if isinstance(person, Caller) else self.fleet.people._caller(person)
        headers = sign(caller, binding, endpoint, self.fleet.clock.now())
        self.sent.append(headers["authorization"].rpartition("Signature=")[2])
        return headers

    def end(self) -> None:
        """Let days pass until nothing is left to do."""
        self.fleet.run(most_steps=30_000)

    def wait(self, seconds: float) -> None:
        """Let exactly this much time pass, with everything that happens in it."""
        clock = self.fleet.clock
        advance, end = clock.advance_to, clock.now() + timedelta(seconds=seconds)
        clock.advance_to = lambda moment: advance(min(moment, end))
        try:
            while clock.now() < end:
                if not self.fleet.step():
                    advance(end)
        finally:
            del clock.advance_to
        settle(self.fleet)

    # --- what came of it ----------------------------------------------------------------------

    @property
    def operation(self) -> Operation:
        """The newest operation that somebody asked for."""
        follow_ups = SiteCheckRequest.model_fields["message_type"].default
        asked = [
            operation
            for operation in self.fleet.store.operations.values()
            if follow_ups not in self.fleet.store.requests[operation.operation_id]
        ]
        return max(
            asked,
            key=lambda o: (o.created_at, list(self.fleet.store.operations).index(o.operation_id)),
        )

    @property
    def decisions(self) -> list[tuple[str, str, bool]]:
        """Who has decided what, as it is stored."""
        stored = self.fleet.world.decisions.values()
        mine = [d for d in stored if d.operation_id == self.operation.operation_id]
        return [(d.person, d.role, d.approves) for d in mine]

    @property
    def letters(self) -> list[DeadLetter]:
        return self.fleet.world.dead_letters

    def refused(self, *parts: str, code: str = "PROM_003") -> None:
        """Check that the last message was refused with a reason, and is gone from the queue."""
        letter = self.letters[-1]
        assert letter.attributes["errorCode"] == code, letter.attributes["reason"]
        for part in parts:
            assert part in letter.attributes["reason"]
        last = [e for e in self.fleet.world.events if e.detail_type == "SiteOperationRejected"][-1]
        assert last.data.error.code == code
        assert last.metadata.event_id == letter.attributes["rejectionEventId"]
        bodies = [m.body for ms in self.fleet.world.queues.values() for m in ms]
        assert not [b for b in bodies if "OPERATION_APPROVAL" in b or "OPERATION_REJECTION" in b]
