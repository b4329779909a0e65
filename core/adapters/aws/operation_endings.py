"""The last write of an operation: one transaction with its site's lock and its tenant's turn.

Nobody waits as a rule, and lock and turns say so: then nobody has to be looked for. Where somebody
waits, the lock goes to the first waiter that can still use it, in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from core.adapters.aws import operation_items as items
from core.adapters.aws.conditional import Refusal, conditionally, names_in
from core.adapters.aws.operation_locks import lock_key, named
from core.adapters.aws.operation_turns import OperationTurns
from core.domain.errors import TransientError
from core.domain.operation import Operation
from core.ports.operation_store import Committed
from events.vocabulary import TERMINAL_STATUSES, Phase

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

type Values = dict[str, "UniversalAttributeValueTypeDef"]

TERMINAL_VALUES: Final[Values] = {
    f":terminal{number}": {"S": status} for number, status in enumerate(sorted(TERMINAL_STATUSES))
}
NOT_TERMINAL: Final = f"NOT #status IN ({', '.join(TERMINAL_VALUES)})"
MINE: Final = "holder = :me"
NOBODY_WAITS: Final = "attribute_not_exists(waiting)"
OWN_CHECK: Final = 0
"""Position of the operation itself in the transaction; its lock and its turn come after it."""
MOST_TRIES: Final = 25
"""Each try finds a waiter that has left meanwhile, or somebody who has just come."""


@dataclass(frozen=True, kw_only=True)
class LockEnd:
    """What becomes of the lock, and who gets it."""

    writes: tuple[Any, ...] = ()
    next_holder: str | None = None


class OperationEndings(OperationTurns):
    """Endings, and whatever else gives a turn back."""

    def move(self, operation: Operation) -> dict[str, Any]:
        """Return the write that moves an operation to this state; a last one sees its lock."""
        attributes = items.moving_attributes(operation)
        kept = {name: value for name, value in attributes.items() if value is not None}
        removed = [name for name, value in attributes.items() if value is None]
        update = "SET " + ", ".join(f"#{name} = :{name}" for name in kept)
        if removed:
            update += " REMOVE " + ", ".join(f"#{name}" for name in removed)
        values: Values = {
            **{f":{name}": value for name, value in kept.items()},
            ":fence": {"N": str(operation.fence)},
            ":cancel": {"BOOL": operation.cancel_requested},
        }
        condition = "#fence = :fence AND attribute_exists(#owner) AND #cancel = :cancel"
        if operation.is_terminal:
            condition += " AND #lockHeld = :lockHeld"
            values[":lockHeld"] = {"BOOL": operation.lock_held}
        return {
            "TableName": self._table,
            "Key": self._key(operation.operation_id),
            "ConditionExpression": condition,
            "UpdateExpression": update,
            "ExpressionAttributeNames": names_in(condition, update),
            "ExpressionAttributeValues": values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def end(self, operation: Operation) -> Committed | Refusal:
        """Write the state; what it holds is set free, or handed over, in the same transaction."""
        move = {"Update": self.move(stored_form(operation))}
        holds = operation.lock_held and operation.is_terminal
        lock = self._give_back(operation, NOBODY_WAITS) if holds else LockEnd()
        quiet = True
        for _ in range(MOST_TRIES):
            turns = self._turn_end(operation, quiet=quiet)
            answer = self._write(operation, [move, *lock.writes, *turns])
            if not isinstance(answer, Refusal):
                return Committed(next_holder=lock.next_holder, line_waits=not quiet)
            if OWN_CHECK in answer.failed:
                took = _took_lock(answer, operation)
                return self.end(replace(operation, lock_held=True)) if took else answer
            if turns and 1 + len(lock.writes) in answer.failed:
                quiet = False
            if holds:
                lock = self._hand_over(operation)
        raise TransientError(f"The waiters of site {operation.site_id} change all the time.")

    def _write(self, operation: Operation, writes: list[Any]) -> object:
        return conditionally(
            f"operation {operation.operation_id}",
            lambda: self._client.transact_write_items(TransactItems=writes),
        )

    def _turn_end(self, operation: Operation, *, quiet: bool) -> list[Any]:
        if not operation.gives_turn_back:
            return []
        return [self.give_turn_back(operation, quiet=quiet)]

    def _give_back(self, operation: Operation, condition: str, **values: Any) -> LockEnd:
        delete = {
            "TableName": self._table,
            "Key": lock_key(operation),
            "ConditionExpression": f"{MINE} AND {condition}",
            "ExpressionAttributeValues": {":me": {"S": operation.operation_id}, **values},
        }
        return LockEnd(writes=({"Delete": delete},))

    def _hand_over(self, operation: Operation) -> LockEnd:
        """Return how the lock goes to the first who can use it, as the line stands now."""
        pk = items.site_pk(operation.tenant_id, operation.site_id)
        lock, waiters = self.read_line(pk, items.LOCK_SK)
        if lock is None or lock["holder"]["S"] != operation.operation_id:
            return LockEnd()
        for waiter in waiters:
            following = self.get(waiter["operationId"]["S"])
            if following is not None and _can_use(following, operation):
                return self._give_to(following, waiter, operation)
            self.forget(waiter)
        if "arrivals" in lock:
            return self._give_back(operation, "arrivals = :seen", **{":seen": lock["arrivals"]})
        return self._give_back(operation, "attribute_not_exists(arrivals)")

    def _give_to(self, following: Operation, waiter: items.Item, operation: Operation) -> LockEnd:
        """The fence rises, so that a look of the waiter's that is under way is repeated."""
        now = {"S": items.when(operation.updated_at)}
        lock = {
            "TableName": self._table,
            "Key": lock_key(operation),
            "ConditionExpression": MINE,
            "UpdateExpression": "SET holder = :next, since = :now, opType = :type",
            "ExpressionAttributeValues": {
                ":me": {"S": operation.operation_id},
                ":next": {"S": following.operation_id},
                ":now": now,
                ":type": named(following)["opType"],
            },
        }
        told = {
            "TableName": self._table,
            "Key": self._key(following.operation_id),
            "ConditionExpression": f"phase = :forward AND cancel = :no AND {NOT_TERMINAL}",
            "UpdateExpression": "SET lockHeld = :yes, fence = fence + :one, dueAt = :now, "
            "dueShard = :due REMOVE #owner, leaseTo, stalled",
            "ExpressionAttributeNames": {"#status": "status", "#owner": "owner"},
            "ExpressionAttributeValues": {
                ":forward": {"S": Phase.FORWARD},
                ":no": {"BOOL": False},
                ":yes": {"BOOL": True},
                ":one": {"N": "1"},
                ":now": now,
                ":due": {"S": items.DUE_SHARD},
                **TERMINAL_VALUES,
            },
        }
        gone = {"TableName": self._table, "Key": {"PK": waiter["PK"], "SK": waiter["SK"]}}
        return LockEnd(
            writes=({"Update": lock}, {"Update": told}, {"Delete": gone}),
            next_holder=following.operation_id,
        )


def stored_form(operation: Operation) -> Operation:
    """Return the state as it is written: without the turn that it gives back."""
    return operation.without_turn() if operation.gives_turn_back else operation


def _took_lock(refusal: Refusal, operation: Operation) -> bool:
    """Tell whether the step that ends here took the lock, so that its claim had not seen it."""
    stored = items.operation_of(refusal.item) if refusal.item else None
    unseen = stored is not None and stored.lock_held and not operation.lock_held
    return unseen and stored is not None and not stored.is_terminal


def _can_use(waiter: Operation, holder: Operation) -> bool:
    """Tell whether a waiter still goes forward; who turns back needs no lock."""
    ended = waiter.is_terminal or waiter.cancel_requested
    itself = waiter.operation_id == holder.operation_id
    return not ended and not itself and waiter.phase is Phase.FORWARD
