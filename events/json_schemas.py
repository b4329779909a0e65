"""JSON Schema of every message, from the models."""

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from events.formats import WireModel
from events.notifications import Notification
from events.progress import FleetEvent, StepPoll, WakeUp
from events.requests import REQUEST_MODELS
from events.vocabulary import DetailType, MessageType

EVENT: Final = "FleetEventDetail"
NOTIFICATION: Final = "NotificationMessage"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_ADDED: Final = ("severity", "outcome", "environment", "tenantId")
"""Attributes of a notification, not part of its body."""


def component_schemas() -> dict[str, Any]:
    """All schemas by name, referring to one another as AsyncAPI components."""
    return _all("#/components/schemas/{model}")


def standalone_schemas() -> dict[str, dict[str, Any]]:
    """One self-contained schema per message, by the message's name."""
    everything = _all("#/$defs/{model}")
    names: dict[str, str] = {kind.value: kind.value for kind in MessageType}
    names |= {"STEP_POLL": "StepPoll", "WAKE_UP": "WakeUp", "Notification": NOTIFICATION}
    names |= {kind.value: EVENT for kind in DetailType}
    return {name: _standalone(name, part, everything) for name, part in names.items()}


# --- private -------------------------------------------------------------------------------


def _all(ref_template: str) -> dict[str, Any]:
    models: list[type[WireModel]] = [FleetEvent, Notification, StepPoll, WakeUp]
    models += REQUEST_MODELS.values()
    _, found = models_json_schema(
        [(model, "validation") for model in models], ref_template=ref_template
    )
    schemas: dict[str, Any] = found["$defs"]
    for kind, model in REQUEST_MODELS.items():
        schemas[kind.value] = _with_message_type(schemas.pop(model.__name__))
    for name in ("StepPoll", "WakeUp"):
        schemas[name] = _with_message_type(schemas[name])
    schemas[EVENT] = _without(schemas.pop("FleetEvent"), EVENT, "detailType")
    schemas[NOTIFICATION] = _without(schemas.pop("Notification"), NOTIFICATION, *_ADDED)
    return {name: _without_field_titles(schemas[name]) for name in sorted(schemas)}


def _without_field_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """A title that only repeats the field's name tells nobody anything."""
    fields = schema.get("properties", {})
    plain = {
        field: {key: value for key, value in part.items() if key != "title"}
        for field, part in fields.items()
    }
    return {**schema, "properties": plain} if fields else schema


def _with_message_type(schema: dict[str, Any]) -> dict[str, Any]:
    """In code the type has a default; on the wire it tells the messages apart."""
    required = [name for name in schema.get("required", []) if name != "messageType"]
    return {**schema, "required": ["messageType", *required]}


def _without(schema: dict[str, Any], title: str, *names: str) -> dict[str, Any]:
    kept = {name: part for name, part in schema["properties"].items() if name not in names}
    required = [name for name in schema["required"] if name not in names]
    return {**schema, "title": title, "properties": kept, "required": required}


def _standalone(name: str, part: str, everything: dict[str, Any]) -> dict[str, Any]:
    needed = sorted(_reachable(part, everything) - {part})
    schema = {
        "$schema": DIALECT,
        "$id": f"https://bbws.sites/schemas/{name}.json",
        **everything[part],
        "title": name,
    }
    return {**schema, "$defs": {inner: everything[inner] for inner in needed}} if needed else schema


def _reachable(name: str, everything: dict[str, Any]) -> set[str]:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen.add(here)
            waiting.extend(_references(everything[here]))
    return seen


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"].rsplit("/", 1)[-1]] if isinstance(value.get("$ref"), str) else []
        return own + [name for part in value.values() for name in _references(part)]
    if isinstance(value, list):
        return [name for part in value for name in _references(part)]
    return []
