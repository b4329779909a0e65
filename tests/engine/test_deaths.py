"""Workers that die again and again: the message ends with a reason, the operation is reported."""

from __future__ import annotations

import json
from dataclasses import replace

from core.adapters.memory.boundary import AnswerLostError, Crashed
from core.engine.message import Acknowledged, QueueMessage
from core.ports.messaging import QueueName
from events.formats import Environment
from events.vocabulary import DetailType, OperationStatus, Phase
from simulation.fleet import MAX_RECEIVES
from simulation.requests import FIRST, SECOND, creation
from simulation.scenario import prepared
from tests.engine.deciding import until
from tests.engine.standing import (
    THIRD,
    as_it_was,
    desk_with,
    never,
    replace_step,
    retry,
    until_stalled,
)


def test_a_retry_that_kills_every_worker_is_reported_anew():
    """What a person took up is looked after again: at its deadline, it is reported once more."""
    desk = desk_with(THIRD, FIRST, SECOND)
    never(desk, "survey_target")
    until_stalled(desk)

    def deadly(_context):
        raise Crashed("out of memory")

    as_it_was(desk)
    replace_step(desk, "survey_target", Phase.FORWARD, deadly)
    retry(desk)
    until(desk.fleet, lambda: desk.operation.stalled_since is None)
    until_stalled(desk)
    told = [e for e in desk.fleet.world.events if e.detail_type is DetailType.OPERATION_STALLED]
    assert len({event.metadata.event_id for event in told}) == 2
    as_it_was(desk)
    retry(desk)
    desk.fleet.run(most_steps=5000)
    assert desk.operation.status is OperationStatus.COMPLETED


def test_the_last_receive_leaves_no_silent_dead_letter_behind_a_lost_claim():
    """The commit's answer was lost, and with it the lease: the message finds out as a new one."""
    fleet = prepared(Environment.DEV)
    fleet.send(QueueName.CREATION, creation())
    assert fleet._consume()
    (message,) = fleet.world.queues[QueueName.CREATION]
    fleet.world.queues[QueueName.CREATION].clear()
    commit = fleet.store.commit

    def lost(operation):
        fleet.store.commit = commit
        commit(operation)
        raise AnswerLostError("no answer")

    fleet.store.commit = lost
    last = QueueMessage(
        message_id="m-1",
        body=message.body,
        receive_count=MAX_RECEIVES,
        queue=QueueName.CREATION,
    )
    assert isinstance(fleet.consumer.handle(last), Acknowledged)
    (again,) = fleet.world.queues[QueueName.CREATION]
    assert json.loads(again.body)["messageType"] == "STEP_POLL"
    assert again.receive_count == 0
    fleet.run()
    (operation,) = fleet.store.operations.values()
    assert operation.status is OperationStatus.COMPLETED
    assert fleet.world.dead_letters == []
    assert replace(operation, lease_owner=None) == operation
