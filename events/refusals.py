"""Why a message cannot be read: one error type, its field errors, and what can still be told."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from events.formats import CORRELATION_PATTERN, NAME_PATTERN, UUID_PATTERN
from events.json_text import shown
from events.progress import FieldError

_MOST: Final = 20
"""Field errors reported for one message; more help nobody."""

_CONFIDENTIAL = re.compile(
    r"proof|authori[sz]ation|aws4|signature|credential|passw|secret|token|api_?key|A[KS]IA",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What could be recovered from a message that could not be read; only well-formed values."""

    message_type: str | None = None
    correlation_id: str | None = None
    tenant_id: str | None = None
    site_id: str | None = None
    operation_id: str | None = None


class DecodeError(Exception):
    """A message cannot be read; it is rejected, dead-lettered with the reason, and not retried.

    `raw_body` is kept for the dead letter and stands in no text of this error: a body may hold
    a credential. See events.redaction before it is stored.
    """

    def __init__(
        self,
        raw_body: str,
        reason: str,
        field_errors: Sequence[FieldError] = (),
        *,
        hints: Hints | None = None,
        oversized: bool = False,
    ) -> None:
        super().__init__(_sentence(reason, field_errors))
        self.raw_body = raw_body
        self.reason = reason
        self.field_errors = tuple(field_errors)
        self.hints = hints or Hints()
        self.oversized = oversized
        """True when the body is larger than the fleet accepts."""


def hints_of(message: object) -> Hints:
    """Recover what a rejection should carry, from a request or an event."""
    if not isinstance(message, dict):
        return Hints()
    places = [message, *(_part(message, name) for name in ("payload", "metadata"))]
    detail = _part(message, "detail")
    places += [detail, _part(detail, "payload"), _part(detail, "metadata")]
    return Hints(
        message_type=_first(places, "messageType", r"[A-Z][A-Z0-9_]{0,63}"),
        correlation_id=_first(places, "correlationId", CORRELATION_PATTERN),
        tenant_id=_first(places, "tenantId", NAME_PATTERN),
        site_id=_first(places, "siteId", NAME_PATTERN),
        operation_id=_first(places, "operationId", UUID_PATTERN),
    )


def got_of(field: str, value: object) -> str | None:
    """What the sender gave, cut short; None where it may be a secret."""
    if isinstance(value, dict | list | tuple):
        return shown(value)
    if _CONFIDENTIAL.search(field) or _CONFIDENTIAL.search(str(value)):
        return None
    return shown(value)


def field_errors_of(error: ValidationError, message: object) -> tuple[FieldError, ...]:
    """Say each error on the field as the sender wrote it, once per field."""
    found: dict[str, FieldError] = {}
    for detail in error.errors(include_url=False):
        if _follows_from_others(detail):
            continue
        one = _field_error(detail, message)
        found.setdefault(one.field, one)
    return tuple(found.values())[:_MOST]


# --- private -------------------------------------------------------------------------------


def _sentence(reason: str, field_errors: Iterable[FieldError]) -> str:
    told = "; ".join(f"{error.field} {error.problem}" for error in field_errors)
    return f"{reason}: {told}" if told else reason


def _part(value: object, name: str) -> dict[str, Any]:
    part = value.get(name) if isinstance(value, dict) else None
    return part if isinstance(part, dict) else {}


def _first(places: Iterable[Mapping[str, Any]], name: str, pattern: str) -> str | None:
    for place in places:
        value = place.get(name)
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
    return None


def _field_error(detail: ErrorDetails, message: object) -> FieldError:
    named = str(detail.get("ctx", {}).get("field", ""))
    path = _path(detail["loc"], message, absent=detail["type"] == "missing")
    field = ".".join(part for part in (path, named) if part)
    has_value = not named and detail["type"] != "missing"
    got = got_of(field, detail["input"]) if has_value else None
    return FieldError(field=field or "message", problem=_problem(detail), got=got)


def _follows_from_others(detail: ErrorDetails) -> bool:
    """A list whose entries are all refused is reported as too short as well."""
    if detail["type"] != "too_short" or not isinstance(detail["input"], list):
        return False
    return len(detail["input"]) >= int(detail["ctx"]["min_length"])


def _path(loc: tuple[int | str, ...], message: object, *, absent: bool) -> str:
    """Follow the error's place through the message; parts that only pydantic knows drop out.

    What stands below proof.headers is never named: a sender may have mixed up name and value.
    """
    path, here = "", message
    for index, part in enumerate(loc):
        is_missing = absent and index == len(loc) - 1
        if isinstance(here, list) and isinstance(part, int) and part < len(here):
            path, here = f"{path}[{part}]", here[part]
        elif isinstance(here, dict) and isinstance(part, str) and (part in here or is_missing):
            path, here = f"{path}.{_key(part)}".lstrip("."), here.get(part)
        if path.endswith("proof.headers"):
            break
    return path


def _key(part: str) -> str:
    return part if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", part) else (got_of("", part) or "(hidden)")


_PROBLEMS: Final = {
    "missing": "is missing",
    "string_type": "must be a text",
    "string_pattern_mismatch": "does not have the form {pattern}",
    "string_too_long": "is longer than {max_length} characters",
    "too_long": "has more than {max_length} entries",
    "too_short": "has fewer than {min_length} entries",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "tuple_type": "must be a list",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
}


def _problem(detail: ErrorDetails) -> str:
    template = _PROBLEMS.get(detail["type"])
    if template is None:
        return detail["msg"].removeprefix("Value error, ").replace("Input should", "should", 1)
    text = template.format(**detail.get("ctx", {})) if "{" in template else template
    return re.sub(r"<\w+\.\w+: ('[^']*')>", r"\1", text)
