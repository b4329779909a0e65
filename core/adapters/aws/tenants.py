"""The platform's tenants table on DynamoDB, which the fleet only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.adapters.aws.errors import calling
from core.ports.sites import Tenant

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoTenants:
    """Reads `TENANT#<tenantId>` / `METADATA`, as the seeds' tenant schema describes it."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._client = client
        self._table = table_name

    def get(self, tenant_id: str) -> Tenant | None:
        """A record without a tier is a basic one; without `active`, an active one (the schema)."""
        with calling("DynamoDB", self._table):
            answer = self._client.get_item(
                TableName=self._table,
                Key={"PK": {"S": f"TENANT#{tenant_id}"}, "SK": {"S": "METADATA"}},
                ConsistentRead=True,
            )
        item = answer.get("Item")
        if item is None:
            return None
        return Tenant(
            tenant_id=tenant_id,
            status=item.get("status", {}).get("S", "UNVALIDATED"),
            tier=item.get("tier", {}).get("S", "basic").lower(),
            active=item.get("active", {}).get("BOOL", True),
            email=item.get("email", {}).get("S") or None,
            organization_name=item.get("organizationName", {}).get("S") or None,
        )
