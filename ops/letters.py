"""A look at the first dead letters, leaving them where they are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from core.adapters.aws.errors import calling
from ops.wording import one_line

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

DEAD_LETTER_QUEUES: Final = ("site-operations-dlq", "site-undeliverable")
"""Of requests and workflow messages; of what the bus, the topic or the fleet's own queues lost."""
_MOST_LETTERS: Final = 10
"""SQS: messages of one receive."""
_RECEIVES: Final = 5
"""Receives of one look: SQS shows a sample of a long queue each time."""
_IN_VAIN: Final = 2
"""Receives without a new letter that end a look: one alone may have missed what is there."""
_WAIT_SECONDS: Final = 1
"""A receive that waits asks every server of the queue; one that does not asks a few of them."""
_VISIBLE: Final = "ApproximateNumberOfMessages"
_HIDDEN: Final = "ApproximateNumberOfMessagesNotVisible"


@dataclass(frozen=True, kw_only=True)
class SeenLetter:
    """One dead letter, as far as it says what it is about."""

    queue: str
    message_id: str
    sent_at: datetime
    """When it came into the dead-letter queue."""
    correlation_id: str | None = None
    operation_id: str | None = None
    error_code: str | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one look into a dead-letter queue has shown."""

    seen: Sequence[SeenLetter]
    there: int
    """About how many the queue holds, those that somebody has on the desk among them."""

    @property
    def unseen(self) -> int:
        return max(0, self.there - len(self.seen))


def look_into(sqs: SQSClient, queue: str) -> Look:
    """Return what one look shows: all letters of a short queue, a sample of a long one.

    Nothing is hidden from others. Each look counts as a receive, which moves nothing: a
    dead-letter queue has no redrive policy of its own.
    """
    found: dict[str, SeenLetter] = {}
    with calling("SQS", f"queue {queue}"):
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        visible, hidden = _depth(sqs, url)
        # A queue tells its depth late: one that says 0 is asked too, but not waited for.
        patience, wait = (_IN_VAIN, _WAIT_SECONDS) if visible else (1, 0)
        for _ in range(_RECEIVES):
            shown = _receive(sqs, url, wait)
            new = {message["MessageId"]: _letter(queue, message) for message in shown}
            patience -= new.keys() <= found.keys()
            if not patience:
                break
            found |= new
    return Look(seen=list(found.values()), there=visible + hidden)


# --- inside ---------------------------------------------------------------------------------


def _depth(sqs: SQSClient, url: str) -> tuple[int, int]:
    """Return about how many messages anybody can receive, and how many somebody has."""
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[_VISIBLE, _HIDDEN])
    return int(answer["Attributes"][_VISIBLE]), int(answer["Attributes"][_HIDDEN])


def _receive(sqs: SQSClient, url: str, wait_seconds: int) -> Sequence[Mapping[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=_MOST_LETTERS,
        VisibilityTimeout=0,
        WaitTimeSeconds=wait_seconds,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["SentTimestamp"],
    )
    return answer.get("Messages", [])


def _letter(queue: str, message: Mapping[str, Any]) -> SeenLetter:
    attributes = {
        name: str(value.get("StringValue", ""))
        for name, value in message.get("MessageAttributes", {}).items()
    }
    told = {**_told_by_body(message.get("Body", "")), **attributes}
    milliseconds = int(message.get("Attributes", {}).get("SentTimestamp", 0))
    return SeenLetter(
        queue=queue,
        message_id=message["MessageId"],
        sent_at=datetime.fromtimestamp(milliseconds / 1000, UTC),
        correlation_id=told.get("correlationId"),
        operation_id=told.get("operationId"),
        error_code=told.get("errorCode") or told.get("ERROR_CODE"),
        reason=one_line(told.get("reason") or told.get("ERROR_MESSAGE") or ""),
    )


def _told_by_body(body: str) -> dict[str, str]:
    """Find both ids in a request, in an event of the bus, or in a poll; else nothing."""
    try:
        message = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(message, dict):
        return {}
    detail = message.get("detail")
    metadata = detail.get("metadata") if isinstance(detail, dict) else None
    payload = message.get("payload")
    told: dict[str, str] = {}
    for place in (payload, message, metadata):
        if isinstance(place, dict):
            found = {name: place.get(name) for name in ("correlationId", "operationId")}
            told |= {name: value for name, value in found.items() if isinstance(value, str)}
    return told
