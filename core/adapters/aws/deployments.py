"""The platform's table of deployments, in the form that its runbooks write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.adapters.aws.errors import calling

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDeploymentRecords:
    """One item per deployment or rollback; the same record again replaces itself."""

    def __init__(self, *, client: DynamoDBClient, table_name: str) -> None:
        self._client = client
        self._table = table_name

    def put(self, record: Mapping[str, str]) -> None:
        with calling("DynamoDB", f"deployment {record['deployment_id']}"):
            self._client.put_item(
                TableName=self._table,
                Item={name: {"S": value} for name, value in record.items()},
            )
