"""Operations, their steps, locks and failures: the claim store of the fleet.

Every write is conditional and may be repeated: a caller whose answer was lost calls again with the
same arguments and gets the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.domain.operation import AttemptFailure, Operation, StepRecord


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The operation was stored by this call (or by an earlier one with the same content)."""

    operation: Operation
    created: bool


@dataclass(frozen=True, kw_only=True)
class ClaimRequest:
    """Who wants to run the next step of which operation, on the ground of which message."""

    operation_id: str
    event_id: str | None
    """The event that the message carries; None for a wake-up, which takes the step that waits."""
    step: str | None = None
    """For a wake-up: the step it is meant for, if it says so."""
    wait_number: int
    """0 for an event, the poll's number for a poll; ignored for a wake-up."""
    by_person: bool = False
    """A retry or cancel: also takes a ROLLBACK_FAILED operation, and the deadline starts anew."""
    owner: str
    """Chosen before the call: a repeated call whose answer was lost finds its own lease."""
    now: datetime
    lease_until: datetime


@dataclass(frozen=True, kw_only=True)
class ClaimAnswer:
    """The operation as it stands after the claim (granted) or as it stood when it was refused."""

    granted: bool
    operation: Operation | None
    """None when there is no such operation."""


@dataclass(frozen=True, kw_only=True)
class History:
    """What is stored beside the operation item."""

    request_body: str
    """The request as JSON, defaults filled in; approvals' proofs are never part of it."""
    steps: tuple[StepRecord, ...]


class SiteLocks(Protocol):
    """One operation at a time acts on a site."""

    def acquire_lock(self, operation: Operation, now: datetime) -> str:
        """Give the site's lock to this operation if it is free; return the holder's operation id.

        Idempotent for the holder, and noted on the operation, whose last write gives the lock
        back. Guarded by the operation's fence: raises LostClaimError.
        A holder that is terminal cannot exist: its last write released the lock.
        """
        ...

    def enqueue_waiter(self, operation: Operation, since: datetime) -> None:
        """Note, in order of arrival, that this operation waits for its site's lock."""
        ...


class WakeUps(Protocol):
    """Which operation an event is for that names only a resource."""

    def note_resource(self, resource: str, operation_id: str) -> None:
        """Note that an operation waits for a resource whose events name only its ARN."""
        ...


class OperationStore(SiteLocks, WakeUps, Protocol):
    """The operations table."""

    def get(self, operation_id: str) -> Operation | None:
        """Return the operation item, read consistently."""
        ...

    def accept(self, operation: Operation, request_body: str) -> Accepted:
        """Store a new operation with its request, or return the one that is there already."""
        ...

    def claim(self, request: ClaimRequest) -> ClaimAnswer:
        """Take the lease if the operation stands where the message says: one conditional write."""
        ...

    def history(self, operation_id: str) -> History:
        """Return request and step records: the one read call of a step.

        Raises NotFoundError when the operation was never accepted.
        """
        ...

    def prepare(self, record: StepRecord) -> None:
        """Put the step's result, before the operation moves on."""
        ...

    def commit(self, operation: Operation) -> str | None:
        """Move the operation to this state; refused when its fence is not the stored one.

        Returns the operation id that the site's lock went to, to be woken; mostly None.

        A refused write whose stored record equals this one is a success. A terminal state is
        written in one transaction with the site's lock, which goes to the next waiter.
        Raises LostClaimError when somebody else has claimed the operation since, and
        CancelRequestedError when a cancel has come that this record does not know of.
        """
        ...

    def record_failure(self, failure: AttemptFailure) -> None:
        """Keep one failed attempt for the people who will read the dead letter."""
        ...

    def request_cancel(self, operation_id: str, reason: str, now: datetime) -> Operation | None:
        """Set cancelRequested unless the operation is terminal; return how it stands."""
        ...

    def re_arm(self, operation: Operation, due_at: datetime | None) -> bool:
        """Move `dueAt` of an operation that has not moved since it was read (the sweeper)."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[Operation]:
        """Return non-terminal operations whose `dueAt` has passed, oldest first."""
        ...

    def lock_holder(self, tenant_id: str, site_id: str) -> str | None:
        """Return the operation that holds the site's lock."""
        ...

    def recent(self, *, day: str, limit: int) -> Sequence[Operation]:
        """Return the newest operations that were accepted on a day (YYYY-MM-DD, UTC)."""
        ...

    def of_site(self, tenant_id: str, site_id: str, *, limit: int) -> Sequence[Operation]:
        """Return the newest operations of one site."""
        ...

    def announce(self, event_id: str, now: datetime) -> bool:
        """Return True if this fact still has to be announced (first call or unfinished one)."""
        ...

    def announced(self, event_id: str, now: datetime) -> None:
        """Note that a fact has been announced."""
        ...

    def operation_of_resource(self, resource: str) -> str | None:
        """Return the operation that noted the resource last."""
        ...
