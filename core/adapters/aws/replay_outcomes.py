"""What workers tell about replayed messages, in the operations table: one item per message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from core.adapters.aws.conditional import conditionally
from core.adapters.aws.errors import calling
from core.adapters.aws.operation_items import when
from core.domain.replays import Fate, Told

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PREFIX: Final = "TOLD#"


def replay_pk(replay_id: str) -> str:
    """Return the partition of a replay, its entries and what was told about them."""
    return f"REPLAY#{replay_id}"


class DynamoReplayOutcomes:
    """See core.ports.dead_letters.ReplayOutcomes."""

    def __init__(self, *, client: DynamoDBClient, table_name: str) -> None:
        self._client = client
        self._table = table_name

    def tell(self, told: Told) -> None:
        """Write once: a redelivery finds done what the first delivery did, and says `nothing`."""
        conditionally(
            f"replay {told.replay_id}",
            lambda: self._client.put_item(
                TableName=self._table,
                Item={
                    "PK": {"S": replay_pk(told.replay_id)},
                    "SK": {"S": f"{PREFIX}{told.message_id}"},
                    "fate": {"S": told.fate},
                    "sentence": {"S": told.sentence},
                    "at": {"S": when(told.at)},
                },
                ConditionExpression="attribute_not_exists(PK)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            ),
        )

    def told(self, replay_id: str) -> Sequence[Told]:
        with calling("DynamoDB", f"replay {replay_id}"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="PK = :pk AND begins_with(SK, :prefix)",
                ExpressionAttributeValues={
                    ":pk": {"S": replay_pk(replay_id)},
                    ":prefix": {"S": PREFIX},
                },
                ConsistentRead=True,
            )
            found = [item for page in pages for item in page["Items"]]
        return [
            Told(
                replay_id=replay_id,
                message_id=item["SK"]["S"].removeprefix(PREFIX),
                fate=Fate(item["fate"]["S"]),
                sentence=item["sentence"]["S"],
                at=datetime.fromisoformat(item["at"]["S"]),
            )
            for item in found
        ]
