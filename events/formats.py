"""The small formats that every message shares: identifiers, times, texts, and the base model.

A string that later stands in SQL, a path, a resource name or a command has a pattern here that
leaves no room for quoting, spaces or separators. Texts for people are limited in length and may
not hold control or direction-changing characters.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictInt,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

SCHEMA_VERSION: Final = "1.0"
UNKNOWN: Final = "unknown"
"""Stands for a tenant, site or correlation id that an unreadable message did not give."""


class Environment(StrEnum):
    """Where a site lives. Lower case on the wire; any case is accepted on input."""

    DEV = "dev"
    SIT = "sit"
    PROD = "prod"

    @classmethod
    def _missing_(cls, value: object) -> "Environment | None":
        lowered = value.lower() if isinstance(value, str) and value.isascii() else None
        return next((member for member in cls if member.value == lowered), None)


class WireModel(BaseModel):
    """Base of everything on the wire: frozen, camelCase outside, unknown fields ignored.

    Errors never repeat the input (`hide_input_in_errors`): a body may hold a credential.
    """

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        extra="ignore",
        hide_input_in_errors=True,
        defer_build=True,
    )


_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def _only_rfc3339(value: object) -> object:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and _RFC3339.fullmatch(value):
        return _without_nanoseconds(value)
    raise ValueError("write the time as RFC 3339 with an offset, like 2026-11-21T07:30:00Z")


def _without_nanoseconds(text: str) -> str:
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


def _utc_milliseconds(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("the time needs an offset; without one it is ambiguous")
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time lies outside the years 1 to 9999") from None
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def format_timestamp(value: datetime) -> str:
    """RFC 3339 in UTC with exactly three decimals, so that texts sort like times."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp = Annotated[
    datetime,
    BeforeValidator(_only_rfc3339),
    AfterValidator(_utc_milliseconds),
    PlainSerializer(format_timestamp, return_type=str, when_used="json-unless-none"),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": ["2026-11-21T07:30:00.000Z"]}
    ),
]
"""An aware UTC time, cut to milliseconds."""

# --- identifiers ---------------------------------------------------------------------------

NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{1,62}$"
UUID_PATTERN: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
CORRELATION_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}$"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_FOLDER = r"[A-Za-z0-9_][A-Za-z0-9._-]*"


def _release_number(value: object) -> object:
    is_name = isinstance(value, str) and re.fullmatch(r"r[1-9][0-9]{0,8}", value)
    return int(str(value)[1:]) if is_name else value


TenantId = Annotated[str, Field(pattern=NAME_PATTERN)]
SiteId = Annotated[str, Field(pattern=NAME_PATTERN)]
"""With its prefix (site-550e8400-...); a site keeps it in every environment."""
Subdomain = Annotated[str, Field(pattern=f"^{_LABEL}$")]
Domain = Annotated[str, Field(pattern=rf"^({_LABEL}\.)+[a-z]{_LABEL}$", max_length=253)]
OperationId = Annotated[str, Field(pattern=UUID_PATTERN)]
EventId = Annotated[str, Field(pattern=UUID_PATTERN)]
PlanHash = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
CorrelationId = Annotated[str, Field(pattern=CORRELATION_PATTERN)]
IdempotencyKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/#+=@-]{0,255}$")]
Requester = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/+=@,-]{0,255}$")]
"""A user id, e-mail address or ARN; for the record only, never proof of anything."""
SchemaVersion = Annotated[str, Field(pattern=r"^1\.[0-9]{1,4}$")]
"""Major 1: a minor above ours only adds fields, which are ignored."""
StepName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
"""Fits ECS startedBy (letters, digits, hyphen, underscore; 128 in all) and an S3 key."""
RoleName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,63}$")]
ReleaseNumber = Annotated[
    StrictInt,
    Field(ge=1, le=999_999_999),
    BeforeValidator(_release_number, json_schema_input_type=int | str),
]
"""A release of a site; `r12` is accepted for 12."""
TemplateId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$")]
BackupId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$")]
TicketId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{1,63}$")]
"""A change ticket or incident id."""
PluginSlug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")]
ThemeSlug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")]
ExtensionVersion = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$")]
ProductVersion = Annotated[str, Field(pattern=r"^[0-9]{1,2}\.[0-9]{1,2}(\.[0-9]{1,3})?$")]
"""A WordPress or PHP version: 6.5, 8.2.12."""
ImageTag = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")]
TableName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")]
OptionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,190}$")]
"""The name of a row in wp_options, which holds 191 characters."""
Folder = Annotated[str, Field(pattern=rf"^{_FOLDER}(/{_FOLDER})*$", max_length=255)]
"""Below wp-content; no segment starts with a dot or a hyphen, so none is `..` or an option."""

# --- texts for people ----------------------------------------------------------------------

_HIDDEN = r"\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
_LINE = rf"[^\x00-\x1f{_HIDDEN}]"
_INK = rf"[^\s\x00-\x1f{_HIDDEN}]"
_TEXT = rf"[^\x00-\x08\x0b\x0c\x0e-\x1f{_HIDDEN}]"

SiteName = Annotated[str, Field(pattern=rf"^{_LINE}*{_INK}{_LINE}*$", max_length=200)]
"""One line for people; always bound as a parameter, never part of a statement or command."""
HumanText = Annotated[str, Field(pattern=rf"^{_TEXT}*{_INK}{_TEXT}*$", max_length=1000)]
"""A reason or comment; lines are allowed. Shown to people, never part of a command."""
