"""Clocks of workers that differ by seconds: nothing of an operation's end depends on them."""

from __future__ import annotations

from core.ports.messaging import QueueName
from events.formats import Environment
from events.vocabulary import DetailType, OperationStatus
from simulation.requests import creation
from simulation.scenario import prepared
from tests.engine.deciding import message_to


def test_an_end_before_the_beginning_is_announced_with_no_duration():
    """The worker that accepted it is ahead of the one that ends it, by more than it took."""
    fleet = prepared(Environment.DEV)
    fleet.send(QueueName.CREATION, creation())
    assert fleet._consume()
    (operation,) = fleet.store.operations.values()
    fleet.world.queues[QueueName.CREATION].clear()
    fleet.clock.advance(-3)
    cancel = message_to("OPERATION_CANCEL_REQUEST", operation.operation_id)
    fleet.send(QueueName.CREATION, cancel)
    fleet.run()
    ended = fleet.store.operations[operation.operation_id]
    assert ended.status is OperationStatus.CANCELLED
    assert ended.completed_at < ended.created_at
    (event,) = [e for e in fleet.world.events if e.detail_type is DetailType.OPERATION_CANCELLED]
    assert event.data.duration_seconds == 0
    assert fleet.world.notifications[-1].event_id == event.metadata.event_id
