"""A tenant's turns: at most so many of its operations run at a time, the others wait in its line.

One item counts what runs. It moves in one transaction with the operation that takes a turn or
gives it back, so that the count is exact whatever crashes. While somebody waits, the item stands
in the due index under a shard of its own, where the sweeper finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from core.adapters.aws import operation_items as items
from core.adapters.aws.conditional import Refusal, conditionally
from core.adapters.aws.errors import calling
from core.adapters.aws.operation_locks import OperationLocks, in_line, named, waiter_sk
from core.domain.errors import TransientError
from core.domain.operation import Operation, Turn
from core.ports.operation_store import TenantLine

TURNS_SK: Final = "TURNS"
LINE_SHARD: Final = "line"
MOST_TRIES: Final = 5
"""Of taking a turn or a place in line while others do the same."""
NOBODY_WAITS: Final = "attribute_not_exists(dueShard)"
TURN_CHECK: Final = 2
"""Position of the tenant's item in the transactions that accept an operation."""
MOST_GONE: Final = 25
"""Cancelled operations that one call clears away; the sweeper's next tick goes on."""
FIRST_CHECK: Final = 1
"""Position of the first in line in the transaction that starts it."""


class OperationTurns(OperationLocks):
    """Turns and lines of tenants."""

    def accept_in_turn(self, operation: Operation, request: Any, most: int) -> Operation | None:
        """Store an operation with a turn or a place in line; None when it is there already."""
        for _ in range(MOST_TRIES):
            with_turn = replace(operation, turn=Turn.TAKEN)
            answer = self.put_new(with_turn, [request, self._take_turn(operation, most)])
            if not isinstance(answer, Refusal):
                return with_turn
            if TURN_CHECK not in answer.failed:
                return None
            waiting = replace(operation, turn=Turn.WAITING, due_at=None)
            answer = self.put_new(waiting, [request, *self._join_line(operation, most)])
            if not isinstance(answer, Refusal):
                return waiting
            if TURN_CHECK not in answer.failed:
                return None
        raise TransientError(f"The turns of tenant {operation.tenant_id} change all the time.")

    def put_new(self, operation: Operation, others: list[Any]) -> object:
        """Store an operation that must not exist, in one transaction with other writes."""
        created: Any = {
            "Put": {
                "TableName": self._table,
                "Item": items.created_item(operation),
                "ConditionExpression": "attribute_not_exists(PK)",
            }
        }
        return conditionally(
            f"operation {operation.operation_id}",
            lambda: self._client.transact_write_items(TransactItems=[created, *others]),
        )

    def start_waiting(
        self, tenant_id: str, *, most_running: int | None, due_at: datetime
    ) -> Operation | None:
        for _ in range(MOST_GONE):
            turns, waiters = self.read_line(items.tenant_pk(tenant_id), TURNS_SK, most=2)
            if turns is None or (most_running is not None and _running(turns) >= most_running):
                return None
            if not waiters:
                self._end_line(tenant_id, turns)
                return None
            first = waiters[0]
            answer = self._start(tenant_id, first, most_running, due_at)
            if not isinstance(answer, Refusal):
                return self.get(first["operationId"]["S"])
            if FIRST_CHECK not in answer.failed:
                return None
            self.forget(first)
        return None

    def leave_line(self, operation: Operation, due_at: datetime) -> None:
        conditionally(
            f"operation {operation.operation_id}",
            lambda: self._client.update_item(**self._let_go(operation.operation_id, due_at, None)),
        )
        with calling("DynamoDB", f"the line of tenant {operation.tenant_id}"):
            self._client.delete_item(TableName=self._table, Key=_waiter_key(operation))

    def tenants_in_line(self, limit: int) -> Sequence[str]:
        with calling("DynamoDB", f"index due of {self._table}"):
            answer = self._client.query(
                TableName=self._table,
                IndexName="due",
                KeyConditionExpression="dueShard = :shard",
                ExpressionAttributeValues={":shard": {"S": LINE_SHARD}},
                Limit=limit,
            )
        return [item["PK"]["S"].removeprefix("TENANT#") for item in answer["Items"]]

    def line_of(self, tenant_id: str) -> TenantLine:
        turns, waiters = self.read_line(items.tenant_pk(tenant_id), TURNS_SK)
        running = _running(turns) if turns is not None else 0
        return TenantLine(running=running, waiting=tuple(in_line(waiter) for waiter in waiters))

    def give_turn_back(self, operation: Operation, *, quiet: bool) -> Any:
        """Return the write that frees a turn; a quiet one is refused when somebody waits."""
        write: dict[str, Any] = {
            "TableName": self._table,
            "Key": _turns_key(operation.tenant_id),
            "UpdateExpression": "ADD running :less",
            "ExpressionAttributeValues": {":less": {"N": "-1"}},
        }
        return {"Update": write | ({"ConditionExpression": NOBODY_WAITS} if quiet else {})}

    # --- inside -----------------------------------------------------------------------------

    def _take_turn(self, operation: Operation, most: int) -> Any:
        return {
            "Update": {
                "TableName": self._table,
                "Key": _turns_key(operation.tenant_id),
                "ConditionExpression": "(attribute_not_exists(running) OR running < :most) AND "
                f"{NOBODY_WAITS}",
                "UpdateExpression": "ADD running :one",
                "ExpressionAttributeValues": {":most": {"N": str(most)}, ":one": {"N": "1"}},
            }
        }

    def _join_line(self, operation: Operation, most: int) -> list[Any]:
        place = {**_waiter_key(operation), **named(operation)}
        turns = {
            "TableName": self._table,
            "Key": _turns_key(operation.tenant_id),
            "ConditionExpression": "running >= :most OR attribute_exists(dueShard)",
            "UpdateExpression": "SET dueShard = :line, dueAt = if_not_exists(dueAt, :since) "
            "ADD arrivals :one",
            "ExpressionAttributeValues": {
                ":most": {"N": str(most)},
                ":line": {"S": LINE_SHARD},
                ":since": {"S": items.when(operation.created_at)},
                ":one": {"N": "1"},
            },
        }
        return [{"Update": turns}, {"Put": {"TableName": self._table, "Item": place}}]

    def _start(
        self, tenant_id: str, waiter: items.Item, most: int | None, due_at: datetime
    ) -> object:
        turns: dict[str, Any] = {
            "TableName": self._table,
            "Key": _turns_key(tenant_id),
            "UpdateExpression": "ADD running :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
        if most is not None:
            turns["ConditionExpression"] = "running < :most"
            turns["ExpressionAttributeValues"][":most"] = {"N": str(most)}
        let_go = self._let_go(waiter["operationId"]["S"], due_at, Turn.TAKEN)
        delete = {"TableName": self._table, "Key": {"PK": waiter["PK"], "SK": waiter["SK"]}}
        writes: list[Any] = [{"Update": turns}, {"Update": let_go}, {"Delete": delete}]
        return conditionally(
            f"the turns of tenant {tenant_id}",
            lambda: self._client.transact_write_items(TransactItems=writes),
        )

    def _let_go(self, operation_id: str, due_at: datetime, turn: Turn | None) -> dict[str, Any]:
        values: dict[str, Any] = {
            ":waiting": {"S": Turn.WAITING},
            ":due": {"S": items.when(due_at)},
            ":shard": {"S": items.DUE_SHARD},
        }
        if turn is not None:
            values[":turn"] = {"S": turn}
        update = "SET dueAt = :due, dueShard = :shard"
        update += " REMOVE turn" if turn is None else ", turn = :turn"
        return {
            "TableName": self._table,
            "Key": self._key(operation_id),
            "ConditionExpression": "turn = :waiting",
            "UpdateExpression": update,
            "ExpressionAttributeValues": values,
        }

    def _end_line(self, tenant_id: str, turns: items.Item) -> None:
        """Take the tenant from the sweeper's list, unless somebody has come since."""
        conditionally(
            f"the turns of tenant {tenant_id}",
            lambda: self._client.update_item(
                TableName=self._table,
                Key=_turns_key(tenant_id),
                ConditionExpression="arrivals = :seen",
                UpdateExpression="REMOVE dueShard, dueAt",
                ExpressionAttributeValues={":seen": turns.get("arrivals", {"N": "0"})},
            ),
        )


def _turns_key(tenant_id: str) -> dict[str, Any]:
    return {"PK": {"S": items.tenant_pk(tenant_id)}, "SK": {"S": TURNS_SK}}


def _waiter_key(operation: Operation) -> dict[str, Any]:
    sk = waiter_sk(operation.created_at, operation.operation_id)
    return {"PK": {"S": items.tenant_pk(operation.tenant_id)}, "SK": {"S": sk}}


def _running(turns: items.Item) -> int:
    return int(turns["running"]["N"]) if "running" in turns else 0
