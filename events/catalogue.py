"""What each message means, in one sentence: for the reference pages and the AsyncAPI document."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from events.requests import REQUEST_MODELS
from events.vocabulary import DetailType, MessageType

CHANNELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "creation": "bbws-wp-site-creation-{env}",
        "update": "bbws-wp-site-update-{env}",
        "deletion": "bbws-wp-site-deletion-{env}",
        "promotion": "bbws-wp-site-promotion-{env}",
        "events": "bbws-wp-site-events-{env}",
        "notifications": "bbws-wp-notifications-{env}",
    }
)
"""The queues, the bus and the topic by their names in each environment."""

EVENT_MEANINGS: Final[Mapping[DetailType, str]] = MappingProxyType(
    {
        DetailType.OPERATION_ACCEPTED: "The request is accepted and its operation recorded.",
        DetailType.OPERATION_REJECTED: "The message cannot be accepted; code and fields say why.",
        DetailType.OPERATION_STATUS: "A repeated request: where its operation stands.",
        DetailType.STEP_COMPLETED: "One step is done (phase undo: taken back).",
        DetailType.STEP_FAILED: "One step has failed for good; the undo begins with it.",
        DetailType.OPERATION_AWAITING_APPROVAL: "The plan is ready and waits for these roles.",
        DetailType.OPERATION_STALLED: "The operation is past a deadline and needs a person.",
        DetailType.OPERATION_COMPLETED: "The operation is done.",
        DetailType.OPERATION_FAILED: "The operation failed and was undone before it was live.",
        DetailType.OPERATION_ROLLED_BACK: "The operation was undone after the cut-over.",
        DetailType.OPERATION_ROLLBACK_FAILED: "The undo failed too; a person has to act.",
        DetailType.OPERATION_CANCELLED: "The operation was cancelled and undone.",
    }
)


def meaning_of_request(kind: MessageType) -> str:
    """The first line of the model's docstring."""
    return (REQUEST_MODELS[kind].__doc__ or "").strip().splitlines()[0]
