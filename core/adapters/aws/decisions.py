"""Approvals and rejections, kept in the operations table beside their operation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from core.adapters.aws import operation_items as items
from core.adapters.aws.conditional import Refusal, conditionally
from core.adapters.aws.errors import calling
from core.domain.approval import Decision

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DECISION: Final = "DECISION#"
"""Sorts before REQUEST: a step's one read does not pay for decisions."""


class DynamoDecisions:
    """The sort key is the proof's digest, so the table itself refuses to count a proof twice."""

    def __init__(self, *, client: DynamoDBClient, table_name: str) -> None:
        self._client = client
        self._table = table_name

    def put(self, decision: Decision) -> Decision:
        answer = conditionally(
            f"a decision about operation {decision.operation_id}",
            lambda: self._client.put_item(
                TableName=self._table,
                Item=decision_item(decision),
                ConditionExpression="attribute_not_exists(PK)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            ),
        )
        if isinstance(answer, Refusal) and answer.item is not None:
            return decision_of(answer.item)
        return decision

    def of(self, operation_id: str) -> Sequence[Decision]:
        with calling("DynamoDB", f"the decisions about operation {operation_id}"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="PK = :pk AND begins_with(SK, :decision)",
                ExpressionAttributeValues={
                    ":pk": {"S": items.operation_pk(operation_id)},
                    ":decision": {"S": DECISION},
                },
                ConsistentRead=True,
            )
            found = [decision_of(item) for page in pages for item in page["Items"]]
        return sorted(found, key=lambda d: (d.decided_at, d.proof_digest))


def decision_item(decision: Decision) -> items.NewItem:
    """Return a decision as it is stored."""
    item: items.NewItem = {
        "PK": {"S": items.operation_pk(decision.operation_id)},
        "SK": {"S": f"{DECISION}{decision.proof_digest}"},
        "plan": {"S": decision.plan_hash},
        "role": {"S": decision.role},
        "person": {"S": decision.person},
        "principal": {"S": decision.principal},
        "approves": {"BOOL": decision.approves},
        "decidedAt": {"S": decision.decided_at.isoformat()},
    }
    if decision.comment is not None:
        item["comment"] = {"S": decision.comment}
    return item


def decision_of(item: items.Item) -> Decision:
    """Read a decision."""
    return Decision(
        operation_id=item["PK"]["S"].removeprefix("OPERATION#"),
        plan_hash=item["plan"]["S"],
        role=item["role"]["S"],
        person=item["person"]["S"],
        principal=item["principal"]["S"],
        approves=item["approves"]["BOOL"],
        comment=item["comment"]["S"] if "comment" in item else None,
        decided_at=datetime.fromisoformat(item["decidedAt"]["S"]),
        proof_digest=item["SK"]["S"].removeprefix(DECISION),
    )
