"""Many items of a table by their keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from core.adapters.aws.errors import calling

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

BATCH: Final = 100
"""DynamoDB: keys of one BatchGetItem."""

type Item = dict[str, AttributeValueTypeDef]


def read_items(client: DynamoDBClient, table: str, wanted: Sequence[Any]) -> list[Item]:
    """Return the items of these keys that are there, in no order, read consistently.

    Keys have to differ from each other.
    """
    keys = list(wanted)
    found: list[Item] = []
    while keys:
        batch, keys = keys[:BATCH], keys[BATCH:]
        with calling("DynamoDB", f"table {table}"):
            answer = client.batch_get_item(
                RequestItems={table: {"Keys": batch, "ConsistentRead": True}}
            )
        found += answer["Responses"][table]
        unread = answer.get("UnprocessedKeys", {}).get(table)
        keys += list(unread["Keys"]) if unread else []
    return found
