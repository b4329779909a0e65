"""Consumes the mailer's queue, a subscriber of the topic: notifications become mail."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from core.bootstrap import Fleet
from core.domain.errors import ConfigurationError
from core.engine.message import Disposition, QueueMessage
from handlers.sqs import Event, consume


def handler(event: Event, context: LambdaContext) -> Event:
    """Write each mail once."""
    return dict(consume(event, context, None, _write))


def _write(fleet: Fleet, message: QueueMessage) -> Disposition:
    if fleet.mailer is None:
        raise ConfigurationError("This function has no mail settings (SITEFLEET_MAIL_...).")
    return fleet.mailer.handle(message)
