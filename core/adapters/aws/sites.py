"""The `sites` table on DynamoDB; used by the functions and by the container job."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from core.adapters.aws import site_items as items
from core.adapters.aws.batch_reads import read_items
from core.adapters.aws.conditional import Refusal, conditionally
from core.adapters.aws.errors import calling, code_of
from core.adapters.aws.quota_items import QuotaItems
from core.domain.errors import SitefleetError, TransientError
from core.domain.site import Release, Site
from core.ports.sites import PlaceClaim

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

REFUSED = "ConditionalCheckFailedException"
BUILT_BY_THIS = "attribute_not_exists(PK) OR operationId = :operationId"


class DynamoSites:
    """Sites, releases and subdomains. Attributes that others have put on an item stay there."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        self._client = client
        self._table = table_name
        self._quota = QuotaItems(client, table_name, self.list_sites)

    def get(self, tenant_id: str, site_id: str) -> Site | None:
        item = self._get(items.tenant_key(tenant_id), items.site_sort_key(site_id))
        return None if item is None else items.site_of(item)

    def get_many(self, sites: Collection[tuple[str, str]]) -> Sequence[Site]:
        keys = [
            self._key(items.tenant_key(tenant_id), items.site_sort_key(site_id))
            for tenant_id, site_id in dict.fromkeys(sites)
        ]
        return [items.site_of(item) for item in read_items(self._client, self._table, keys)]

    def put(self, site: Site, *, expected_version: int | None) -> None:
        """Write the site on one condition.

        caller     reads version 3 ........ writes version 4 if it is still 3
        elsewhere           writes version 4 ^ refused: the answer carries the stored record,
        which is mine when this is a repetition of a write whose answer was lost.
        """
        key = self._key(items.tenant_key(site.tenant_id), items.site_sort_key(site.site_id))
        stored = self._update(
            key,
            items.attributes_of(site),
            condition=_version_condition(expected_version),
            values={} if expected_version is None else {":expected": _number(expected_version)},
        )
        if stored is not None and (not stored or items.site_of(stored) != site):
            version = items.site_of(stored).version if stored else "none"
            raise TransientError(
                f"Site {site.site_id} was changed by somebody else: its version is {version}, "
                f"not {expected_version}."
            )

    def put_with_releases(
        self, site: Site, releases: Sequence[Release], expected_version: int
    ) -> None:
        """One transaction; refused, the stored site tells whether this very write was there."""
        site_key = self._key(items.tenant_key(site.tenant_id), items.site_sort_key(site.site_id))
        writes = [
            self._write(
                site_key,
                items.attributes_of(site),
                _version_condition(expected_version),
                {":expected": _number(expected_version)},
            ),
            *(
                self._write(
                    self._key(
                        items.tenant_key(release.tenant_id),
                        items.release_sort_key(release.site_id, release.number),
                    ),
                    items.attributes_of(release),
                    BUILT_BY_THIS,
                    {},
                )
                for release in releases
            ),
        ]
        answer = conditionally(
            self._table,
            lambda: self._client.transact_write_items(
                TransactItems=[{"Update": write} for write in writes]
            ),
        )
        if isinstance(answer, Refusal) and self.get(site.tenant_id, site.site_id) != site:
            raise TransientError(
                f"Site {site.site_id} or one of its releases was changed by somebody else: "
                f"version {expected_version} was expected."
            )

    def delete(self, tenant_id: str, site_id: str) -> None:
        key = self._key(items.tenant_key(tenant_id), items.site_sort_key(site_id))
        with calling("DynamoDB", self._table):
            self._client.delete_item(TableName=self._table, Key=key)

    def list_sites(self, tenant_id: str | None = None) -> Sequence[Site]:
        """One tenant's by query; all of them by scan, which only an operator asks for."""
        found = self._scan() if tenant_id is None else self._query(tenant_id, "SITE#")
        sites = (items.site_of(item) for item in found if _is_site(item))
        return sorted(sites, key=lambda site: (site.tenant_id, site.site_id))

    def claim_subdomain(self, subdomain: str, tenant_id: str, site_id: str) -> bool:
        owner = {"tenantId": _text(tenant_id), "siteId": _text(site_id)}
        stored = self._update(
            _subdomain_key(subdomain),
            owner,
            condition="attribute_not_exists(PK) OR (tenantId = :tenantId AND siteId = :siteId)",
        )
        return stored is None

    def release_subdomain(self, subdomain: str, tenant_id: str, site_id: str) -> None:
        with calling("DynamoDB", self._table):
            try:
                self._client.delete_item(
                    TableName=self._table,
                    Key=_subdomain_key(subdomain),
                    ConditionExpression="tenantId = :tenant AND siteId = :site",
                    ExpressionAttributeValues={
                        ":tenant": _text(tenant_id),
                        ":site": _text(site_id),
                    },
                )
            except ClientError as error:
                if code_of(error) != REFUSED:
                    raise

    def claim_place(self, tenant_id: str, site_id: str, most: int) -> PlaceClaim:
        return self._quota.claim(tenant_id, site_id, most)

    def release_place(self, tenant_id: str, site_id: str) -> None:
        self._quota.release(tenant_id, site_id)

    def places(self, tenant_id: str) -> frozenset[str]:
        return self._quota.held(tenant_id)

    def get_release(self, tenant_id: str, site_id: str, number: int) -> Release | None:
        key = items.release_sort_key(site_id, number)
        item = self._get(items.tenant_key(tenant_id), key)
        return None if item is None else items.release_of(item)

    def put_release(self, release: Release) -> None:
        """Write a release; raises SitefleetError when another operation has built it."""
        sort_key = items.release_sort_key(release.site_id, release.number)
        stored = self._update(
            self._key(items.tenant_key(release.tenant_id), sort_key),
            items.attributes_of(release),
            condition=BUILT_BY_THIS,
        )
        if stored is not None:
            raise SitefleetError(
                f"Release {release.number} of site {release.site_id} was built by operation "
                f"{stored['operationId']['S']}; operation {release.operation_id} does not "
                "replace it."
            )

    def list_releases(self, tenant_id: str, site_id: str) -> Sequence[Release]:
        found = self._query(tenant_id, items.release_sort_prefix(site_id))
        return [items.release_of(item) for item in found]

    # --- calls -----------------------------------------------------------------------------

    def _key(self, partition: str, sort: str) -> dict[str, AttributeValueTypeDef]:
        return {"PK": _text(partition), "SK": _text(sort)}

    def _get(self, partition: str, sort: str) -> items.Item | None:
        with calling("DynamoDB", self._table):
            answer = self._client.get_item(
                TableName=self._table, Key=self._key(partition, sort), ConsistentRead=True
            )
        return answer.get("Item")

    def _update(
        self,
        key: Mapping[str, AttributeValueTypeDef],
        attributes: Mapping[str, AttributeValueTypeDef | None],
        *,
        condition: str,
        values: Mapping[str, AttributeValueTypeDef] | None = None,
    ) -> items.Item | None:
        """Write if the condition holds; None when written, else the stored item ({} if none)."""
        with calling("DynamoDB", self._table):
            try:
                self._client.update_item(**self._write(key, attributes, condition, values or {}))
            except ClientError as error:
                if code_of(error) != REFUSED:
                    raise
                stored: items.Item = error.response.get("Item", {})  # type: ignore[assignment]  # botocore-stubs do not know the item of a refused write
                return stored
        return None

    def _write(
        self,
        key: Mapping[str, AttributeValueTypeDef],
        attributes: Mapping[str, AttributeValueTypeDef | None],
        condition: str,
        values: Mapping[str, AttributeValueTypeDef],
    ) -> Any:
        """Return an update as both UpdateItem and TransactWriteItems take it."""
        return {
            "TableName": self._table,
            "Key": key,
            "UpdateExpression": _expression(attributes),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {f"#{name}": name for name in attributes},
            "ExpressionAttributeValues": _values(attributes) | dict(values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _query(self, tenant_id: str, sort_prefix: str) -> Iterable[items.Item]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="PK = :tenant AND begins_with(SK, :prefix)",
            ExpressionAttributeValues={
                ":tenant": _text(items.tenant_key(tenant_id)),
                ":prefix": _text(sort_prefix),
            },
            ConsistentRead=True,
        )
        with calling("DynamoDB", self._table):
            return [item for page in pages for item in page["Items"]]

    def _scan(self) -> Iterable[items.Item]:
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="begins_with(SK, :prefix)",
            ExpressionAttributeValues={":prefix": _text("SITE#")},
        )
        with calling("DynamoDB", self._table):
            return [item for page in pages for item in page["Items"]]


# --- expressions -----------------------------------------------------------------------------


def _version_condition(expected: int | None) -> str:
    if expected is None:
        return "attribute_not_exists(PK)"
    if expected == 0:
        return "attribute_exists(PK) AND (attribute_not_exists(version) OR version = :expected)"
    return "version = :expected"


def _expression(attributes: Mapping[str, AttributeValueTypeDef | None]) -> str:
    kept = [f"#{name} = :{name}" for name, value in attributes.items() if value is not None]
    gone = [f"#{name}" for name, value in attributes.items() if value is None]
    return f"SET {', '.join(kept)}" + (f" REMOVE {', '.join(gone)}" if gone else "")


def _values(attributes: Mapping[str, AttributeValueTypeDef | None]) -> dict[str, Any]:
    return {f":{name}": value for name, value in attributes.items() if value is not None}


def _subdomain_key(subdomain: str) -> dict[str, AttributeValueTypeDef]:
    return {"PK": _text(f"SUBDOMAIN#{subdomain}"), "SK": _text("SUBDOMAIN")}


def _is_site(item: items.Item) -> bool:
    return items.RELEASE_PART not in str(item["SK"]["S"])


def _text(value: str) -> AttributeValueTypeDef:
    return {"S": value}


def _number(value: int) -> AttributeValueTypeDef:
    return {"N": str(value)}
