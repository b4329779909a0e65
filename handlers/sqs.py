"""What all consumers share: the batch, the context of the logs, and each message's fate.

The only place, with the handlers beside it, that knows Lambda's event and context.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import structlog
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from core.bootstrap import Fleet, fleet
from core.domain.letters import Attribute
from core.engine.message import Disposition, QueueMessage, TryAgain
from core.engine.telling import tell
from core.ports.messaging import QueueName
from handlers.logs import configure_logs

log: structlog.stdlib.BoundLogger = structlog.get_logger()

type Handle = Callable[[Fleet, QueueMessage], Disposition]
type Event = dict[str, Any]


class NotNowError(Exception):
    """One record of the batch is not done: SQS shows it again after its visibility timeout."""


class BrokenBatchError(Exception):
    """Every record of a batch broke: the invocation itself fails.

    Lambda counts an invocation that answers with partial failures as a success, so that the alarms
    on the functions' errors would never hear of a deployment that breaks each message. It carries
    no cause: Lambda prints what is raised, and a cause may hold what no log may.
    """

    def __init__(self, message_ids: Sequence[str]) -> None:
        super().__init__(
            f"None of {len(message_ids)} messages could be handled: {', '.join(message_ids)}. The "
            'lines "failing_message" of this log say why. SQS shows them again.'
        )


@cache
def the_fleet() -> Fleet:
    """Return the fleet of this process, wired on the first message."""
    configure_logs()
    return fleet(os.environ)


def consume(
    event: Event, context: LambdaContext, queue: QueueName | None, handle: Handle
) -> PartialItemFailureResponse:
    """Handle each record of an SQS batch by itself; one that fails harms no neighbour."""
    return consume_records(event, context, lambda record: _handle_record(record, queue, handle))


def consume_records(
    event: Event, context: LambdaContext, one: Callable[[SQSRecord], None]
) -> PartialItemFailureResponse:
    """Handle each record of an SQS batch; one that raises is reported as not done.

    Raises BrokenBatchError when no record came to an end; SQS shows all of them again.
    """
    broken: list[str] = []

    def logged(record: SQSRecord) -> None:
        structlog.contextvars.clear_contextvars()
        try:
            one(record)
        except NotNowError:
            raise
        except Exception:
            # The record is reported as failed: SQS shows it again, and after the last time it is
            # dead.
            log.exception("failing_message", messageId=record.message_id)
            broken.append(record.message_id)
            raise

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(
        event=event, record_handler=logged, processor=processor, context=context
    )
    if broken and len(broken) == len(event["Records"]):
        raise BrokenBatchError(broken)
    return answer


def _handle_record(record: SQSRecord, queue: QueueName | None, handle: Handle) -> None:
    message = QueueMessage(
        message_id=record.message_id,
        body=record.body,
        receive_count=int(record.attributes.approximate_receive_count),
        queue=queue,
        attributes=_attributes(record),
    )
    disposition = handle(the_fleet(), message)
    engine = the_fleet().engine
    tell(engine.outcomes, engine.ports.clock, message, disposition)
    if isinstance(disposition, TryAgain):
        seconds = disposition.after_seconds
        the_fleet().receipts.show_again(record.event_source_arn, record.receipt_handle, seconds)
        raise NotNowError(f"Message {message.message_id} is tried again in {seconds} s.")


def _attributes(record: SQSRecord) -> dict[str, Attribute]:
    return {
        name: Attribute(
            value=attribute.string_value or attribute.binary_value or "",
            data_type=attribute.data_type,
        )
        for name, attribute in record.message_attributes.items()
    }


def workflow_consumer(event: Event, context: LambdaContext, queue: QueueName) -> Event:
    """Consume one of the workflow queues."""
    return dict(consume(event, context, queue, lambda f, message: f.consumer.handle(message)))
