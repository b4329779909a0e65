"""What a subscriber of the notifications topic receives, read back into a typed value."""

from __future__ import annotations

from pydantic import ValidationError

from events.formats import EventId, Timestamp, WireModel
from events.json_text import UnreadableError, parse
from events.notification_text import NotificationPayload
from events.refusals import DecodeError
from events.vocabulary import NotificationType


class Announcement(WireModel):
    """The form for programs of one notification (Notification.default_json)."""

    event_type: NotificationType
    event_id: EventId
    """Deliveries of the same fact carry the same id: SNS delivers at least once."""
    correlation_id: str
    timestamp: Timestamp
    payload: NotificationPayload


def read_announcement(body: str) -> Announcement:
    """Read the body of a subscriber's queue, plain (raw delivery) or wrapped by SNS.

    Raises DecodeError for anything else, an unknown eventType included.
    """
    try:
        message = parse(body)
        if isinstance(message, dict) and message.get("Type") == "Notification":
            message = parse(str(message.get("Message")))
        return Announcement.model_validate(message)
    except UnreadableError as error:
        raise DecodeError(body, f"the body cannot be read: {error}") from None
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, one["loc"])) for one in error.errors())
        raise DecodeError(body, f"this is no notification of the fleet: {fields}") from None
