"""What is watched while a simulation runs: every write of the store, and who changes which site."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import structlog

from core.adapters.memory.boundary import Call
from core.adapters.memory.operations import MemoryOperationStore
from core.domain.errors import CancelRequestedError, LostClaimError
from core.domain.operation import Operation, Turn
from core.ports.operation_store import ClaimAnswer, ClaimRequest, Committed, OperationStore
from events.vocabulary import OperationStatus, StepStatus
from simulation.seeds.sometimes import Rare

CHANGING = {
    "sites": {"put", "put_with_releases", "delete", "put_release"},
    "containers": {"ensure_service", "ensure_running", "roll_out", "scale_down", "delete_service"},
    "load_balancer": {"create_rule", "point_rule", "answer_rule", "lead_rule", "delete_rule"},
    "dns": {"point_at_load_balancer", "restore"},
    "secrets": {"delete"},
}
"""Calls that only the operation at work on a site may make."""


@dataclass(kw_only=True)
class Watch:
    """Sees every change; keeps what broke a promise, and which rare paths were taken."""

    store: MemoryOperationStore
    rare: Counter[Rare] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    ended: dict[str, Operation] = field(default_factory=dict)
    stalled: set[str] = field(default_factory=set)
    """Operations that have stood still once."""
    given_up: set[str] = field(default_factory=set)
    """Operations whose way back has failed once."""
    deadline: Callable[[str], timedelta] = lambda _step: timedelta.max
    sweeping: bool = False
    on_lock: Callable[[Operation], None] = lambda _operation: None
    on_end: Callable[[Operation], None] = lambda _operation: None

    def see(self, rare: Rare) -> None:
        """Count a rare path."""
        self.rare[rare] += 1

    def before(self, call: Call) -> None:
        """Hold a call against the rule that one operation at a time acts on a site."""
        if call.method not in CHANGING.get(call.port, ()):
            return
        name = structlog.contextvars.get_contextvars().get("operationId")
        operation = self.store.operations.get(str(name))
        if operation is None:
            return
        holder = self.store.locks.get((operation.tenant_id, operation.site_id))
        if holder != operation.operation_id:
            self.broken.append(
                f"one_operation_at_a_time_acts_on_a_site: {operation.operation_type} {name} calls "
                f"{call.port}.{call.method} in {operation.phase} {operation.step}; the lock of "
                f"{operation.site_id} is held by {holder}"
            )

    def check_ended(self) -> None:
        """Hold every operation that has ended against how it ended."""
        for name, operation in self.store.operations.items():
            known = self.ended.get(name)
            if known is None and operation.is_terminal:
                self.ended[name] = operation
            elif known is not None and known is not operation and known != operation:
                self.broken.append(
                    f"a_terminal_operation_never_moves: {name} was {known.status}, attempt "
                    f"{known.attempt}, fence {known.fence}; now {operation.status}, "
                    f"{operation.attempt}, {operation.fence}"
                )
                self.ended[name] = operation


class WatchedStore:
    """The memory twin with its watch; passes everything on."""

    def __init__(self, watch: Watch, lags: Callable[[], bool]) -> None:
        self._watch = watch
        self._store = watch.store
        self._lags = lags
        """Tells whether an index has not seen the last writes yet."""

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._store, attribute)

    def as_store(self) -> OperationStore:
        """Return it as the port that it is."""
        return cast("OperationStore", self)

    def claim(self, request: ClaimRequest) -> ClaimAnswer:
        """Tell what a claim met."""
        before = self._store.operations.get(request.operation_id)
        answer = self._store.claim(request)
        if before is not None and answer.granted and not _is_waited_for(request, before):
            self._watch.broken.append(
                f"only_the_message_that_is_waited_for_claims: {request.operation_id}, wait "
                f"{request.wait_number} of {request.event_id}; it stood at {before.wait_number} of "
                f"{before.event_id}, {before.status}, leased until {before.lease_until}"
            )
        if before is not None:
            for rare in _met(request, before, answer, self._store):
                self._watch.see(rare)
        return answer

    def commit(self, operation: Operation) -> Committed:
        """Tell what a commit met, and when somebody's end came."""
        before = self._store.operations[operation.operation_id]
        try:
            answer = self._store.commit(operation)
        except LostClaimError:
            self._watch.see(Rare.FENCED)
            raise
        except CancelRequestedError:
            self._watch.see(Rare.CANCEL_AT_COMMIT)
            raise
        after = self._store.operations[operation.operation_id]
        self._moved(before, after, answer)
        return answer

    def acquire_lock(self, operation: Operation, now: datetime) -> str:
        """Tell who has got a site."""
        holder = self._store.acquire_lock(operation, now)
        if holder == operation.operation_id:
            self._watch.on_lock(operation)
        return holder

    def start_waiting(self, tenant_id: str, **named: Any) -> Operation | None:
        """Tell who has started whom."""
        started = self._store.start_waiting(tenant_id, **named)
        if started is not None:
            swept = Rare.TURN_BY_SWEEPER if self._watch.sweeping else Rare.TURN_HANDED_ON
            self._watch.see(swept)
        return started

    def due(self, now: datetime, limit: int) -> Sequence[Operation]:
        """Leave out of the index's answer, for the sweeper, what it has not seen yet."""
        found = self._store.due(now, limit)
        return [o for o in found if not (self._watch.sweeping and self._lags())]

    def tenants_in_line(self, limit: int) -> Sequence[str]:
        """Do the same with the lines of tenants."""
        found = self._store.tenants_in_line(limit)
        return [name for name in found if not (self._watch.sweeping and self._lags())]

    def leave_line(self, operation: Operation, due_at: datetime) -> None:
        """Tell that somebody was cancelled in line."""
        self._watch.see(Rare.CANCEL_IN_LINE)
        self._store.leave_line(operation, due_at)

    def _moved(self, before: Operation, after: Operation, answer: Committed) -> None:
        watch, name = self._watch, after.operation_id
        watch.broken += self._against_the_rules(before, after, answer)
        if answer.next_holder is not None:
            watch.see(Rare.LOCK_HANDED_ON)
        if after.stalled_since is not None and before.stalled_since is None:
            watch.stalled.add(name)
        if after.status == OperationStatus.ROLLBACK_FAILED:
            watch.given_up.add(name)
        if after.is_terminal and not before.is_terminal:
            if name in watch.stalled:
                watch.see(Rare.STALLED_THEN_ENDED)
            if name in watch.given_up:
                watch.see(Rare.ROLLBACK_FAILED_THEN_ENDED)
            watch.see(Rare(f"an operation ends {after.status}"))
            watch.on_end(after)

    def _against_the_rules(
        self, before: Operation, after: Operation, answer: Committed
    ) -> Iterator[str]:
        name, holder = after.operation_id, answer.next_holder
        if after.fence < before.fence:
            yield f"the_fence_only_rises: {name}"
        if holder is not None and self._store.operations[holder].is_terminal:
            yield f"a_lock_goes_to_who_can_use_it: {holder} has ended"
        if _waits_too_long(before, after, self._watch.deadline):
            yield f"a_step_waits_no_longer_than_its_deadline: {name} {after.step}"
        if after.status is OperationStatus.FAILED and after.cut_over:
            yield f"an_end_says_whether_visitors_saw_it: {name}"
        if after.waits_for_people and after.turn is Turn.TAKEN:
            yield f"who_waits_for_people_keeps_nobody_waiting: {name} has a turn"


def _waits_too_long(
    before: Operation, after: Operation, deadline: Callable[[str], timedelta]
) -> bool:
    """Tell whether a step that was only looked at is to be looked at again past its deadline."""
    looked = (before.event_id, before.attempt) == (after.event_id, after.attempt)
    if after.step_since is None or after.stalled_since is not None or not looked:
        return False
    return after.updated_at - after.step_since > deadline(after.step or "")


def _is_waited_for(request: ClaimRequest, before: Operation) -> bool:
    """Say once more, in other words, whom the claim is for."""
    free = before.lease_until is None or before.lease_until <= request.now
    poll = (request.event_id, request.wait_number) == (before.event_id, before.wait_number)
    wakes = request.event_id is None and before.wait_number > 0
    return free and not before.is_terminal and (poll or wakes)


def _met(
    request: ClaimRequest, before: Operation, answer: ClaimAnswer, store: MemoryOperationStore
) -> list[Rare]:
    leased = before.lease_until is not None and before.lease_until > request.now
    if answer.granted:
        record = store.step_records.get((before.operation_id, before.phase, before.step or ""))
        done = record is not None and record.status in {StepStatus.COMPLETED, StepStatus.UNDONE}
        over = before.lease_owner is not None and not leased
        return [Rare.LEASE_TAKEN_OVER] * over + [Rare.PREPARED_FOUND] * done
    if before.is_terminal:
        return [Rare.LATE_FOR_THE_END]
    if request.event_id is not None and request.event_id == before.cause_event_id:
        return [Rare.EVENTS_REPUBLISHED] * (before.step_since is None)
    if leased:
        return [_busy(request)]
    if request.event_id != before.event_id or request.wait_number == before.wait_number:
        return []
    receives = structlog.contextvars.get_contextvars().get("receiveCount", 1)
    return [Rare.OLD_POLL, Rare.REPOLL] if receives > 1 else [Rare.OLD_POLL]


def _busy(request: ClaimRequest) -> Rare:
    if request.by_person:
        return Rare.PERSON_FINDS_BUSY
    return Rare.WAKE_UP_FINDS_BUSY if request.event_id is None else Rare.BUSY
