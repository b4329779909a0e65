"""Operations as they stand, and as the messages before this one will leave them.

A forecast of many messages reads each operation once, and looks at the later ones through what the
earlier ones will have done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from core.domain.operation import Operation
from core.engine.remembered import remember, remembered
from core.ports.operation_store import OperationStore, SiteKey


class Foresight:
    """A view of the operation store that is never written to: reads are kept, guesses overlaid."""

    def __init__(self, store: OperationStore) -> None:
        self._store = store
        self._reads = remembered(store)
        self._read: dict[str, Operation | None] = {}
        self._foreseen: dict[str, Operation] = {}

    def prefetch(self, operation_ids: Iterable[str]) -> None:
        """Read many operations at once."""
        wanted = [one for one in dict.fromkeys(operation_ids) if one not in self._read]
        found: Mapping[str, Operation] = self._store.get_many(wanted) if wanted else {}
        self._read |= {one: found.get(one) for one in wanted}

    def prefetch_queues(self, sites: Collection[SiteKey]) -> None:
        """Read who has many sites, and who waits for them, at once."""
        remember(self._reads, "queue_of", self._store.queues_of(sites))

    def foresee(self, operation: Operation) -> None:
        """Let later messages find the operation as this one will leave it."""
        self._foreseen[operation.operation_id] = operation

    def get(self, operation_id: str) -> Operation | None:
        """Return the operation; see OperationStore.get."""
        if operation_id in self._foreseen:
            return self._foreseen[operation_id]
        self.prefetch([operation_id])
        return self._read[operation_id]

    def of_site(self, tenant_id: str, site_id: str, *, limit: int) -> Sequence[Operation]:
        """Return the newest operations of a site, those to come first."""
        site = (tenant_id, site_id)
        coming = [o for o in self._foreseen.values() if (o.tenant_id, o.site_id) == site]
        known = {operation.operation_id for operation in coming}
        stored = self._reads.of_site(tenant_id, site_id, limit=limit)
        return [*reversed(coming), *(o for o in stored if o.operation_id not in known)][:limit]

    def as_store(self) -> OperationStore:
        """Return this view where a store is asked for; what it does not overlay is read through.

        The rules at the door write nothing; a write through this view is a mistake and raises.
        """
        return cast("OperationStore", _View(self, self._reads))


class _View:
    _READS = frozenset({"history", "queue_of", "line_of", "lock_holder", "announced_of"})

    def __init__(self, foresight: Foresight, store: OperationStore) -> None:
        self.get = foresight.get
        self.of_site = foresight.of_site
        self._store = store

    def __getattr__(self, name: str) -> Any:
        if name not in self._READS:
            raise AttributeError(f"A forecast must not call {name} of the operation store.")
        return getattr(self._store, name)


def moved_on(operation: Operation) -> Operation:
    """Return a stand-in for the operation once its step has run: no earlier message fits it."""
    return replace(
        operation,
        fence=operation.fence + 1,
        attempt=operation.attempt + 1_000,
        head=replace(operation.head, attempt=operation.head.attempt + 1_000),
        cause_event_id=operation.event_id,
        step_since=operation.updated_at,
        wait_number=0,
        stalled_since=None,
    )
