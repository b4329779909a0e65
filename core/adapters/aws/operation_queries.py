"""Looking operations up: what is due, what is recent, what concerns a site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.adapters.aws import operation_items as items
from core.adapters.aws.batch_reads import read_items
from core.adapters.aws.conditional import Refusal, conditionally
from core.adapters.aws.errors import calling
from core.domain.operation import Operation

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, UniversalAttributeValueTypeDef


class OperationQueries:
    """Reads over the indexes, which hold keys only: the items are fetched by key."""

    def __init__(self, *, client: DynamoDBClient, table_name: str) -> None:
        self._client = client
        self._table = table_name

    def get(self, operation_id: str) -> Operation | None:
        with calling("DynamoDB", f"operation {operation_id}"):
            answer = self._client.get_item(
                TableName=self._table, Key=self._key(operation_id), ConsistentRead=True
            )
        return items.operation_of(answer["Item"]) if "Item" in answer else None

    def get_many(self, operation_ids: Sequence[str]) -> Mapping[str, Operation]:
        found = self.read_items([self._key(one) for one in dict.fromkeys(operation_ids)])
        return {operation.operation_id: operation for operation in map(items.operation_of, found)}

    def due(self, now: datetime, limit: int) -> Sequence[Operation]:
        with calling("DynamoDB", f"index due of {self._table}"):
            answer = self._client.query(
                TableName=self._table,
                IndexName="due",
                KeyConditionExpression="dueShard = :shard AND dueAt <= :now",
                ExpressionAttributeValues={
                    ":shard": {"S": items.DUE_SHARD},
                    ":now": {"S": items.when(now)},
                },
                Limit=limit,
            )
        found = [o for o in self._read_all(answer["Items"]) if o.due_at and o.due_at <= now]
        return sorted(found, key=lambda o: o.due_at or now)

    def re_arm(self, operation: Operation, due_at: datetime | None) -> bool:
        values: dict[str, UniversalAttributeValueTypeDef] = {
            ":fence": {"N": str(operation.fence)},
            ":due": {"S": items.DUE_SHARD},
            ":seen": {"S": items.when(operation.due_at or operation.updated_at)},
        }
        if due_at is None:
            update = "SET dueShard = :standing"
            values[":standing"] = {"S": items.STANDING_SHARD}
        else:
            update = "SET dueAt = :next"
            values[":next"] = {"S": items.when(due_at)}
        answer = conditionally(
            f"operation {operation.operation_id}",
            lambda: self._client.update_item(
                TableName=self._table,
                Key=self._key(operation.operation_id),
                ConditionExpression="fence = :fence AND dueAt = :seen AND dueShard = :due",
                UpdateExpression=update,
                ExpressionAttributeValues=values,
            ),
        )
        return not isinstance(answer, Refusal)

    def standing(self) -> Sequence[Operation]:
        entries: list[dict[str, AttributeValueTypeDef]] = []
        with calling("DynamoDB", f"index due of {self._table}"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                IndexName="due",
                KeyConditionExpression="dueShard = :shard",
                ExpressionAttributeValues={":shard": {"S": items.STANDING_SHARD}},
            )
            for page in pages:
                entries += page["Items"]
        found = [operation for operation in self._read_all(entries) if operation.stands]
        return sorted(found, key=lambda o: o.updated_at)

    def recent(self, *, day: str, limit: int) -> Sequence[Operation]:
        return self._newest("recent", "createdDay", day, limit)

    def of_site(self, tenant_id: str, site_id: str, *, limit: int) -> Sequence[Operation]:
        return self._newest("site", "siteRef", f"{tenant_id}#{site_id}", limit)

    def note_resource(self, resource: str, operation_id: str) -> None:
        with calling("DynamoDB", f"resource {resource}"):
            self._client.put_item(
                TableName=self._table,
                Item={**_resource_key(resource), "operationId": {"S": operation_id}},
            )

    def operation_of_resource(self, resource: str) -> str | None:
        with calling("DynamoDB", f"resource {resource}"):
            answer = self._client.get_item(TableName=self._table, Key=_resource_key(resource))
        return answer["Item"]["operationId"]["S"] if "Item" in answer else None

    def _newest(self, index: str, name: str, value: str, limit: int) -> Sequence[Operation]:
        with calling("DynamoDB", f"index {index} of {self._table}"):
            answer = self._client.query(
                TableName=self._table,
                IndexName=index,
                KeyConditionExpression=f"{name} = :value",
                ExpressionAttributeValues={":value": {"S": value}},
                ScanIndexForward=False,
                Limit=limit,
            )
        found = self._read_all(answer["Items"])
        return sorted(found, key=lambda o: o.created_at, reverse=True)

    def _read_all(self, entries: Sequence[dict[str, AttributeValueTypeDef]]) -> list[Operation]:
        keys = [{"PK": entry["PK"], "SK": entry["SK"]} for entry in entries]
        return [items.operation_of(item) for item in self.read_items(keys)]

    def read_items(self, wanted: Sequence[Any]) -> Sequence[items.Item]:
        """Return the items of these keys that are there, in no order, read consistently."""
        return read_items(self._client, self._table, wanted)

    def _key(self, operation_id: str) -> dict[str, UniversalAttributeValueTypeDef]:
        return {"PK": {"S": items.operation_pk(operation_id)}, "SK": {"S": items.OPERATION_SK}}


def _resource_key(resource: str) -> dict[str, UniversalAttributeValueTypeDef]:
    return {"PK": {"S": f"RESOURCE#{resource}"}, "SK": {"S": items.OPERATION_SK}}
