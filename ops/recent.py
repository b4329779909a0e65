"""The newest operations that match, from the day index or from a site's own.

What waits for people is found at any age: it may have stood there longer than anybody looks back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from core.domain.operation import Operation
from core.ports.operation_store import OperationStore

READ_PER_DAY: Final = 500
"""Newest operations of one day, or of one site, that a filtered list looks at."""

type Wanted = Callable[[Operation], bool]


@dataclass(frozen=True, kw_only=True)
class Span:
    """How far back to look, and how many to bring."""

    newest: datetime
    days: int
    limit: int


@dataclass(frozen=True, kw_only=True)
class Found:
    """What matches, newest first."""

    operations: Sequence[Operation]
    cut_days: Sequence[str] = ()
    """Days of which not every operation was looked at: there may be more that match."""

    @property
    def remark(self) -> str | None:
        """Return what a reader of the list has to know beside it."""
        if not self.cut_days:
            return None
        return (
            f"Only the newest {READ_PER_DAY} operations of {', '.join(self.cut_days)} were looked "
            "at. Name --tenant-id and --site-id to see all of one site's."
        )


def recent_operations(store: OperationStore, wanted: Wanted, span: Span) -> Found:
    """Return what was accepted within the span's days, and what stands still of any age."""
    found = {o.operation_id: o for o in store.standing() if wanted(o)}
    recent, cut_days = 0, []
    for back in range(span.days):
        day = f"{span.newest - timedelta(days=back):%Y-%m-%d}"
        read = store.recent(day=day, limit=READ_PER_DAY)
        matching = [operation for operation in read if wanted(operation)]
        found |= {operation.operation_id: operation for operation in matching}
        recent += len(matching)
        if recent >= span.limit:
            break
        cut_days += [day] if len(read) >= READ_PER_DAY else []
    newest_first = sorted(found.values(), key=lambda o: o.created_at, reverse=True)
    return Found(operations=newest_first[: span.limit], cut_days=cut_days)


def operations_of_site(
    store: OperationStore, tenant_id: str, site_id: str, wanted: Wanted, limit: int
) -> Found:
    """Return one site's operations of any age, newest first."""
    found = store.of_site(tenant_id, site_id, limit=READ_PER_DAY)
    return Found(operations=[operation for operation in found if wanted(operation)][:limit])
