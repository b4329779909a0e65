"""Consumes the replayer's queue: commands to replay dead letters, and replays that go on."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.bootstrap import Fleet
from core.domain.errors import ConfigurationError
from handlers.sqs import Event, consume_records, the_fleet

RESERVE_SECONDS: Final = 60
"""Kept of the function's time, to give letters back and to send for the next turn."""
GRACE_SECONDS: Final = 30
"""The message of a turn that is killed shows again so long after the function's time."""


def handler(event: Event, context: LambdaContext) -> Event:
    """Take one turn at a replay per message."""
    fleet = the_fleet()
    return dict(consume_records(event, context, lambda record: _turn(fleet, record, context)))


def _turn(fleet: Fleet, record: SQSRecord, context: LambdaContext) -> None:
    if fleet.letters is None:
        raise ConfigurationError("This function has no letter settings (SITEFLEET_LETTERS_...).")
    left = context.get_remaining_time_in_millis() / 1000
    # The queue hides a message for six times the function's time; nobody waits so long for a turn
    # that was killed.
    fleet.receipts.show_again(
        record.event_source_arn, record.receipt_handle, int(left) + GRACE_SECONDS
    )
    until = fleet.engine.now() + timedelta(seconds=left - min(RESERVE_SECONDS, left / 3))
    fleet.letters.remote.handle(
        record.message_id, record.body, owner=context.aws_request_id, until=until
    )
