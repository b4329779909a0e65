"""The queues that nobody consumes, on SQS, and the way back from them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from core.adapters.aws.errors import calling
from core.adapters.aws.retries import briefly
from core.adapters.aws.session import AwsClients
from core.domain.errors import ConfigurationError, SitefleetError, TransientError
from core.domain.letters import MOST_ATTRIBUTES, Attribute, Box, Origin, RawLetter
from core.ports.dead_letters import Depth, Outgoing

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import (
        BatchResultErrorEntryTypeDef,
        MessageAttributeValueOutputTypeDef,
        MessageAttributeValueTypeDef,
        MessageTypeDef,
    )

BATCH: Final = 10
"""SQS: messages of one receive, and entries of one batch."""
WAIT_SECONDS: Final = 1
"""A receive that waits asks every server of the queue; one that does not may miss messages."""
READERS: Final = 8
"""Receives at once: each takes as long as its way to AWS and back."""
TRIES: Final = 4
BINARY: Final = "Binary"
GONE_CODES: Final = frozenset(
    {
        "AWS.SimpleQueueService.MessageNotInflight",
        "InvalidParameterValue",
        "MessageNotInflight",
        "ReceiptHandleIsInvalid",
    }
)
"""Of one entry of a batch: the message is visible already, or is not there any more."""

type Receipts = Mapping[str, str]
"""Entry's id -> receipt."""
type BatchCall = Callable[[str, Receipts], Sequence[BatchResultErrorEntryTypeDef]]


class SqsDeadLetters:
    """See core.ports.dead_letters.DeadLetters; `urls` names the queue of each place."""

    def __init__(
        self,
        *,
        clients: AwsClients,
        urls: Mapping[Origin | Box, str],
        wait_seconds: int = WAIT_SECONDS,
    ) -> None:
        self._clients = clients
        self._wait_seconds = wait_seconds
        self._crowded: set[Box] = set()
        self._urls = urls
        self._origins = {
            url.rpartition("/")[2]: place
            for place, url in urls.items()
            if isinstance(place, Origin)
        }

    def receive(self, box: Box, *, hide_seconds: int) -> Sequence[RawLetter]:
        """Ask once; where there was more than fits into one answer, ask several times at once."""
        readers = READERS if box in self._crowded else 1
        with ThreadPoolExecutor(readers) as pool:
            asked = [pool.submit(self._receive, box, hide_seconds) for _ in range(readers)]
            found = [letter for one in asked for letter in one.result()]
        change = self._crowded.add if len(found) >= BATCH else self._crowded.discard
        change(box)
        return found

    def _receive(self, box: Box, hide_seconds: int) -> list[RawLetter]:
        with calling("SQS", f"the queue of {box} letters"):
            answer = self._clients.sqs.receive_message(
                QueueUrl=self._url(box),
                MaxNumberOfMessages=BATCH,
                VisibilityTimeout=hide_seconds,
                WaitTimeSeconds=self._wait_seconds,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
        return [self._letter(box, message) for message in answer.get("Messages", [])]

    def give_back(self, letters: Sequence[RawLetter]) -> None:
        self._in_batches(letters, partial(self._hide, 0), "were not shown again")

    def keep(self, letters: Sequence[RawLetter], *, hide_seconds: int) -> None:
        self._in_batches(letters, partial(self._hide, hide_seconds), "were not kept hidden")

    def delete(self, letters: Sequence[RawLetter]) -> None:
        self._in_batches(letters, self._remove, "were not deleted")

    def depth(self, box: Box) -> Depth:
        visible: Final = "ApproximateNumberOfMessages"
        hidden: Final = "ApproximateNumberOfMessagesNotVisible"
        with calling("SQS", f"the queue of {box} letters"):
            answer = self._clients.sqs.get_queue_attributes(
                QueueUrl=self._url(box), AttributeNames=[visible, hidden]
            )
        found = answer["Attributes"]
        return Depth(visible=int(found[visible]), hidden=int(found[hidden]))

    def send(self, to: Origin | Box, message: Outgoing) -> str:
        """Send; raises SitefleetError for more attributes than SQS takes."""
        if len(message.attributes) > MOST_ATTRIBUTES:
            raise SitefleetError(
                f"A message may have {MOST_ATTRIBUTES} attributes, not {len(message.attributes)}."
            )
        group: dict[str, Any] = {"MessageGroupId": message.group} if message.group else {}
        with calling("SQS", f"queue {to}"):
            answer = self._clients.sqs.send_message(
                QueueUrl=self._url(to),
                MessageBody=message.body,
                MessageAttributes=_sqs_attributes(message.attributes),
                **group,
            )
        return answer["MessageId"]

    # --- batches ---------------------------------------------------------------------------

    def _in_batches(self, letters: Sequence[RawLetter], call: BatchCall, what: str) -> None:
        for box, receipts in _batches(letters):
            self._whole_batch(box, receipts, call, what)

    def _whole_batch(self, box: Box, receipts: Receipts, call: BatchCall, what: str) -> None:
        """Repeat what SQS did not do this time; what is gone is done."""
        left = dict(receipts)

        def once() -> None:
            with calling("SQS", f"the queue of {box} letters"):
                failed = call(self._url(box), left)
            for key in set(left) - {entry["Id"] for entry in failed if not _is_gone(entry)}:
                del left[key]
            if left:
                codes = ", ".join(sorted({entry["Code"] for entry in failed}))
                raise TransientError(f"{len(left)} {box} letters {what}: {codes}. Try again.")

        briefly(TransientError, attempts=TRIES)(once)

    def _hide(
        self, seconds: int, url: str, receipts: Receipts
    ) -> Sequence[BatchResultErrorEntryTypeDef]:
        answer = self._clients.sqs.change_message_visibility_batch(
            QueueUrl=url,
            Entries=[
                {"Id": key, "ReceiptHandle": receipt, "VisibilityTimeout": seconds}
                for key, receipt in receipts.items()
            ],
        )
        return answer.get("Failed", [])

    def _remove(self, url: str, receipts: Receipts) -> Sequence[BatchResultErrorEntryTypeDef]:
        answer = self._clients.sqs.delete_message_batch(
            QueueUrl=url,
            Entries=[{"Id": key, "ReceiptHandle": receipt} for key, receipt in receipts.items()],
        )
        return answer.get("Failed", [])

    # --- reading ---------------------------------------------------------------------------

    def _letter(self, box: Box, message: MessageTypeDef) -> RawLetter:
        system: Mapping[str, str] = {str(k): v for k, v in message.get("Attributes", {}).items()}
        source = system.get("DeadLetterQueueSourceArn", "").rpartition(":")[2]
        return RawLetter(
            message_id=message["MessageId"],
            box=box,
            body=message["Body"],
            attributes={
                name: _attribute(value)
                for name, value in message.get("MessageAttributes", {}).items()
            },
            sent_at=datetime.fromtimestamp(int(system["SentTimestamp"]) / 1000, tz=UTC),
            source=self._origins.get(source),
            group=system.get("MessageGroupId"),
            receipt=message["ReceiptHandle"],
        )

    def _url(self, place: Origin | Box) -> str:
        url = self._urls.get(place)
        if not url:
            raise ConfigurationError(
                f"The queue {place} is not known here. Deploy the stack again."
            )
        return url


# --- inside ---------------------------------------------------------------------------------


def _batches(letters: Sequence[RawLetter]) -> Iterator[tuple[Box, Receipts]]:
    for box in Box:
        mine = [letter.receipt for letter in letters if letter.box is box]
        for batch in batched(mine, BATCH):
            yield box, {str(number): receipt for number, receipt in enumerate(batch)}


def _is_gone(entry: BatchResultErrorEntryTypeDef) -> bool:
    return entry["Code"] in GONE_CODES


def _attribute(value: MessageAttributeValueOutputTypeDef) -> Attribute:
    kind = value["DataType"]
    if kind.startswith(BINARY):
        text = base64.b64encode(value["BinaryValue"]).decode("ascii")
        return Attribute(value=text, data_type=kind)
    return Attribute(value=value["StringValue"], data_type=kind)


def _sqs_attributes(
    attributes: Mapping[str, Attribute],
) -> dict[str, MessageAttributeValueTypeDef]:
    """SQS refuses an attribute without a value: an empty one is left out."""
    return {name: _sqs_value(name, a) for name, a in attributes.items() if a.value}


def _sqs_value(name: str, attribute: Attribute) -> MessageAttributeValueTypeDef:
    if not attribute.data_type.startswith(BINARY):
        return {"DataType": attribute.data_type, "StringValue": attribute.value}
    try:
        content = base64.b64decode(attribute.value, validate=True)
    except binascii.Error as error:
        raise SitefleetError(f"Attribute {name} is binary, and its value no base64.") from error
    return {"DataType": attribute.data_type, "BinaryValue": content}
