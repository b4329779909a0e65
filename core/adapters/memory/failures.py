"""Twin of the recorded failed attempts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from core.adapters.memory.operations import MemoryOperationStore
from core.domain.operation import AttemptFailure


class MemoryFailures:
    """See core.ports.dead_letters.Failures."""

    def __init__(self, store: MemoryOperationStore) -> None:
        self._store = store

    def of_operation(self, operation_id: str) -> Sequence[AttemptFailure]:
        mine = [f for f in self._store.failures if f.operation_id == operation_id]
        return sorted(mine, key=lambda failure: failure.occurred_at)

    def of_operations(
        self, operation_ids: Collection[str]
    ) -> Mapping[str, Sequence[AttemptFailure]]:
        return {one: self.of_operation(one) for one in operation_ids}
