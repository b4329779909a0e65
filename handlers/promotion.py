"""Consumes the site promotion queue: requests, progress events and polls."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from core.ports.messaging import QueueName
from handlers.sqs import Event, workflow_consumer


def handler(event: Event, context: LambdaContext) -> Event:
    """Do at most one step per message."""
    return workflow_consumer(event, context, QueueName.PROMOTION)
