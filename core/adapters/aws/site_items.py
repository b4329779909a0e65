"""How sites and releases are written as items of the `sites` table.

Keys: `TENANT#<tenantId>` / `SITE#<siteId>`; releases `SITE#<siteId>#RELEASE#<0001>` below the same
tenant; subdomains `SUBDOMAIN#<name>` / `SUBDOMAIN`. Reading is tolerant of a record that the
platform's API has written: what it lacks has a default, and its version counts as 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic.alias_generators import to_camel

from core.domain.site import Release, ReleaseStatus, Site
from events.formats import Environment
from events.vocabulary import SiteStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

type Key = dict[str, str]
type Item = Mapping[str, Mapping[str, Any]]
"""What DynamoDB hands out: attribute name -> {type: value}."""

RELEASE_PART: Final = "#RELEASE#"
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


def tenant_key(tenant_id: str) -> str:
    """Return the partition of everything of a tenant."""
    return f"TENANT#{tenant_id}"


def site_sort_key(site_id: str) -> str:
    """Return where a site's record stands in its tenant's partition."""
    return f"SITE#{site_id}"


def release_sort_prefix(site_id: str) -> str:
    """Return what the sort keys of a site's releases begin with."""
    return f"{site_sort_key(site_id)}{RELEASE_PART}"


def release_sort_key(site_id: str, number: int) -> str:
    """Four digits, so that the order of the keys is the order of the releases."""
    return f"{release_sort_prefix(site_id)}{number:04d}"


def attribute(value: str | int) -> AttributeValueTypeDef:
    """Return a text as S, a number as N, and yes or no as BOOL."""
    if isinstance(value, bool):
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def attributes_of(record: Site | Release) -> dict[str, AttributeValueTypeDef | None]:
    """Return every field by its camelCase name; None where the attribute must not be there."""
    return {to_camel(field.name): _written(getattr(record, field.name)) for field in fields(record)}


def site_of(item: Item) -> Site:
    """Read a site; the inverse of `attributes_of`."""
    created = _time(item, "createdAt")
    return Site(
        tenant_id=_text(item, "tenantId"),
        site_id=_text(item, "siteId"),
        environment=Environment(_text(item, "environment")),
        site_name=_optional(item, "siteName") or "",
        subdomain=_optional(item, "subdomain") or "",
        status=SiteStatus(_text(item, "status")),
        version=_number(item, "version", default=0),
        live_release=_optional_number(item, "liveRelease"),
        last_release=_number(item, "lastRelease", default=0),
        isolation_level=_number(item, "isolationLevel", default=1),
        wordpress_version=_optional(item, "wordpressVersion"),
        php_version=_optional(item, "phpVersion"),
        desired_count=_number(item, "desiredCount", default=1),
        cpu_units=_optional_number(item, "cpuUnits"),
        memory_mib=_optional_number(item, "memoryMib"),
        domain=_optional(item, "domain"),
        failure_reason=_optional(item, "failureReason"),
        read_only=item.get("readOnly", {}).get("BOOL", False),
        created_at=created or _LONG_AGO,
        updated_at=_time(item, "updatedAt") or created or _LONG_AGO,
    )


def release_of(item: Item) -> Release:
    """Read a release; the inverse of `attributes_of`."""
    return Release(
        tenant_id=_text(item, "tenantId"),
        site_id=_text(item, "siteId"),
        number=_number(item, "number", default=0),
        status=ReleaseStatus(_text(item, "status")),
        operation_id=_text(item, "operationId"),
        schema=_text(item, "schema"),
        content_root=_text(item, "contentRoot"),
        access_point_id=_optional(item, "accessPointId"),
        image_digest=_optional(item, "imageDigest"),
        task_definition_arn=_optional(item, "taskDefinitionArn"),
        service_name=_optional(item, "serviceName"),
        target_group_arn=_optional(item, "targetGroupArn"),
        created_at=_time(item, "createdAt") or _LONG_AGO,
        updated_at=_time(item, "updatedAt") or _LONG_AGO,
    )


# --- one attribute at a time -------------------------------------------------------------------


def _written(value: object) -> AttributeValueTypeDef | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return {"S": value.astimezone(UTC).isoformat().replace("+00:00", "Z")}
    return attribute(value if isinstance(value, int) else str(value))


def _text(item: Item, name: str) -> str:
    return str(item[name]["S"])


def _optional(item: Item, name: str) -> str | None:
    return item[name].get("S") if name in item else None


def _number(item: Item, name: str, *, default: int) -> int:
    return int(item[name]["N"]) if name in item else default


def _optional_number(item: Item, name: str) -> int | None:
    return int(item[name]["N"]) if "N" in item.get(name, {}) else None


def _time(item: Item, name: str) -> datetime | None:
    text = _optional(item, name)
    return datetime.fromisoformat(text) if text else None
