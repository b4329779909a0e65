"""The sweeper: nothing is forgotten, and nobody is buried under copies."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from core.ports.messaging import QueueName
from events.vocabulary import OperationStatus
from tests.engine.one_creation import accepted, in_dev, only_operation, until_waiting


@pytest.fixture
def fleet():
    return in_dev()


class TestSweeper:
    def test_an_operation_whose_messages_were_all_lost_goes_on(self, fleet):
        accepted(fleet)
        fleet.run()
        assert only_operation(fleet).status is OperationStatus.COMPLETED

    def test_a_lost_poll_is_sent_again(self, fleet):
        until_waiting(fleet)
        fleet.world.queues[QueueName.CREATION].clear()
        fleet.jobs.seconds = math.inf
        before = fleet.clock.now()
        while not fleet.world.queues[QueueName.CREATION]:
            fleet.step()
        assert fleet.clock.now() > before
        (poll,) = fleet.world.queues[QueueName.CREATION]
        assert json.loads(poll.body)["waitNumber"] == 1

    def test_a_running_step_is_left_alone_until_its_lease_has_passed(self, fleet):
        accepted(fleet)
        operation = only_operation(fleet)
        fleet.clock.advance(600)
        until = fleet.clock.now() + timedelta(seconds=60)
        fleet.store.operations[operation.operation_id] = replace(
            operation, lease_owner="w", lease_until=until
        )
        assert fleet.sweeper.sweep() == 1
        assert fleet.world.queues[QueueName.CREATION] == []
        assert only_operation(fleet).due_at > until

    def test_where_workers_cannot_keep_up_nudges_become_rare(self, fleet):
        """Six hours of backlog: the first message is there still, and few copies are beside it."""
        accepted(fleet)
        grace = fleet.policy.sweep_grace
        fleet.world.events.clear()
        nudged = []
        for minute in range(360):
            fleet.clock.advance(60)
            fleet.sweeper.sweep()
            if fleet.world.events:
                nudged.append(timedelta(minutes=minute))
                fleet.world.events.clear()
        gaps = [later - earlier for earlier, later in pairwise(nudged)]
        assert gaps == sorted(gaps)
        assert gaps[0] < 2 * grace + timedelta(minutes=1)
        assert 8 * grace <= gaps[-1] <= 8 * grace + timedelta(minutes=1)
        assert len(nudged) < 15
