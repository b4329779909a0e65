"""The places of a tenant's sites: one item per tenant, a set of site ids, changed by one write.

A set and not a counter: taking a place twice takes one, giving it back twice gives one back, and a
worker that dies between two calls leaves nothing to be counted again.

Key: `TENANT#<tenantId>` / `QUOTA` in the `sites` table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.site_items import tenant_key
from core.domain.errors import TransientError
from core.domain.site import Site
from core.domain.tenancy import holders
from core.ports.sites import PlaceClaim

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

REFUSED: Final = "ConditionalCheckFailedException"
_THERE: Final = "attribute_exists(PK)"
_ROOM: Final = (
    f"{_THERE} AND (contains(siteIds, :site) OR attribute_not_exists(siteIds) "
    "OR size(siteIds) < :most)"
)


class QuotaItems:
    """Claims are decided by the condition of the write itself, so two cannot both pass."""

    def __init__(
        self,
        client: DynamoDBClient,
        table_name: str,
        sites_of: Callable[[str], Sequence[Site]],
    ) -> None:
        self._client = client
        self._table = table_name
        self._sites_of = sites_of

    def claim(self, tenant_id: str, site_id: str, most: int) -> PlaceClaim:
        """Take a place; a tenant's first claim writes down the sites that it has already."""
        for _ in range(2):
            stored, granted = self._change(
                tenant_id,
                "ADD siteIds :mine",
                {":mine": {"SS": [site_id]}, ":site": {"S": site_id}, ":most": {"N": str(most)}},
                _ROOM,
            )
            if stored is not None:
                return PlaceClaim(granted=granted, used=len(_site_ids(stored)))
            self._begin(tenant_id)
        raise TransientError(f"The places of tenant {tenant_id} cannot be read yet.")

    def release(self, tenant_id: str, site_id: str) -> None:
        self._change(tenant_id, "DELETE siteIds :mine", {":mine": {"SS": [site_id]}}, _THERE)

    def held(self, tenant_id: str) -> frozenset[str]:
        with calling("DynamoDB", self._table):
            answer = self._client.get_item(
                TableName=self._table, Key=_key(tenant_id), ConsistentRead=True
            )
        item = answer.get("Item")
        return holders(self._sites_of(tenant_id)) if item is None else _site_ids(item)

    def _change(
        self, tenant_id: str, expression: str, values: dict[str, Any], condition: str
    ) -> tuple[Any, bool]:
        """Return the item and whether it was written; None for the item where there is none."""
        with calling("DynamoDB", self._table):
            try:
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=_key(tenant_id),
                    UpdateExpression=expression,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=values,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if code_of(error) != REFUSED:
                    raise
                return error.response.get("Item"), False
        return answer["Attributes"], True

    def _begin(self, tenant_id: str) -> None:
        """Write the first item; whoever comes second finds it."""
        built = holders(self._sites_of(tenant_id))
        held: dict[str, AttributeValueTypeDef] = {"siteIds": {"SS": sorted(built)}} if built else {}
        with calling("DynamoDB", self._table):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item={**_key(tenant_id), "tenantId": {"S": tenant_id}, **held},
                    ConditionExpression="attribute_not_exists(PK)",
                )
            except ClientError as error:
                if code_of(error) != REFUSED:
                    raise


def _key(tenant_id: str) -> dict[str, AttributeValueTypeDef]:
    return {"PK": {"S": tenant_key(tenant_id)}, "SK": {"S": "QUOTA"}}


def _site_ids(item: Any) -> frozenset[str]:
    return frozenset(item.get("siteIds", {}).get("SS", []))
