"""How announcements look in DynamoDB.

A mark stands in two indexes that operations stand in too: `recent`, under a day of its own kind,
and `correlation`. It must never carry `siteRef`: that index is for operations only.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from core.adapters.aws.operation_items import Item, when
from core.domain.notices import Notice

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

FACT_PREFIX: Final = "FACT#"
_OPTIONAL: Final = {
    "outcome": "outcome",
    "severity": "severity",
    "siteId": "site_id",
    "operationId": "operation_id",
    "replayOf": "replay_of",
    "audience": "audience",
}
"""Attribute -> field, of what not every announcement has."""


def fact_key(mark: str) -> dict[str, UniversalAttributeValueTypeDef]:
    """Return the key of a fact's mark."""
    return {"PK": {"S": f"{FACT_PREFIX}{mark}"}, "SK": {"S": "ANNOUNCED"}}


def mark_of(item: Item) -> str:
    """Return the mark that an item is about."""
    return item["PK"]["S"].removeprefix(FACT_PREFIX)


def day_of(day: str) -> str:
    """Return the partition of a day's announcements in the index `recent`."""
    return f"ANNOUNCED#{day}"


def closing_attributes(notice: Notice) -> dict[str, UniversalAttributeValueTypeDef]:
    """Return what is set on a mark once its fact has been announced."""
    at = notice.announced_at
    optional = {name: getattr(notice, field) for name, field in _OPTIONAL.items()}
    return {
        "doneAt": {"S": when(at)},
        "createdAt": {"S": when(at)},
        "createdDay": {"S": day_of(f"{at:%Y-%m-%d}")},
        "correlation": {"S": notice.correlation_id},
        "eventId": {"S": notice.event_id},
        "eventType": {"S": notice.event_type},
        "tenantId": {"S": notice.tenant_id},
        "reached": {"BOOL": notice.reached},
        **{name: {"S": value} for name, value in optional.items() if value is not None},
    }


def notice_of(item: Item) -> Notice:
    """Read the mark of a fact that has been announced."""
    optional = {field: item[name]["S"] for name, field in _OPTIONAL.items() if name in item}
    return Notice(
        mark=mark_of(item),
        event_id=item["eventId"]["S"],
        event_type=item["eventType"]["S"],
        correlation_id=item["correlation"]["S"],
        tenant_id=item["tenantId"]["S"],
        reached=item["reached"]["BOOL"],
        announced_at=datetime.fromisoformat(item["createdAt"]["S"]),
        **optional,
    )
