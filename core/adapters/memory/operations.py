"""The operation store in memory: the twin that the simulator and the crash proofs run on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.adapters.memory.operation_lines import MemoryLines
from core.domain.errors import CancelRequestedError, LostClaimError, NotFoundError
from core.domain.notices import Notice
from core.domain.operation import AttemptFailure, Operation, StepRecord, Turn
from core.ports.announcements import ANNOUNCING, Correlated, Mark
from core.ports.operation_store import Accepted, ClaimAnswer, ClaimRequest, Committed, History
from events.vocabulary import OperationStatus, Phase


@dataclass(kw_only=True)
class MemoryOperationStore(MemoryLines):
    """Plain dicts with the conditions of the table's writes."""

    requests: dict[str, str] = field(default_factory=dict)
    step_records: dict[tuple[str, Phase, str], StepRecord] = field(default_factory=dict)
    failures: list[AttemptFailure] = field(default_factory=list)
    facts: dict[str, Notice] = field(default_factory=dict)
    """Mark -> what was announced."""
    announcing: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """Mark -> the message that is about to announce, and since when."""
    resources: dict[str, str] = field(default_factory=dict)
    """ARN of what an operation waits for -> the operation."""

    def get(self, operation_id: str) -> Operation | None:
        return self.operations.get(operation_id)

    def get_many(self, operation_ids: Sequence[str]) -> Mapping[str, Operation]:
        return {i: self.operations[i] for i in operation_ids if i in self.operations}

    def accept(
        self, operation: Operation, request_body: str, *, most_running: int | None = None
    ) -> Accepted:
        existing = self.operations.get(operation.operation_id)
        if existing is not None:
            as_it_was = replace(existing, turn=None, due_at=operation.due_at)
            return Accepted(operation=existing, created=as_it_was == operation)
        accepted = operation if most_running is None else self.in_turn(operation, most_running)
        self.operations[operation.operation_id] = accepted
        self.requests[operation.operation_id] = request_body
        return Accepted(operation=accepted, created=True)

    def claim(self, request: ClaimRequest) -> ClaimAnswer:
        operation = self.operations.get(request.operation_id)
        if operation is None or not _may_claim(operation, request):
            return ClaimAnswer(granted=False, operation=operation)
        claimed = replace(
            operation,
            fence=operation.fence + 1,
            lease_owner=request.owner,
            lease_until=request.lease_until,
            step_since=request.now if request.by_person else operation.step_since or request.now,
            stalled_since=None if request.by_person else operation.stalled_since,
            due_at=request.lease_until if request.by_person else operation.due_at,
        )
        self.operations[request.operation_id] = claimed
        return ClaimAnswer(granted=True, operation=claimed)

    def history(self, operation_id: str) -> History:
        if operation_id not in self.requests:
            raise NotFoundError(f"There is no operation {operation_id}.")
        records = [r for key, r in self.step_records.items() if key[0] == operation_id]
        return History(request_body=self.requests[operation_id], steps=tuple(records))

    def prepare(self, record: StepRecord) -> None:
        self.step_records[record.operation_id, record.phase, record.step] = record

    def commit(self, operation: Operation) -> Committed:
        stored = self.operations[operation.operation_id]
        moved = operation.without_turn() if operation.gives_turn_back else operation
        wanted = replace(moved, lock_held=stored.lock_held, cancel_reason=stored.cancel_reason)
        if stored == wanted:
            return Committed()
        if stored.fence != operation.fence or stored.lease_owner is None:
            raise LostClaimError(
                f"Another worker has taken operation {operation.operation_id} over."
            )
        if stored.cancel_requested != operation.cancel_requested:
            raise CancelRequestedError(stored.cancel_reason or "")
        self.operations[operation.operation_id] = wanted
        gives_lock = wanted.is_terminal and wanted.lock_held
        return Committed(
            next_holder=self.hand_over(wanted) if gives_lock else None,
            line_waits=self.give_turn_back(wanted) if operation.gives_turn_back else False,
        )

    def record_failure(self, failure: AttemptFailure) -> None:
        if failure not in self.failures:
            self.failures.append(failure)

    def request_cancel(
        self,
        operation_id: str,
        reason: str,
        now: datetime,  # noqa: ARG002 - the port's signature
    ) -> Operation | None:
        operation = self.operations.get(operation_id)
        if operation is None or operation.is_terminal or operation.cancel_requested:
            return operation
        cancelled = replace(operation, cancel_requested=True, cancel_reason=reason)
        self.operations[operation_id] = cancelled
        return cancelled

    def re_arm(self, operation: Operation, due_at: datetime | None) -> bool:
        stored = self.operations[operation.operation_id]
        if (stored.fence, stored.due_at) != (operation.fence, operation.due_at):
            return False
        self.operations[operation.operation_id] = replace(stored, due_at=due_at)
        return True

    def due(self, now: datetime, limit: int) -> Sequence[Operation]:
        due = [o for o in self.operations.values() if o.due_at is not None and o.due_at <= now]
        return sorted(due, key=lambda o: o.due_at or now)[:limit]

    def standing(self) -> Sequence[Operation]:
        found = [operation for operation in self.operations.values() if operation.stands]
        return sorted(found, key=lambda o: o.updated_at)

    def recent(self, *, day: str, limit: int) -> Sequence[Operation]:
        found = [o for o in self.operations.values() if f"{o.created_at:%Y-%m-%d}" == day]
        return sorted(found, key=lambda o: o.created_at, reverse=True)[:limit]

    def of_site(self, tenant_id: str, site_id: str, *, limit: int) -> Sequence[Operation]:
        site = (tenant_id, site_id)
        found = [o for o in self.operations.values() if (o.tenant_id, o.site_id) == site]
        return sorted(found, key=lambda o: o.created_at, reverse=True)[:limit]

    def announce(self, event_id: str, now: datetime, *, by: str) -> Mark:
        if event_id in self.facts:
            return Mark.DONE
        holder, since = self.announcing.get(event_id, (by, now))
        if holder != by and since > now - ANNOUNCING:
            return Mark.TAKEN
        self.announcing[event_id] = by, now
        return Mark.MINE

    def announced_of(self, marks: Collection[str]) -> Collection[str]:
        return {mark for mark in marks if mark in self.facts}

    def announced(self, notice: Notice) -> None:
        self.facts[notice.mark] = notice

    def notices(self, *, day: str, limit: int) -> Sequence[Notice]:
        found = [n for n in self.facts.values() if f"{n.announced_at:%Y-%m-%d}" == day]
        return sorted(found, key=lambda n: n.announced_at, reverse=True)[:limit]

    def of_correlation(self, correlation_id: str, *, limit: int) -> Correlated:
        operations = [o for o in self.operations.values() if o.correlation_id == correlation_id]
        notices = [n for n in self.facts.values() if n.correlation_id == correlation_id]
        operations.sort(key=lambda operation: operation.created_at)
        notices.sort(key=lambda notice: notice.announced_at)
        room = max(0, limit - len(operations))
        return Correlated(operations=tuple(operations[:limit]), notices=tuple(notices[:room]))

    def note_resource(self, resource: str, operation_id: str) -> None:
        self.resources[resource] = operation_id

    def operation_of_resource(self, resource: str) -> str | None:
        return self.resources.get(resource)


def _may_claim(operation: Operation, request: ClaimRequest) -> bool:
    if operation.is_terminal or operation.turn is Turn.WAITING:
        return False
    if operation.status is OperationStatus.ROLLBACK_FAILED and not request.by_person:
        return False
    leased = operation.lease_until is not None and operation.lease_until > request.now
    if leased and operation.lease_owner != request.owner:
        return False
    if request.event_id is None:
        return operation.wait_number > 0 and request.step in {None, operation.step}
    return (operation.event_id, operation.wait_number) == (request.event_id, request.wait_number)
