"""Workers that die again and again: the message ends with a reason, the operation is reported."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.adapters.memory.boundary import AnswerLostError, Crashed
from core.domain.errors import TransientError
from core.domain.replays import Fate, ReplayFilter
from core.engine.message import Acknowledged, QueueMessage
from core.ports.messaging import QueueName
from events.formats import Environment
from events.vocabulary import DetailType, OperationStatus, Phase
from simulation.fleet import MAX_RECEIVES
from simulation.operator import Operator
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


def last_receive(body: str) -> QueueMessage:
    return QueueMessage(
        message_id="m-1", body=body, receive_count=MAX_RECEIVES, queue=QueueName.CREATION
    )


class TestRequestsThatCannotBeJudged:
    """A sender hears of a request that breaks the door itself, and it is not a silent letter."""

    @staticmethod
    def broken(fleet, error: Exception):
        def get(_tenant_id):
            raise error

        fleet.engine.ports.tenants.get = get

    def test_the_last_receive_is_answered(self):
        fleet = prepared(Environment.DEV)
        self.broken(fleet, RuntimeError("of account 1234"))
        disposition = fleet.consumer.handle(last_receive(creation()))
        assert isinstance(disposition, Acknowledged)
        assert disposition.fate is Fate.BROKE
        [letter] = fleet.world.dead_letters
        assert letter.attributes["errorCode"] == "SYS_001"
        assert "RuntimeError" in letter.attributes["reason"]
        assert "1234" not in letter.attributes["reason"], "an unknown text may be private"
        [event] = fleet.world.events
        assert event.detail_type is DetailType.OPERATION_REJECTED
        assert event.data.error.code == "SYS_001"
        assert fleet.store.operations == {}

    def test_one_that_comes_again_is_tried_again(self):
        fleet = prepared(Environment.DEV)
        self.broken(fleet, RuntimeError("a defect"))
        with pytest.raises(RuntimeError):
            fleet.consumer.handle(replace(last_receive(creation()), receive_count=1))
        assert (fleet.world.dead_letters, fleet.world.events) == ([], [])

    def test_what_has_begun_is_not_called_refused(self):
        fleet = prepared(Environment.DEV)

        answers = fleet.engine.bus.publish

        def publish(_events):
            fleet.engine.bus.publish = answers  # a refusal would be published
            raise TransientError("The bus does not answer.")

        fleet.engine.bus.publish = publish
        with pytest.raises(TransientError):
            fleet.consumer.handle(last_receive(creation()))
        assert len(fleet.store.operations) == 1
        assert fleet.world.dead_letters == []

    def test_a_replay_of_it_is_accepted_once_the_cause_is_gone(self):
        fleet = prepared(Environment.DEV)
        tenants = fleet.engine.ports.tenants
        kept = tenants.get
        self.broken(fleet, TransientError("The table does not answer."))
        fleet.consumer.handle(last_receive(creation()))
        tenants.get = kept
        operator = Operator(fleet=fleet)
        [foretold] = operator.plan()
        assert foretold.forecast.fate is Fate.ACCEPTED
        operator.replay(ReplayFilter())
        fleet.run(most_steps=5000)
        [operation] = fleet.store.operations.values()
        assert operation.status is OperationStatus.COMPLETED
