"""The operations table on DynamoDB: accept, claim, prepare, commit.

Each step costs one claim (UpdateItem), one read (Query), one prepared step (PutItem) and one
commit (UpdateItem). Only the terminal commit is a transaction, because a transaction bills every
item twice; benchmarks/step_cost.py counts both.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.adapters.aws import operation_items as items
from core.adapters.aws.conditional import Refusal, conditionally, names_in
from core.adapters.aws.errors import calling
from core.adapters.aws.operation_endings import (
    NOT_TERMINAL,
    TERMINAL_VALUES,
    OperationEndings,
    stored_form,
)
from core.domain.errors import CancelRequestedError, LostClaimError, NotFoundError, TransientError
from core.domain.operation import AttemptFailure, Operation, StepRecord, Turn
from core.ports.operation_store import Accepted, ClaimAnswer, ClaimRequest, Committed, History
from events.vocabulary import OperationStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

type Values = dict[str, "UniversalAttributeValueTypeDef"]


class DynamoOperations(OperationEndings):
    """See core.ports.operation_store.OperationStore."""

    def __init__(self, *, client: DynamoDBClient, table_name: str) -> None:
        super().__init__(client=client, table_name=table_name)

    def accept(
        self, operation: Operation, request_body: str, *, most_running: int | None = None
    ) -> Accepted:
        request: Any = {
            "Put": {
                "TableName": self._table,
                "Item": {
                    "PK": {"S": items.operation_pk(operation.operation_id)},
                    "SK": {"S": items.REQUEST_SK},
                    "body": {"S": request_body},
                },
            }
        }
        if most_running is None:
            refused = isinstance(self.put_new(operation, [request]), Refusal)
            stored = None if refused else operation
        else:
            stored = self.accept_in_turn(operation, request, most_running)
        if stored is not None:
            return Accepted(operation=stored, created=True)
        existing = self.get(operation.operation_id)
        if existing is None:
            raise TransientError(f"Operation {operation.operation_id} came and went; try again.")
        return Accepted(
            operation=existing, created=_as_accepted(existing) == _as_accepted(operation)
        )

    def claim(self, request: ClaimRequest) -> ClaimAnswer:
        """Take the lease by one conditional write, drawn here as a time line.

        lease     |--- another's: refused ---| free or mine: granted -->
        message   its event and poll number are the item's; an older one comes too late
        status    not terminal; ROLLBACK_FAILED only for a person
        turn      not waiting in the tenant's line
        """
        condition, update, values = _claim_expressions(request)
        answer = conditionally(
            f"operation {request.operation_id}",
            lambda: self._client.update_item(
                TableName=self._table,
                Key=self._key(request.operation_id),
                ConditionExpression=condition,
                UpdateExpression=update,
                ExpressionAttributeNames=names_in(condition, update),
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            ),
        )
        if isinstance(answer, Refusal):
            operation = items.operation_of(answer.item) if answer.item else None
            return ClaimAnswer(granted=False, operation=operation)
        return ClaimAnswer(granted=True, operation=items.operation_of(answer["Attributes"]))

    def history(self, operation_id: str) -> History:
        with calling("DynamoDB", f"operation {operation_id}"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="PK = :pk AND SK >= :first",
                ExpressionAttributeValues={
                    ":pk": {"S": items.operation_pk(operation_id)},
                    ":first": {"S": items.REQUEST_SK},
                },
                ConsistentRead=True,
            )
            found = [item for page in pages for item in page["Items"]]
        if not found or found[0]["SK"]["S"] != items.REQUEST_SK:
            raise NotFoundError(f"There is no operation {operation_id}.")
        steps = tuple(items.step_of(item) for item in found[1:])
        return History(request_body=found[0]["body"]["S"], steps=steps)

    def prepare(self, record: StepRecord) -> None:
        with calling("DynamoDB", f"operation {record.operation_id}"):
            self._client.put_item(TableName=self._table, Item=items.step_item(record))

    def commit(self, operation: Operation) -> Committed:
        if operation.is_terminal or operation.gives_turn_back:
            answer: object = self.end(operation)
        else:
            update = self.move(operation)
            answer = conditionally(
                f"operation {operation.operation_id}", lambda: self._client.update_item(**update)
            )
        if isinstance(answer, Refusal):
            _explain(answer, stored_form(operation))
        return answer if isinstance(answer, Committed) else Committed()

    def record_failure(self, failure: AttemptFailure) -> None:
        about = failure.operation_id or "unknown"
        sk = f"FAILURE#{items.when(failure.occurred_at)}#{failure.message_id}"
        with calling("DynamoDB", f"operation {about}"):
            self._client.put_item(
                TableName=self._table,
                Item={
                    "PK": {"S": items.operation_pk(about)},
                    "SK": {"S": sk},
                    "step": {"S": failure.step or ""},
                    "attempt": {"N": str(failure.attempt)},
                    "exceptionType": {"S": failure.exception_type},
                    "message": {"S": failure.message},
                    "stack": {"S": failure.stack_digest},
                },
            )

    def request_cancel(self, operation_id: str, reason: str, now: datetime) -> Operation | None:
        condition = f"attribute_exists(PK) AND #cancel = :no AND {NOT_TERMINAL}"
        update = "SET #cancel = :yes, #cancelWhy = :why, #cancelAt = :now"
        values: Values = {
            ":no": {"BOOL": False},
            ":yes": {"BOOL": True},
            ":why": {"S": reason},
            ":now": {"S": items.when(now)},
            **TERMINAL_VALUES,
        }
        answer = conditionally(
            f"operation {operation_id}",
            lambda: self._client.update_item(
                TableName=self._table,
                Key=self._key(operation_id),
                ConditionExpression=condition,
                UpdateExpression=update,
                ExpressionAttributeNames=names_in(condition, update),
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            ),
        )
        if isinstance(answer, Refusal):
            return items.operation_of(answer.item) if answer.item else None
        return items.operation_of(answer["Attributes"])


# --- inside ---------------------------------------------------------------------------------


def _claim_expressions(request: ClaimRequest) -> tuple[str, str, Values]:
    values: Values = {
        ":now": {"S": items.when(request.now)},
        ":owner": {"S": request.owner},
        ":leaseTo": {"S": items.when(request.lease_until)},
        ":one": {"N": "1"},
        ":inLine": {"S": Turn.WAITING},
        **TERMINAL_VALUES,
    }
    standing = "#eventId = :eventId AND #waitNo = :waitNo"
    if request.event_id is None:
        standing = "#waitNo >= :one" + (" AND #step = :step" if request.step else "")
        values |= {":step": {"S": request.step}} if request.step else {}
    else:
        values |= {":eventId": {"S": request.event_id}, ":waitNo": {"N": str(request.wait_number)}}
    condition = (
        f"attribute_exists(PK) AND {standing} AND {NOT_TERMINAL} AND "
        "(attribute_not_exists(#leaseTo) OR #leaseTo <= :now OR #owner = :owner) AND "
        "(attribute_not_exists(#turn) OR #turn <> :inLine)"
    )
    update = "SET #fence = #fence + :one, #owner = :owner, #leaseTo = :leaseTo, #since = "
    if request.by_person:
        values[":due"] = {"S": items.DUE_SHARD}
        anew = f"{update}:now, #dueAt = :leaseTo, #dueShard = :due REMOVE #stalled"
        return condition, anew, values
    values[":gaveUp"] = {"S": OperationStatus.ROLLBACK_FAILED}
    return f"{condition} AND #status <> :gaveUp", f"{update}if_not_exists(#since, :now)", values


def _explain(refusal: Refusal, operation: Operation) -> None:
    """Tell a repeated write from a lost claim, and both from a cancel that came meanwhile."""
    stored = items.operation_of(refusal.item) if refusal.item else None
    if stored is not None and _same(stored, operation):
        return
    if stored is not None and stored.fence == operation.fence and stored.lease_owner is not None:
        raise CancelRequestedError(stored.cancel_reason or "")
    raise LostClaimError(f"Another worker has taken operation {operation.operation_id} over.")


def _as_accepted(operation: Operation) -> items.NewItem:
    """Leave out what a turn changes about an operation that nobody has claimed."""
    return items.created_item(replace(operation, turn=None, due_at=None))


def _same(stored: Operation, operation: Operation) -> bool:
    return stored.fence == operation.fence and items.moving_attributes(
        stored
    ) == items.moving_attributes(operation)
