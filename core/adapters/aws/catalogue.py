"""The catalogue's items in the `sites` table; used by the functions and by the container job.

Keys: `PLUGIN#<slug>` / `METADATA` and `TEMPLATE#<templateId>` / `METADATA`. Attributes are the
fields of the models, in camelCase; others are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from pydantic import ValidationError

from core.adapters.aws.errors import calling
from core.domain.catalogue import CatalogueModel, Package, Plugin, Template
from core.domain.errors import ConfigurationError
from core.domain.job_models import ObjectLocation

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SORT_KEY: Final = "METADATA"


class DynamoCatalogue:
    """Reads plugins and templates; an item that is wrong stops what asks for it, by name."""

    def __init__(self, client: DynamoDBClient, *, table_name: str, bucket: str) -> None:
        self._client = client
        self._table = table_name
        self._bucket = bucket

    def plugin(self, slug: str) -> Plugin | None:
        return self._read(f"PLUGIN#{slug}", Plugin)

    def template(self, template_id: str) -> Template | None:
        return self._read(f"TEMPLATE#{template_id}", Template)

    def location(self, package: Package) -> ObjectLocation:
        return ObjectLocation(bucket=self._bucket, key=package.key)

    def _read[Item: CatalogueModel](self, key: str, model: type[Item]) -> Item | None:
        with calling("DynamoDB", self._table):
            answer = self._client.get_item(
                TableName=self._table,
                Key={"PK": {"S": key}, "SK": {"S": SORT_KEY}},
                ConsistentRead=True,
            )
        stored = answer.get("Item")
        if stored is None:
            return None
        reader = TypeDeserializer()
        values = {name: reader.deserialize(value) for name, value in stored.items()}
        try:
            return model.model_validate(values)
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
                for item in error.errors(include_input=False)[:5]
            )
            raise ConfigurationError(
                f"The catalogue's item {key} in {self._table} is wrong: {wrong}. Correct it there."
            ) from None


def item_of(entry: Plugin | Template) -> dict[str, Any]:
    """Return an entry as an item of the table, for those who fill the catalogue."""
    key = f"PLUGIN#{entry.slug}" if isinstance(entry, Plugin) else f"TEMPLATE#{entry.template_id}"
    values = entry.model_dump(mode="json", by_alias=True, exclude_none=True)
    writer = TypeSerializer()
    return {
        name: writer.serialize(value)
        for name, value in {"PK": key, "SK": SORT_KEY, **values}.items()
    }
