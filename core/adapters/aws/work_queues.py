"""The workflow queues and their shared dead-letter queue on SQS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from core.adapters.aws.errors import calling
from core.adapters.aws.session import AwsClients
from core.adapters.oversized import overflow_of
from core.domain.errors import SitefleetError
from core.ports.messaging import DeadLetter, QueueName

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

MAX_DELAY_SECONDS: Final = 900
MAX_ATTRIBUTES: Final = 10
"""Both are limits of SQS."""


class SqsQueues:
    """Sends to queues by name; the tenant is the message group (fair queues)."""

    def __init__(
        self,
        *,
        clients: AwsClients,
        queue_urls: Mapping[QueueName, str],
        dead_letter_url: str,
        overflow_bucket: str,
    ) -> None:
        self._clients = clients
        self._queue_urls = queue_urls
        self._dead_letter_url = dead_letter_url
        self._overflow_bucket = overflow_bucket

    def send(self, queue: QueueName, body: str, *, delay_seconds: int, tenant_id: str) -> None:
        """Send; on a standard queue MessageGroupId only spreads the load fairly over tenants."""
        if not 0 <= delay_seconds <= MAX_DELAY_SECONDS:
            raise SitefleetError(
                f"A delay of {delay_seconds} s is not between 0 and {MAX_DELAY_SECONDS} s: "
                "chain the waits instead."
            )
        with calling("SQS", f"queue {queue}"):
            self._clients.sqs.send_message(
                QueueUrl=self._queue_urls[queue],
                MessageBody=body,
                DelaySeconds=delay_seconds,
                MessageGroupId=tenant_id,
            )

    def dead_letter(self, letter: DeadLetter) -> None:
        """Send to the dead-letter queue; what does not fit goes to S3 and leaves a pointer."""
        if len(letter.attributes) > MAX_ATTRIBUTES:
            raise SitefleetError(
                f"A message may have {MAX_ATTRIBUTES} attributes, not {len(letter.attributes)}."
            )
        body = self._fitting(letter.body)
        with calling("SQS", "the dead-letter queue"):
            self._clients.sqs.send_message(
                QueueUrl=self._dead_letter_url,
                MessageBody=body,
                MessageAttributes=_attributes(letter.attributes),
            )

    def dead_letters(self) -> int:
        name: Final = "ApproximateNumberOfMessages"
        with calling("SQS", "the dead-letter queue"):
            answer = self._clients.sqs.get_queue_attributes(
                QueueUrl=self._dead_letter_url, AttributeNames=[name]
            )
        return int(answer["Attributes"][name])

    def _fitting(self, body: str) -> str:
        overflow = overflow_of(body, self._overflow_bucket)
        if overflow is None:
            return body
        with calling("S3", f"bucket {self._overflow_bucket}"):
            self._clients.s3.put_object(
                Bucket=self._overflow_bucket, Key=overflow.key, Body=overflow.content
            )
        return overflow.pointer_body


def _attributes(values: Mapping[str, str]) -> dict[str, MessageAttributeValueTypeDef]:
    """SQS refuses an attribute without a value: an empty one is left out."""
    return {
        name: {"DataType": "String", "StringValue": value}
        for name, value in values.items()
        if value
    }
