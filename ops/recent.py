"""The newest operations that match, from the day index or from a site's own."""

from __future__ import annotations

from collections.abc import Callable
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


def recent_operations(store: OperationStore, wanted: Wanted, span: Span) -> list[Operation]:
    """Return what was accepted within the span's days, newest first."""
    found: list[Operation] = []
    for back in range(span.days):
        day = f"{span.newest - timedelta(days=back):%Y-%m-%d}"
        found += [o for o in store.recent(day=day, limit=READ_PER_DAY) if wanted(o)]
        if len(found) >= span.limit:
            break
    return found[: span.limit]


def operations_of_site(
    store: OperationStore, tenant_id: str, site_id: str, wanted: Wanted, limit: int
) -> list[Operation]:
    """Return one site's operations of any age, newest first."""
    found = store.of_site(tenant_id, site_id, limit=READ_PER_DAY)
    return [operation for operation in found if wanted(operation)][:limit]
