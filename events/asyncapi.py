"""The AsyncAPI 3.0 document: channels are the queues, the bus and the topic."""

from typing import Any, Final

from events.catalogue import CHANNELS, EVENT_MEANINGS, meaning_of_request
from events.filters import REQUEST_QUEUES
from events.formats import SCHEMA_VERSION, Environment
from events.json_schemas import EVENT, NOTIFICATION, component_schemas
from events.notification_phrases import HEADLINES
from events.vocabulary import DetailType, MessageType, NotificationType

_QUEUES: Final = ("creation", "update", "deletion", "promotion")


def document() -> dict[str, Any]:
    """The whole document, plain data."""
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": "application/json",
        "channels": {name: _channel(name) for name in CHANNELS},
        "operations": {name: _operation(name) for name in CHANNELS},
        "components": {"messages": _messages(), "schemas": component_schemas()},
    }


# --- private -------------------------------------------------------------------------------


def _info() -> dict[str, Any]:
    return {
        "title": "sitefleet",
        "version": f"{SCHEMA_VERSION}.0",
        "description": (
            "The fleet that creates, updates, deletes and promotes WordPress sites. Requests "
            "come in on four queues, facts go out on one bus, announcements on one topic. "
            "Consumers ignore unknown fields; a breaking change gets a new major version."
        ),
        "license": {"name": "MIT"},
    }


def _names_on(channel: str) -> list[str]:
    if channel == "events":
        return [kind.value for kind in DetailType]
    if channel == "notifications":
        return [kind.value for kind in NotificationType]
    return [kind.value for kind, queues in REQUEST_QUEUES.items() if channel in queues]


def _channel(name: str) -> dict[str, Any]:
    return {
        "address": CHANNELS[name],
        "description": _DESCRIPTIONS.get(name, f"SQS queue: {name} requests."),
        "parameters": {"env": {"enum": [env.value for env in Environment]}},
        "messages": {
            message: {"$ref": f"#/components/messages/{message}"} for message in _names_on(name)
        },
    }


def _operation(name: str) -> dict[str, Any]:
    incoming = name in _QUEUES
    return {
        "action": "receive" if incoming else "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": _SUMMARIES.get(name, "The fleet takes requests from this queue."),
        "messages": [
            {"$ref": f"#/channels/{name}/messages/{message}"} for message in _names_on(name)
        ],
    }


_DESCRIPTIONS: Final = {
    "events": "EventBridge bus; source bbws.sites, detail-type is the message's name.",
    "notifications": "SNS topic; filter on eventType, environment, tenantId, severity, outcome.",
}
_SUMMARIES: Final = {
    "events": "The fleet publishes what has happened.",
    "notifications": "The fleet announces what people and subscribers want to hear of.",
}


def _messages() -> dict[str, Any]:
    messages = {
        kind.value: _message(kind, meaning_of_request(kind), _ref(kind)) for kind in MessageType
    }
    for detail_type, meaning in EVENT_MEANINGS.items():
        messages[detail_type.value] = _message(detail_type, meaning, _ref(EVENT))
    for kind, headline in HEADLINES.items():
        only = {"type": "object", "properties": {"eventType": {"const": kind.value}}}
        payload = {"allOf": [_ref(NOTIFICATION), only]}
        messages[kind.value] = _message(kind, f"{headline}.", payload)
    return messages


def _message(name: str, summary: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": str(name),
        "title": str(name),
        "summary": summary,
        "contentType": "application/json",
        "payload": payload,
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
