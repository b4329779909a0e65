"""The lock of a site: one operation at a time, waiters in order of arrival.

Where somebody waits, the lock has a holder: a waiter is stored in one transaction with the lock
that it waits behind, and a lock that somebody waits for is handed over, never deleted
(core/adapters/aws/operation_endings.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from core.adapters.aws import operation_items as items
from core.adapters.aws.conditional import Refusal, conditionally
from core.adapters.aws.errors import calling
from core.adapters.aws.operation_announcements import OperationAnnouncements
from core.domain.errors import LostClaimError, TransientError
from core.domain.operation import Operation
from core.ports.operation_store import InLine, SiteKey, SiteQueue
from events.vocabulary import OperationType

WAITER: Final = "WAITER#"
FENCE_CHECK: Final = 1
"""Position of the operation item in the transaction that takes the lock."""


class OperationLocks(OperationAnnouncements):
    """Locks and waiters; the lock is given back by the operation's own last write."""

    def acquire_lock(self, operation: Operation, now: datetime) -> str:
        answer = conditionally(
            f"the lock of site {operation.site_id}",
            lambda: self._client.transact_write_items(
                TransactItems=[{"Update": self._take(operation, now)}, self._note_lock(operation)]
            ),
        )
        if not isinstance(answer, Refusal):
            return operation.operation_id
        if FENCE_CHECK in answer.failed:
            raise LostClaimError(
                f"Another worker has taken operation {operation.operation_id} over."
            )
        holder = self.lock_holder(operation.tenant_id, operation.site_id)
        if holder is None:
            raise TransientError(f"The lock of site {operation.site_id} has just become free.")
        return holder

    def enqueue_waiter(self, operation: Operation, *, behind: str, since: datetime) -> bool:
        answer = conditionally(
            f"the waiters of site {operation.site_id}",
            lambda: self._client.transact_write_items(
                TransactItems=[
                    {
                        "Update": {
                            "TableName": self._table,
                            "Key": lock_key(operation),
                            "ConditionExpression": "holder = :holder",
                            "UpdateExpression": "SET waiting = :yes ADD arrivals :one",
                            "ExpressionAttributeValues": {
                                ":holder": {"S": behind},
                                ":yes": {"BOOL": True},
                                ":one": {"N": "1"},
                            },
                        }
                    },
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": {
                                "PK": {"S": _pk(operation)},
                                "SK": {"S": waiter_sk(since, operation.operation_id)},
                                **named(operation),
                            },
                        }
                    },
                ]
            ),
        )
        return not isinstance(answer, Refusal)

    def leave_queue(self, operation: Operation) -> None:
        _lock, waiters = self.read_line(_pk(operation), items.LOCK_SK)
        for waiter in waiters:
            if waiter["operationId"]["S"] == operation.operation_id:
                self.forget(waiter)

    def queue_of(self, tenant_id: str, site_id: str) -> SiteQueue:
        return self._queue(items.site_pk(tenant_id, site_id))

    def queues_of(self, sites: Collection[SiteKey]) -> Mapping[SiteKey, SiteQueue]:
        """Return the locks at once, waiters where anybody came to wait."""
        partitions = {items.site_pk(*site): site for site in sites}
        locks = self.read_items(
            [{"PK": {"S": pk}, "SK": {"S": items.LOCK_SK}} for pk in partitions]
        )
        queues = dict.fromkeys(sites, SiteQueue(holder=None))
        for lock in locks:
            pk = lock["PK"]["S"]
            waits = "waiting" in lock
            queues[partitions[pk]] = self._queue(pk) if waits else SiteQueue(holder=_holder(lock))
        return queues

    def lock_holder(self, tenant_id: str, site_id: str) -> str | None:
        pk = items.site_pk(tenant_id, site_id)
        with calling("DynamoDB", f"the lock of site {site_id}"):
            answer = self._client.get_item(
                TableName=self._table,
                Key={"PK": {"S": pk}, "SK": {"S": items.LOCK_SK}},
                ConsistentRead=True,
            )
        return answer["Item"]["holder"]["S"] if "Item" in answer else None

    def read_line(
        self, pk: str, head_sk: str, *, most: int | None = None
    ) -> tuple[items.Item | None, Sequence[items.Item]]:
        """Return the item at the head of a line and those that wait in it, read consistently.

        The head sorts before the waiters; `most` is how many items are read.
        """
        with calling("DynamoDB", f"the line of {pk}"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="PK = :pk",
                ExpressionAttributeValues={":pk": {"S": pk}},
                ConsistentRead=True,
                PaginationConfig={"MaxItems": most, "PageSize": most} if most else {},
            )
            found = [item for page in pages for item in page["Items"]]
        head = next((item for item in found if item["SK"]["S"] == head_sk), None)
        return head, [item for item in found if item["SK"]["S"].startswith(WAITER)]

    def forget(self, waiter: items.Item) -> None:
        """Delete a waiter's item."""
        with calling("DynamoDB", f"the line of {waiter['PK']['S']}"):
            self._client.delete_item(
                TableName=self._table, Key={"PK": waiter["PK"], "SK": waiter["SK"]}
            )

    def _queue(self, pk: str) -> SiteQueue:
        lock, waiters = self.read_line(pk, items.LOCK_SK)
        return SiteQueue(
            holder=_holder(lock) if lock is not None else None,
            waiters=tuple(in_line(waiter) for waiter in waiters),
        )

    def _take(self, operation: Operation, now: datetime) -> Any:
        """Keep since when the holder has it: it may have been handed over before."""
        return {
            "TableName": self._table,
            "Key": lock_key(operation),
            "ConditionExpression": "attribute_not_exists(holder) OR holder = :me",
            "UpdateExpression": "SET holder = :me, since = if_not_exists(since, :now), "
            "opType = :type",
            "ExpressionAttributeValues": {
                ":me": {"S": operation.operation_id},
                ":now": {"S": items.when(now)},
                ":type": {"S": operation.operation_type},
            },
        }

    def _note_lock(self, operation: Operation) -> Any:
        return {
            "Update": {
                "TableName": self._table,
                "Key": self._key(operation.operation_id),
                "ConditionExpression": "fence = :fence",
                "UpdateExpression": "SET lockHeld = :yes",
                "ExpressionAttributeValues": {
                    ":fence": {"N": str(operation.fence)},
                    ":yes": {"BOOL": True},
                },
            }
        }


def lock_key(operation: Operation) -> dict[str, Any]:
    """Return the key of the lock of the operation's site."""
    return {"PK": {"S": _pk(operation)}, "SK": {"S": items.LOCK_SK}}


def waiter_sk(since: datetime, operation_id: str) -> str:
    """Return a waiter's sort key: those of a line sort by arrival."""
    return f"{WAITER}{items.when(since)}#{operation_id}"


def named(operation: Operation) -> dict[str, Any]:
    """Return which operation waits, and of what kind."""
    return {
        "operationId": {"S": operation.operation_id},
        "opType": {"S": operation.operation_type},
    }


def in_line(waiter: items.Item) -> InLine:
    """Read a waiter's item; its arrival is part of its key."""
    since = waiter["SK"]["S"].removeprefix(WAITER).partition("#")[0]
    return InLine(
        operation_id=waiter["operationId"]["S"],
        operation_type=_type(waiter),
        since=datetime.fromisoformat(since),
    )


def _holder(lock: items.Item) -> InLine:
    return InLine(
        operation_id=lock["holder"]["S"],
        operation_type=_type(lock),
        since=datetime.fromisoformat(lock["since"]["S"]),
    )


def _type(item: items.Item) -> OperationType | None:
    return OperationType(item["opType"]["S"]) if "opType" in item else None


def _pk(operation: Operation) -> str:
    return items.site_pk(operation.tenant_id, operation.site_id)
