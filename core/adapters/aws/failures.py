"""The failed attempts that lie beside their operation in the operations table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Final

from core.adapters.aws import operation_items as items
from core.adapters.aws.errors import calling
from core.domain.operation import AttemptFailure

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PREFIX: Final = "FAILURE#"
READERS: Final = 8
"""Questions at once: each takes as long as its way to AWS and back."""


class DynamoFailures:
    """See core.ports.dead_letters.Failures."""

    def __init__(self, *, client: DynamoDBClient, table_name: str) -> None:
        self._client = client
        self._table = table_name

    def of_operation(self, operation_id: str) -> Sequence[AttemptFailure]:
        """Return the failed attempts of an operation, oldest first: the keys begin with when."""
        with calling("DynamoDB", f"operation {operation_id}"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="PK = :pk AND begins_with(SK, :prefix)",
                ExpressionAttributeValues={
                    ":pk": {"S": items.operation_pk(operation_id)},
                    ":prefix": {"S": PREFIX},
                },
            )
            return [_failure(operation_id, item) for page in pages for item in page["Items"]]

    def of_operations(
        self, operation_ids: Collection[str]
    ) -> Mapping[str, Sequence[AttemptFailure]]:
        with ThreadPoolExecutor(READERS) as pool:
            found = pool.map(self.of_operation, operation_ids)
            return dict(zip(operation_ids, found, strict=True))


def _failure(operation_id: str, item: items.Item) -> AttemptFailure:
    _, occurred_at, message_id = item["SK"]["S"].split("#", 2)
    return AttemptFailure(
        message_id=message_id,
        operation_id=operation_id,
        step=item["step"]["S"] or None,
        attempt=int(item["attempt"]["N"]),
        exception_type=item["exceptionType"]["S"],
        message=item["message"]["S"],
        stack_digest=item["stack"]["S"] if "stack" in item else "",
        occurred_at=datetime.fromisoformat(occurred_at),
    )
