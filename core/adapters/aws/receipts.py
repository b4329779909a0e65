"""The consumer's side of SQS: when a failed message may be seen again."""

from __future__ import annotations

from core.adapters.aws.errors import calling
from core.adapters.aws.session import AwsClients

MOST_VISIBILITY_SECONDS = 43_200
"""SQS: twelve hours."""


class SqsReceipts:
    """Backs one message off by its own visibility timeout."""

    def __init__(self, *, clients: AwsClients) -> None:
        self._clients = clients

    def show_again(self, queue_arn: str, receipt: str, seconds: int) -> None:
        """Make a received message visible again after so many seconds."""
        _, _, _, _, account, name = queue_arn.split(":", 5)
        with calling("SQS", f"queue {name}"):
            url = self._clients.sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
            self._clients.sqs.change_message_visibility(
                QueueUrl=url["QueueUrl"],
                ReceiptHandle=receipt,
                VisibilityTimeout=min(seconds, MOST_VISIBILITY_SECONDS),
            )
