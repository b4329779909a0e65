"""An operation: one request on its way through its workflow, as it is stored.

The operation item is small on purpose (every claim and every commit writes it, and DynamoDB bills
by the kilobyte): the request and the results of steps are items of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from events import identity
from events.formats import Environment
from events.vocabulary import DetailType, OperationStatus, OperationType, Phase, StepStatus

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None
type Facts = Mapping[str, Json]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why an operation did not succeed."""

    code: str
    """One of the contract's error codes."""
    message: str
    """A sentence for the person who reads it; no secrets, no personal data."""
    step: str | None = None
    details: Facts = field(default_factory=dict)
    ends_as: OperationStatus | None = None
    """REJECTED when a person said no, CANCELLED when one cancelled; else the undo decides."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Names the event that a record derives; its id follows from these four and the operation."""

    detail_type: DetailType
    phase: Phase
    step: str | None
    attempt: int


class Turn(StrEnum):
    """Where an operation stands that counts against its tenant's cap; most never wait."""

    WAITING = "waiting"
    """It is in its tenant's line; nothing may claim it."""
    TAKEN = "taken"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """The cursor, the lease and the outcome of one operation: everything that one write decides."""

    operation_id: str
    operation_type: OperationType
    tenant_id: str
    site_id: str
    environment: Environment
    correlation_id: str
    request_hash: str
    """128 bits of the canonical payload's hash: the same key with another payload is refused."""
    plan: tuple[str, ...]
    """Names of the steps, stored at accept, so that a deployment does not change a running plan."""
    status: OperationStatus
    phase: Phase = Phase.FORWARD
    cursor: int = 0
    """Index in `plan` of the step to run (forward) or to undo (undo) next."""
    attempt: int = 0
    """Recorded failures of the step at the cursor."""
    wait_number: int = 0
    """Number of the poll that is under way; polls with an older number are dropped."""
    head: Fact
    """The event that this record derives; only a message that carries it may claim."""
    cause_event_id: str | None = None
    """The event before it: a repeated message of that one publishes this record's events again."""
    head_seconds: float | None = None
    """How long the step of `head` took."""
    fence: int = 0
    """Rises with every claim and guards every later write."""
    lease_owner: str | None = None
    lease_until: datetime | None = None
    step_since: datetime | None = None
    """When the step at the cursor was first claimed; its deadline counts from here."""
    cancel_requested: bool = False
    cancel_reason: str | None = None
    stalled_since: datetime | None = None
    waiting_for: str | None = None
    """What the step at the cursor waits for, as a sentence."""
    failure: Failure | None = None
    summary: Facts = field(default_factory=dict)
    """The few facts that events and notifications repeat: siteUrl, release."""
    cut_over: bool = False
    """Whether a step that puts something live has completed."""
    lock_held: bool = False
    """Whether this operation holds its site's lock."""
    turn: Turn | None = None
    """None: it counts against no cap, or has given its turn back."""
    replay_of: str | None = None
    """The dead letter whose replay led to this record; its events say so."""
    requested_by: str | None = None
    due_at: datetime | None = None
    """When the sweeper looks at this operation again; None once it is terminal."""
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None

    @property
    def event_id(self) -> str:
        return self.event_id_of(self.head)

    def event_id_of(self, fact: Fact) -> str:
        return identity.event_id(
            self.operation_id, fact.phase, fact.step, fact.attempt, fact.detail_type
        )

    @property
    def step(self) -> str | None:
        """Name of the step at the cursor; None when there is nothing left to run."""
        return self.plan[self.cursor] if 0 <= self.cursor < len(self.plan) else None

    @property
    def is_terminal(self) -> bool:
        return self.status.is_terminal

    @property
    def waits_for_people(self) -> bool:
        """Whether nothing happens until somebody decides: then it keeps nobody else waiting."""
        return self.stalled_since is not None or self.status in _UP_TO_PEOPLE

    @property
    def stands(self) -> bool:
        """Whether the sweeper has left it to people: nothing but their message will move it."""
        return not self.is_terminal and self.due_at is None and self.turn is not Turn.WAITING

    @property
    def gives_turn_back(self) -> bool:
        """Whether this state frees the turn that it has among its tenant's operations."""
        return self.turn is Turn.TAKEN and (self.is_terminal or self.waits_for_people)

    def without_turn(self) -> Operation:
        """Return the state that is stored when the turn is given back."""
        return replace(self, turn=None)


_UP_TO_PEOPLE = {OperationStatus.AWAITING_APPROVAL, OperationStatus.ROLLBACK_FAILED}


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """The result of one step in one phase: prepared before the operation item is committed."""

    operation_id: str
    phase: Phase
    step: str
    attempt: int
    fence: int
    status: StepStatus
    facts: Facts = field(default_factory=dict)
    summary: Facts = field(default_factory=dict)
    """What the step adds to the operation's summary."""
    failure: Failure | None = None
    started_at: datetime
    completed_at: datetime

    @property
    def duration_seconds(self) -> float:
        return (self.completed_at - self.started_at).total_seconds()


@dataclass(frozen=True, kw_only=True)
class AttemptFailure:
    """One failed attempt, kept so that a dead letter can be explained later."""

    message_id: str
    operation_id: str | None
    step: str | None
    attempt: int
    exception_type: str
    message: str
    """Normalised: ids and numbers replaced, so that equal failures group."""
    stack_digest: str = ""
    """Names the path through the code; empty where it was recorded by a version without."""
    occurred_at: datetime
