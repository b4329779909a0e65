"""Locks of sites and turns of tenants, in memory: who acts, and who waits in order of arrival."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.domain.errors import LostClaimError
from core.domain.operation import Operation, Turn
from core.ports.operation_store import InLine, SiteKey, SiteQueue, TenantLine
from events.vocabulary import Phase

type Line = dict[str, datetime]
"""Operation id -> since when it waits."""


@dataclass(kw_only=True)
class MemoryLines:
    """Plain dicts; each method is one transaction of the table's twin."""

    operations: dict[str, Operation] = field(default_factory=dict)
    locks: dict[tuple[str, str], str] = field(default_factory=dict)
    locked_since: dict[tuple[str, str], datetime] = field(default_factory=dict)
    waiters: dict[tuple[str, str], Line] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    """Tenant -> operations that have a turn."""
    lines: dict[str, Line] = field(default_factory=dict)

    # --- locks of sites ---------------------------------------------------------------------

    def acquire_lock(self, operation: Operation, now: datetime) -> str:
        site = _site(operation)
        holder = self.locks.get(site)
        if holder is not None and holder != operation.operation_id:
            return holder
        stored = self.operations[operation.operation_id]
        if stored.fence != operation.fence:
            raise LostClaimError(
                f"Another worker has taken operation {operation.operation_id} over."
            )
        self.locks[site] = operation.operation_id
        self.locked_since.setdefault(site, now)
        self.operations[operation.operation_id] = replace(stored, lock_held=True)
        return operation.operation_id

    def enqueue_waiter(self, operation: Operation, *, behind: str, since: datetime) -> bool:
        site = _site(operation)
        if self.locks.get(site) != behind:
            return False
        self.waiters.setdefault(site, {})[operation.operation_id] = since
        return True

    def leave_queue(self, operation: Operation) -> None:
        self.waiters.get(_site(operation), {}).pop(operation.operation_id, None)

    def queue_of(self, tenant_id: str, site_id: str) -> SiteQueue:
        site = (tenant_id, site_id)
        waiters = self._in_order(self.waiters.get(site, {}))
        holder = self.locks.get(site)
        if holder is None:
            return SiteQueue(holder=None, waiters=waiters)
        return SiteQueue(holder=self._named(holder, self.locked_since[site]), waiters=waiters)

    def queues_of(self, sites: Collection[SiteKey]) -> Mapping[SiteKey, SiteQueue]:
        return {site: self.queue_of(*site) for site in sites}

    def lock_holder(self, tenant_id: str, site_id: str) -> str | None:
        return self.locks.get((tenant_id, site_id))

    def hand_over(self, operation: Operation) -> str | None:
        """Give the lock to the first waiter that can use it, or set it free."""
        site = _site(operation)
        if self.locks.get(site) != operation.operation_id:
            return None
        waiting = self.waiters.get(site, {})
        for name in [n for n in waiting if not _can_use(self.operations[n])]:
            del waiting[name]
        first = min(waiting, key=lambda name: (waiting[name], name), default=None)
        if first is None:
            del self.locks[site], self.locked_since[site]
            return None
        self.locks[site], self.locked_since[site] = first, operation.updated_at
        del waiting[first]
        following = self.operations[first]
        self.operations[first] = replace(
            following,
            lock_held=True,
            fence=following.fence + 1,
            due_at=operation.updated_at,
            lease_owner=None,
            lease_until=None,
            stalled_since=None,
        )
        return first

    # --- turns of tenants -------------------------------------------------------------------

    def in_turn(self, operation: Operation, most: int) -> Operation:
        """Give a new operation a turn, or a place in its tenant's line."""
        running, line = self.running.get(operation.tenant_id, 0), self.lines
        if running < most and operation.tenant_id not in line:
            self.running[operation.tenant_id] = running + 1
            return replace(operation, turn=Turn.TAKEN)
        line.setdefault(operation.tenant_id, {})[operation.operation_id] = operation.created_at
        return replace(operation, turn=Turn.WAITING, due_at=None)

    def give_turn_back(self, operation: Operation) -> bool:
        """Return whether somebody waits for the turn that is free now."""
        self.running[operation.tenant_id] -= 1
        return operation.tenant_id in self.lines

    def start_waiting(
        self, tenant_id: str, *, most_running: int | None, due_at: datetime
    ) -> Operation | None:
        running, line = self.running.get(tenant_id, 0), self.lines.get(tenant_id)
        if line is None or (most_running is not None and running >= most_running):
            return None
        for name in sorted(line, key=lambda name: (line[name], name)):
            del line[name]
            if self.operations[name].turn is Turn.WAITING:
                self.running[tenant_id] = running + 1
                started = replace(self.operations[name], turn=Turn.TAKEN, due_at=due_at)
                self.operations[name] = started
                return started
        del self.lines[tenant_id]
        return None

    def leave_line(self, operation: Operation, due_at: datetime) -> None:
        stored = self.operations[operation.operation_id]
        if stored.turn is Turn.WAITING:
            left = replace(stored, turn=None, due_at=due_at)
            self.operations[operation.operation_id] = left
        self.lines.get(operation.tenant_id, {}).pop(operation.operation_id, None)

    def tenants_in_line(self, limit: int) -> Sequence[str]:
        def since(tenant_id: str) -> list[datetime]:
            return sorted(self.lines[tenant_id].values())[:1]

        return sorted(self.lines, key=since)[:limit]

    def line_of(self, tenant_id: str) -> TenantLine:
        waiting = self._in_order(self.lines.get(tenant_id, {}))
        return TenantLine(running=self.running.get(tenant_id, 0), waiting=waiting)

    # --- inside -----------------------------------------------------------------------------

    def _in_order(self, line: Mapping[str, datetime]) -> tuple[InLine, ...]:
        ordered = sorted(line, key=lambda name: (line[name], name))
        return tuple(self._named(name, line[name]) for name in ordered)

    def _named(self, operation_id: str, since: datetime) -> InLine:
        kind = self.operations[operation_id].operation_type
        return InLine(operation_id=operation_id, operation_type=kind, since=since)


def _site(operation: Operation) -> tuple[str, str]:
    return operation.tenant_id, operation.site_id


def _can_use(operation: Operation) -> bool:
    """Tell whether a waiter still goes forward; who turns back needs no lock."""
    ended = operation.is_terminal or operation.cancel_requested
    return not ended and operation.phase is Phase.FORWARD
