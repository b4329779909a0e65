"""The notifications topic on SNS."""

from __future__ import annotations

from core.adapters.aws.errors import calling
from core.adapters.aws.session import AwsClients
from events.notifications import Notification


class SnsTopic:
    """Publishes one notification in its three forms, with the attributes subscribers filter on."""

    def __init__(self, *, clients: AwsClients, topic_arn: str) -> None:
        self._clients = clients
        self._topic_arn = topic_arn

    def announce(self, notification: Notification) -> None:
        attributes = notification.attributes().items()
        with calling("SNS", f"topic {self._topic_arn}"):
            self._clients.sns.publish(
                TopicArn=self._topic_arn,
                Subject=notification.subject(),
                Message=notification.sns_message(),
                MessageStructure="json",
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes
                },
            )
