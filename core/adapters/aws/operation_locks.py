"""The lock of a site: one operation at a time, waiters in order of arrival."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from core.adapters.aws import operation_items as items
from core.adapters.aws.conditional import Refusal, conditionally
from core.adapters.aws.errors import calling
from core.adapters.aws.operation_queries import OperationQueries
from core.domain.errors import LostClaimError, TransientError
from core.domain.operation import Operation

WAITER: Final = "WAITER#"
MINE: Final = "holder = :me"
NO_WAITER: Final = "attribute_not_exists(waiting)"
LOCK_CHECK: Final = 1
"""Position of the lock in the transaction of a last write."""
FENCE_CHECK: Final = 1
"""Position of the operation item in the transaction that takes the lock."""


class OperationLocks(OperationQueries):
    """Locks and waiters; the lock is given back by the operation's own last write."""

    def acquire_lock(self, operation: Operation, now: datetime) -> str:
        answer = conditionally(
            f"the lock of site {operation.site_id}",
            lambda: self._client.transact_write_items(
                TransactItems=[
                    {
                        "Update": {
                            "TableName": self._table,
                            "Key": _lock_key(operation),
                            "ConditionExpression": "attribute_not_exists(holder) OR holder = :me",
                            "UpdateExpression": "SET holder = :me, since = :now",
                            "ExpressionAttributeValues": {
                                ":me": {"S": operation.operation_id},
                                ":now": {"S": items.when(now)},
                            },
                        }
                    },
                    {
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
                    },
                ]
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

    def enqueue_waiter(self, operation: Operation, since: datetime) -> None:
        if self._waiter_key(operation) is not None:
            return
        with calling("DynamoDB", f"the waiters of site {operation.site_id}"):
            self._client.put_item(
                TableName=self._table,
                Item={
                    "PK": {"S": items.site_pk(operation.tenant_id, operation.site_id)},
                    "SK": {"S": f"{WAITER}{items.when(since)}#{operation.operation_id}"},
                    "operationId": {"S": operation.operation_id},
                },
            )
        conditionally(
            f"the lock of site {operation.site_id}",
            lambda: self._client.update_item(
                TableName=self._table,
                Key=_lock_key(operation),
                ConditionExpression="attribute_exists(holder)",
                UpdateExpression="SET waiting = :yes",
                ExpressionAttributeValues={":yes": {"BOOL": True}},
            ),
        )

    def lock_holder(self, tenant_id: str, site_id: str) -> str | None:
        pk = items.site_pk(tenant_id, site_id)
        with calling("DynamoDB", f"the lock of site {site_id}"):
            answer = self._client.get_item(
                TableName=self._table,
                Key={"PK": {"S": pk}, "SK": {"S": items.LOCK_SK}},
                ConsistentRead=True,
            )
        return answer["Item"]["holder"]["S"] if "Item" in answer else None

    def commit_and_hand_over(
        self, operation: Operation, update: dict[str, Any]
    ) -> str | Refusal | None:
        """Write the terminal state and the lock in one transaction; return the next holder.

        Nobody waits as a rule, and the lock says so: then no waiter has to be looked for.
        """
        answer = self._end(operation, update, self._give_back(operation, f"{MINE} AND {NO_WAITER}"))
        if not isinstance(answer, Refusal) or LOCK_CHECK not in answer.failed:
            return answer if isinstance(answer, Refusal) else None
        waiter = self._first_waiter(operation)
        answer = self._end(operation, update, self._hand_over(operation, waiter))
        if isinstance(answer, Refusal) or waiter is None:
            return answer if isinstance(answer, Refusal) else None
        return waiter["operationId"]["S"]

    def _end(self, operation: Operation, update: dict[str, Any], lock: list[Any]) -> object:
        writes: list[Any] = [{"Update": update}, *lock]
        return conditionally(
            f"operation {operation.operation_id}",
            lambda: self._client.transact_write_items(TransactItems=writes),
        )

    def _give_back(self, operation: Operation, condition: str) -> list[Any]:
        return [
            {
                "Delete": {
                    "TableName": self._table,
                    "Key": _lock_key(operation),
                    "ConditionExpression": condition,
                    "ExpressionAttributeValues": {":me": {"S": operation.operation_id}},
                }
            }
        ]

    def _hand_over(self, operation: Operation, waiter: items.Item | None) -> list[Any]:
        if waiter is None:
            return self._give_back(operation, MINE)
        next_id = waiter["operationId"]["S"]
        return [
            {
                "Update": {
                    "TableName": self._table,
                    "Key": _lock_key(operation),
                    "ConditionExpression": MINE,
                    "UpdateExpression": "SET holder = :next",
                    "ExpressionAttributeValues": {
                        ":me": {"S": operation.operation_id},
                        ":next": {"S": next_id},
                    },
                }
            },
            {
                "Update": {
                    "TableName": self._table,
                    "Key": self._key(next_id),
                    "UpdateExpression": "SET lockHeld = :yes",
                    "ExpressionAttributeValues": {":yes": {"BOOL": True}},
                }
            },
            {
                "Delete": {
                    "TableName": self._table,
                    "Key": {"PK": waiter["PK"], "SK": waiter["SK"]},
                }
            },
        ]

    def _first_waiter(self, operation: Operation) -> items.Item | None:
        """Return the first waiter whose operation still runs; forget those that have ended."""
        for waiter in self._waiters(operation):
            answer = self._client.get_item(
                TableName=self._table,
                Key=self._key(waiter["operationId"]["S"]),
                ConsistentRead=True,
            )
            if "Item" in answer and not items.operation_of(answer["Item"]).is_terminal:
                return waiter
            self._client.delete_item(
                TableName=self._table, Key={"PK": waiter["PK"], "SK": waiter["SK"]}
            )
        return None

    def _waiters(self, operation: Operation) -> list[items.Item]:
        with calling("DynamoDB", f"the waiters of site {operation.site_id}"):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="PK = :pk AND begins_with(SK, :waiter)",
                ExpressionAttributeValues={
                    ":pk": {"S": items.site_pk(operation.tenant_id, operation.site_id)},
                    ":waiter": {"S": WAITER},
                },
                ConsistentRead=True,
            )
        return list(answer["Items"])

    def _waiter_key(self, operation: Operation) -> items.Item | None:
        for waiter in self._waiters(operation):
            if waiter["operationId"]["S"] == operation.operation_id:
                return waiter
        return None


def _lock_key(operation: Operation) -> dict[str, Any]:
    pk = items.site_pk(operation.tenant_id, operation.site_id)
    return {"PK": {"S": pk}, "SK": {"S": items.LOCK_SK}}
