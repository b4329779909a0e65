"""Operations, their steps, locks and failures: the claim store of the fleet.

Every write is conditional and may be repeated: a caller whose answer was lost calls again with the
same arguments and gets the same answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.domain.operation import AttemptFailure, Operation, StepRecord
from core.ports.announcements import Announcements
from events.vocabulary import OperationType

type SiteKey = tuple[str, str]
"""A site's tenant and its own id."""


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
    """A retry or cancel: also takes a ROLLBACK_FAILED operation; the deadline starts anew, and the
    sweeper looks after it again."""
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


@dataclass(frozen=True, kw_only=True)
class InLine:
    """An operation that has a site's lock or waits for it, or that waits for its tenant's turn."""

    operation_id: str
    operation_type: OperationType | None
    """None where it was stored by a version that did not say."""
    since: datetime


@dataclass(frozen=True, kw_only=True)
class SiteQueue:
    """Who is at work on a site, and who comes after it."""

    holder: InLine | None
    waiters: tuple[InLine, ...] = ()
    """In order of arrival; the lock goes to the first."""


@dataclass(frozen=True, kw_only=True)
class TenantLine:
    """How many operations of a tenant are at work, and which wait for their turn."""

    running: int
    waiting: tuple[InLine, ...] = ()
    """In order of arrival."""


@dataclass(frozen=True, kw_only=True)
class Committed:
    """What a commit set free for others; mostly nothing."""

    next_holder: str | None = None
    """The operation that the site's lock went to, to be woken."""
    line_waits: bool = False
    """Whether a turn has become free and other operations of the tenant wait for one."""


class SiteLocks(Protocol):
    """One operation at a time acts on a site; where somebody waits, the lock is never free."""

    def acquire_lock(self, operation: Operation, now: datetime) -> str:
        """Give the site's lock to this operation if it is free; return the holder's operation id.

        Idempotent for the holder, and noted on the operation, whose last write gives the lock
        back. Guarded by the operation's fence: raises LostClaimError.
        A holder that is terminal cannot exist: its last write released the lock.
        """
        ...

    def enqueue_waiter(self, operation: Operation, *, behind: str, since: datetime) -> bool:
        """Let this operation wait for its site's lock as long as `behind` holds it.

        False when the lock has changed hands meanwhile: then it may be free.
        """
        ...

    def leave_queue(self, operation: Operation) -> None:
        """Take the operation out of the waiters of its site; it need not be among them."""
        ...

    def queue_of(self, tenant_id: str, site_id: str) -> SiteQueue:
        """Return who holds the site's lock and who waits for it: one read."""
        ...

    def queues_of(self, sites: Collection[SiteKey]) -> Mapping[SiteKey, SiteQueue]:
        """Return the same of many sites, in one read for a hundred of them and more where any wait.

        A site that nobody acts on has an empty queue.
        """
        ...


class TenantTurns(Protocol):
    """At most so many operations of one tenant run at a time; the others wait in its line."""

    def start_waiting(
        self, tenant_id: str, *, most_running: int | None, due_at: datetime
    ) -> Operation | None:
        """Give the next turn to the first in the tenant's line and return it, to be published.

        None when nobody waits or no turn is free. It is due at `due_at`, so that the sweeper
        publishes what a caller that dies does not.
        """
        ...

    def leave_line(self, operation: Operation, due_at: datetime) -> None:
        """Let an operation go on that waits for its turn, without one: it has been cancelled."""
        ...

    def tenants_in_line(self, limit: int) -> Sequence[str]:
        """Return tenants whose operations wait for their turn, longest in line first."""
        ...

    def line_of(self, tenant_id: str) -> TenantLine:
        """Return how a tenant's turns stand: one read."""
        ...


class WakeUps(Protocol):
    """Which operation an event is for that names only a resource."""

    def note_resource(self, resource: str, operation_id: str) -> None:
        """Note that an operation waits for a resource whose events name only its ARN."""
        ...


class OperationStore(SiteLocks, TenantTurns, WakeUps, Announcements, Protocol):
    """The operations table."""

    def get(self, operation_id: str) -> Operation | None:
        """Return the operation item, read consistently."""
        ...

    def get_many(self, operation_ids: Sequence[str]) -> Mapping[str, Operation]:
        """Return those of the operations that there are, by id, read consistently."""
        ...

    def accept(
        self, operation: Operation, request_body: str, *, most_running: int | None = None
    ) -> Accepted:
        """Store a new operation with its request, or return the one that is there already.

        With a cap it takes a turn of its tenant, or a place in its line, in the same write.
        """
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

    def commit(self, operation: Operation) -> Committed:
        """Move the operation to this state; refused when its fence is not the stored one.

        A refused write whose stored record equals this one is a success. A terminal state is
        written in one transaction with the site's lock, which goes to the next waiter, and with
        the tenant's turn; so is the turn of an operation that begins to wait for people.
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
        """Move `dueAt` of an operation that has not moved since it was read (the sweeper).

        None: the sweeper leaves it to people, and `standing` has it until somebody moves it.
        """
        ...

    def due(self, now: datetime, limit: int) -> Sequence[Operation]:
        """Return non-terminal operations whose `dueAt` has passed, oldest first."""
        ...

    def standing(self) -> Sequence[Operation]:
        """Return every operation that nothing but a person's message will move, of any age.

        The one that has not moved for the longest time comes first.
        """
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

    def operation_of_resource(self, resource: str) -> str | None:
        """Return the operation that noted the resource last."""
        ...
