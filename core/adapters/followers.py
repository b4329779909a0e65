"""Operations that an operation leaves behind: accepted like any other, begun by the sweeper."""

from __future__ import annotations

from core.domain.errors import SitefleetError
from core.domain.operation import Operation
from core.ports.operation_store import OperationStore


class StoredFollowers:
    """The operation store's accept: the same operation again is fine, another one is not."""

    def __init__(self, store: OperationStore) -> None:
        self._store = store

    def start_later(self, operation: Operation, request_body: str) -> None:
        accepted = self._store.accept(operation, request_body)
        if accepted.operation.request_hash != operation.request_hash:
            raise SitefleetError(
                f"Operation {operation.operation_id} exists already with another request; "
                "an operation's followers need ids of their own."
            )
