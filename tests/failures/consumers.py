"""The promotion's consumer, in this process: it does what it is told to, and then says it failed.

It is wired as the deployed function is, with its environment and its role. The functions that
consume in sit are switched off, so that no other one carries the promotion out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from core.bootstrap import Fleet
from core.domain.errors import TransientError
from core.domain.operation import Facts, Operation
from core.engine.consumer import Consumer
from core.engine.message import Acknowledged, Disposition, QueueMessage, TryAgain
from core.engine.outcome import Done, Failed, Outcome
from core.engine.step import Step, StepContext
from core.operations.promotion import PROMOTION
from core.ports.messaging import QueueName
from events import identity
from events.progress import WakeUp
from events.vocabulary import ErrorCode, OperationType
from local.cloud import Cloud

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ENVIRONMENT = "sit"
WHY = "Failed on purpose."
LOOKING = {
    "plan",
    "survey_target",
    "check_source",
    "check_gates",
    "decide_again",
    "check_before",
    "check_after",
    "monitor",
}
"""Steps that change nothing: once they have been done for a site, their facts are known."""
MOST_SECONDS = 600
PAUSE_SECONDS = 0.2
LOOK_AGAIN_SECONDS = 2
"""What nothing wakes up (a service that becomes steady) is looked at this often."""


@dataclass(kw_only=True)
class Failures:
    """Which promotion fails at which step, and what the looking steps of each site found before."""

    step_of: dict[str, str] = field(default_factory=dict)
    """Operation -> step."""
    known: dict[str, Mapping[str, Facts]] = field(default_factory=dict)
    """Site -> facts by step."""

    def around(self, step: Step) -> Step:
        """Return the step with its work unchanged, and another answer where it is to fail."""

        def run(context: StepContext) -> Outcome:
            operation = context.operation
            fails = self.step_of.get(operation.operation_id) == step.name
            known = self.known.get(operation.site_id, {}).get(step.name)
            if known is not None and step.name in LOOKING and not fails:
                return Done(facts=known)
            outcome = step.run(context)
            if fails and isinstance(outcome, Done):
                return Failed(code=ErrorCode.SYS_001, why=WHY, cut_over=step.cuts_over)
            return outcome

        return replace(step, run=run)


class Promoter:
    """One thread's consumer of the promotion queue and of wake-ups; other threads have others.

    Messages are received as Lambda does it, with rights of its own; what is done about them is
    done with those of the promotion's role.
    """

    def __init__(self, fleet: Fleet, failures: Failures, sqs: SQSClient) -> None:
        workflow = replace(PROMOTION, steps=tuple(failures.around(s) for s in PROMOTION.steps))
        workflows = {**fleet.engine.workflows, OperationType.SITE_PROMOTION: workflow}
        self._fleet, self._failures = fleet, failures
        self._consumer = Consumer(replace(fleet.engine, workflows=workflows))
        self._queue = fleet.settings.queue_url_promotion
        self._sqs = sqs
        wake_ups = sqs.get_queue_url(QueueName=f"bbws-wp-site-wakeup-{ENVIRONMENT}")
        self._queues = {self._queue: QueueName.PROMOTION, wake_ups["QueueUrl"]: None}

    def promote(self, request: Mapping[str, Any], fails_at: str | None = None) -> Operation:
        """Send a request and consume until its operation has ended."""
        operation_id = identity.operation_id(
            self._fleet.settings.environment,
            request["payload"]["tenantId"],
            request["messageType"],
            request["idempotencyKey"],
        )
        if fails_at is not None:
            self._failures.step_of[operation_id] = fails_at
        self._sqs.send_message(QueueUrl=self._queue, MessageBody=json.dumps(request))
        until = time.monotonic() + MOST_SECONDS
        looked = time.monotonic()
        while (operation := self.operation(operation_id)) is None or not operation.is_terminal:
            assert time.monotonic() < until, f"It did not end: {operation}"
            assert operation is None or operation.stalled_since is None, f"Stalled: {operation}"
            if any(self._consume(url, queue) for url, queue in self._queues.items()):
                continue
            time.sleep(PAUSE_SECONDS)
            if time.monotonic() > looked + LOOK_AGAIN_SECONDS:
                self._look_again(operation_id)
                looked = time.monotonic()
        return operation

    def operation(self, operation_id: str) -> Operation | None:
        return self._fleet.engine.store.get(operation_id)

    def facts(self, operation_id: str) -> dict[str, Facts]:
        """Return what the steps of an operation have found out."""
        steps = self._fleet.engine.store.history(operation_id).steps
        return {s.step: s.facts for s in steps if s.phase == "forward" and s.facts}

    def _consume(self, url: str, queue: QueueName | None) -> bool:
        """Handle a message, whosever it is."""
        answer = self._sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=1,
            VisibilityTimeout=60,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        for message in answer.get("Messages", []):
            receipt = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
            seen = QueueMessage(
                message_id=message["MessageId"],
                body=message["Body"],
                receive_count=int(message["Attributes"]["ApproximateReceiveCount"]),
                queue=queue,
            )
            match self._handled(seen):
                case Acknowledged():
                    self._sqs.delete_message(**receipt)
                case TryAgain(after_seconds=seconds):
                    self._sqs.change_message_visibility(**receipt, VisibilityTimeout=seconds)
        return bool(answer.get("Messages"))

    def _look_again(self, operation_id: str) -> None:
        """Run a waiting step early, as a wake-up does: its poll would come in seconds."""
        wake_up = WakeUp(operation_id=operation_id, reason="the tests look again")
        message = QueueMessage(
            message_id=operation_id, body=wake_up.queue_body(), receive_count=2, queue=None
        )
        self._handled(message)

    def _handled(self, message: QueueMessage) -> Disposition:
        """Return a message's fate; what breaks the consumer itself lets SQS show it again."""
        try:
            return self._consumer.handle(message)
        except TransientError:
            return TryAgain(after_seconds=1)


def switch_off(cloud: Cloud, *functions: str) -> None:
    """Let deployed functions consume no more."""
    client: Any = cloud._make("lambda")
    for function in functions:
        mappings = client.list_event_source_mappings(FunctionName=function)
        for mapping in mappings["EventSourceMappings"]:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    time.sleep(3)  # a poll may be under way
