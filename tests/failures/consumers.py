"""The consumers of a fleet, in this process: they do what they are told to, and then say it failed.

Each is wired as the deployed function is, with its environment and its role. The functions that
consume in that environment are switched off, so that no other one does the work.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.bootstrap import Fleet
from core.domain.errors import TransientError
from core.domain.operation import Facts, Operation
from core.engine.consumer import Consumer
from core.engine.message import Acknowledged, Disposition, QueueMessage, TryAgain
from core.engine.outcome import Done, Failed, Outcome
from core.engine.step import Step, StepContext
from core.engine.workflow import Workflow
from core.ports.messaging import QueueName
from events import identity
from events.decode import decode
from events.filters import REQUEST_QUEUES
from events.progress import WakeUp
from events.refusals import DecodeError
from events.vocabulary import ErrorCode, MessageType, OperationStatus
from local.cloud import Cloud

type Queue = QueueName | None
"""None: the wake-ups of all workflows."""

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
    """Which operation fails at which step, and what the looking steps of each site found before."""

    step_of: dict[str, str] = field(default_factory=dict)
    """Operation -> step."""
    known: dict[str, Mapping[str, Facts]] = field(default_factory=dict)
    """Site -> facts by step."""

    def within(self, workflow: Workflow) -> Workflow:
        """Return the workflow with each of its steps ready to fail."""
        return replace(workflow, steps=tuple(self.around(step) for step in workflow.steps))

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


class Worker:
    """One thread's consumer of request queues and of wake-ups; other threads have others.

    Messages are received as Lambda does it, with rights of its own; what is done about them is
    done with those of the queue's function.
    """

    def __init__(self, fleets: Mapping[Queue, Fleet], failures: Failures, cloud: Cloud) -> None:
        self._failures, self._sqs = failures, cloud.sqs
        self._fleet, self._waking = next(iter(fleets.values())), fleets[None]
        self._consumers = {queue: _consumer(fleet, failures) for queue, fleet in fleets.items()}
        self._as_a_poll = False
        self._urls = {queue: self._url(queue) for queue in fleets}

    def operate(self, request: Mapping[str, Any], fails_at: str | None = None) -> Operation:
        """Send a request and consume until its operation has ended, or has stopped."""
        operation_id = identity.operation_id(
            self._fleet.settings.environment,
            request["payload"]["tenantId"],
            request["messageType"],
            request["idempotencyKey"],
        )
        if fails_at is not None:
            self._failures.step_of[operation_id] = fails_at
        queue = QueueName(REQUEST_QUEUES[MessageType(request["messageType"])][0])
        self._send(queue, request)
        return self._consume_until(operation_id, queue, _stands)

    def retry(self, operation: Operation, request: Mapping[str, Any]) -> Operation:
        """Let an operation that stopped go on, with nothing in its way, to its end."""
        operation_id = operation.operation_id
        del self._failures.step_of[operation_id]
        queue = self._fleet.engine.workflow(operation).queue
        self._send(queue, request)
        return self._consume_until(
            operation_id, queue, lambda found: found.status is OperationStatus.COMPLETED
        )

    def operation(self, operation_id: str) -> Operation | None:
        return self._fleet.engine.store.get(operation_id)

    def facts(self, operation_id: str) -> dict[str, Facts]:
        """Return what the steps of an operation have found out."""
        steps = self._fleet.engine.store.history(operation_id).steps
        return {s.step: s.facts for s in steps if s.phase == "forward" and s.facts}

    def _url(self, queue: Queue) -> str:
        settings = self._fleet.settings
        if queue is not None:
            return str(getattr(settings, f"queue_url_{queue}"))
        name = f"bbws-wp-site-wakeup-{settings.environment}"
        return self._sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def _send(self, queue: QueueName, request: Mapping[str, Any]) -> None:
        self._sqs.send_message(QueueUrl=self._urls[queue], MessageBody=json.dumps(request))

    def _consume_until(
        self, operation_id: str, queue: QueueName, is_over: Callable[[Operation], bool]
    ) -> Operation:
        until = time.monotonic() + MOST_SECONDS
        looked = time.monotonic()
        while (operation := self.operation(operation_id)) is None or not is_over(operation):
            assert time.monotonic() < until, f"It did not end: {operation}"
            assert operation is None or operation.stalled_since is None, f"Stalled: {operation}"
            if any(self._consume(queue) for queue in self._urls):
                continue
            time.sleep(PAUSE_SECONDS)
            if time.monotonic() > looked + LOOK_AGAIN_SECONDS:
                self._look_again(operation_id, queue)
                looked = time.monotonic()
        return operation

    def _consume(self, queue: Queue) -> bool:
        """Handle a message, whosever it is."""
        url = self._urls[queue]
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
            match _handled(self._consumer(seen), seen):
                case Acknowledged():
                    self._sqs.delete_message(**receipt)
                case TryAgain(after_seconds=seconds):
                    self._sqs.change_message_visibility(**receipt, VisibilityTimeout=seconds)
        return bool(answer.get("Messages"))

    def _consumer(self, message: QueueMessage) -> Consumer:
        """Return who handles a message: its queue's function.

        Every other wake-up is handled by the function of its operation's queue, whose poll might
        as well have come first: both are seen to have the rights for every step, and for the way
        back.
        """
        if message.queue is not None:
            return self._consumers[message.queue]
        self._as_a_poll = not self._as_a_poll
        operation = self._woken(message) if self._as_a_poll else None
        return self._consumers[operation and self._fleet.engine.workflow(operation).queue]

    def _woken(self, message: QueueMessage) -> Operation | None:
        """Return the operation that a wake-up is about, if it is one of ours."""
        try:
            seen = decode(message.body)
        except DecodeError:
            return None
        assert isinstance(seen, WakeUp), f"The wake-ups' queue holds a {type(seen).__name__}."
        named = seen.operation_id or (
            seen.resource and self._waking.engine.store.operation_of_resource(seen.resource)
        )
        return self.operation(named) if named else None

    def _look_again(self, operation_id: str, queue: QueueName) -> None:
        """Run a waiting step early, as a wake-up does: its poll would come in seconds."""
        wake_up = WakeUp(operation_id=operation_id, reason="the tests look again")
        message = QueueMessage(
            message_id=operation_id, body=wake_up.queue_body(), receive_count=2, queue=None
        )
        _handled(self._consumers[queue], message)


def switch_off(cloud: Cloud, *functions: str) -> None:
    """Let deployed functions of an environment consume no more."""
    client: Any = cloud._make("lambda")
    for function in functions:
        name = f"{cloud.account.environment}-bbws-async-processor-{function}"
        mappings = client.list_event_source_mappings(FunctionName=name)
        for mapping in mappings["EventSourceMappings"]:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    time.sleep(3)  # a poll may be under way


def _stands(operation: Operation) -> bool:
    """Whether it has ended, or stopped where only a person can let it go on."""
    return operation.is_terminal or operation.status is OperationStatus.ROLLBACK_FAILED


def _consumer(fleet: Fleet, failures: Failures) -> Consumer:
    workflows = {kind: failures.within(flow) for kind, flow in fleet.engine.workflows.items()}
    return Consumer(replace(fleet.engine, workflows=workflows))


def _handled(consumer: Consumer, message: QueueMessage) -> Disposition:
    """Return a message's fate; what breaks the consumer itself lets SQS show it again."""
    try:
        return consumer.handle(message)
    except TransientError:
        return TryAgain(after_seconds=1)
