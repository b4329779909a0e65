"""A fleet with one creation: what the tests of the runner and of the sweeper start from."""

from __future__ import annotations

from core.adapters.memory.boundary import Boundary
from core.engine.message import QueueMessage
from core.ports.messaging import QueueName
from simulation.requests import creation
from simulation.scenarios import SCENARIOS


def in_dev():
    """Dev, with its image and a tenant, nothing on its queues."""
    (fresh,) = (s for s in SCENARIOS if s.name == "creation")
    fleet = fresh.start(Boundary())
    fleet.world.queues[QueueName.CREATION].clear()
    return fleet


def message(body: str, *, receive_count: int = 1, queue=QueueName.CREATION) -> QueueMessage:
    return QueueMessage(message_id="m-1", body=body, receive_count=receive_count, queue=queue)


def only_operation(fleet):
    (operation,) = fleet.store.operations.values()
    return operation


def accepted(fleet):
    """Let a creation be accepted and its event wait on the queue; return the event's body."""
    fleet.consumer.handle(message(creation()))
    (event,) = fleet.world.queues[QueueName.CREATION]
    fleet.world.queues[QueueName.CREATION].clear()
    return event.body


def until_waiting(fleet):
    """Let the creation run until a step waits; return the operation."""
    fleet.send(QueueName.CREATION, creation())
    while not fleet.store.operations or only_operation(fleet).wait_number == 0:
        assert fleet._consume()
    return only_operation(fleet)
