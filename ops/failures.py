"""The attempts that broke: what stands behind "2 failed attempts" and a stalled operation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from core.adapters.aws.errors import calling
from core.adapters.aws.operation_items import operation_pk
from core.domain.operation import AttemptFailure
from events.formats import format_timestamp
from ops.wording import moment, one_line, table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PREFIX: Final = "FAILURE#"


def read_failures(
    client: DynamoDBClient, table_name: str, operation_id: str
) -> list[AttemptFailure]:
    """Return the failed attempts of an operation, oldest first."""
    with calling("DynamoDB", f"operation {operation_id}"):
        pages = client.get_paginator("query").paginate(
            TableName=table_name,
            KeyConditionExpression="PK = :pk AND begins_with(SK, :prefix)",
            ExpressionAttributeValues={
                ":pk": {"S": operation_pk(operation_id)},
                ":prefix": {"S": PREFIX},
            },
        )
        return [_failure(operation_id, item) for page in pages for item in page["Items"]]


def failure_lines(failures: Sequence[AttemptFailure]) -> list[str]:
    """Return a table for people; nothing when every attempt succeeded."""
    if not failures:
        return []
    rows = [
        (
            moment(failure.occurred_at),
            failure.step or "-",
            str(failure.attempt + 1),
            one_line(f"{failure.exception_type}: {failure.message}"),
        )
        for failure in failures
    ]
    return ["", *table(("FAILED AT", "STEP", "ATTEMPT", "WHY"), rows)]


def failure_documents(failures: Sequence[AttemptFailure]) -> list[dict[str, Any]]:
    """Return the same for programs."""
    return [
        {
            "occurredAt": format_timestamp(failure.occurred_at),
            "step": failure.step,
            "attempt": failure.attempt + 1,
            "exceptionType": failure.exception_type,
            "message": failure.message,
        }
        for failure in failures
    ]


def _failure(operation_id: str, item: Any) -> AttemptFailure:
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
