"""The replayer's own queue on SQS."""

from __future__ import annotations

from core.adapters.aws.errors import calling
from core.adapters.aws.session import AwsClients


class SqsReplayCommands:
    """See core.ports.dead_letters.ReplayCommands."""

    def __init__(self, *, clients: AwsClients, url: str) -> None:
        self._clients = clients
        self._url = url

    def send(self, body: str, *, delay_seconds: int = 0) -> str:
        with calling("SQS", "the replayer's queue"):
            answer = self._clients.sqs.send_message(
                QueueUrl=self._url, MessageBody=body, DelaySeconds=delay_seconds
            )
        return answer["MessageId"]
