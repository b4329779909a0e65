"""Puts a recorded moment into a fleet of today's code."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.adapters.memory.clock import ManualClock, SeededIds
from core.adapters.memory.world import World
from core.domain.policy import Policy
from core.ports.messaging import QueueName
from events.decode import decode
from events.formats import Environment
from events.progress import FleetEvent
from simulation.effects import Effects
from simulation.fleet import FleetState, SimulatedFleet, policy_of
from simulation.in_flight.forms import Flat, below, fill, message_of
from simulation.in_flight.recordings import Header, Moment
from simulation.in_flight.tables import read_operations, read_sites

ELSEWHERE = frozenset({"clock", "ids", "source", "sites", "releases", "queues"})
"""Fields of a world that are not filled from what was written of it."""


def load(header: Header, moment: Moment) -> SimulatedFleet:
    """Return a fleet in which this moment is now.

    Raises ValueError where something stored or queued cannot be read any more.
    """
    clock = ManualClock(datetime.fromisoformat(moment.now))
    ids = SeededIds(moment.number)
    environment = Environment(header.environment)
    world = World(environment=environment, clock=clock, ids=ids, source=_source(moment, clock))
    fill(world, "world", moment.flat, ELSEWHERE)
    read_sites(world, below(moment.flat, "sites"))
    for queue in QueueName:
        world.queues[queue] = [message_of(m) for m in below(moment.flat, f"queues/{queue}")]
    effects = Effects()
    fill(effects, "effects", moment.flat)
    store = read_operations(world, below(moment.flat, "operations"))
    fleet = SimulatedFleet(
        environment=environment,
        state=FleetState(clock=clock, world=world, store=store, effects=effects),
        other_policy=_policy(header),
    )
    _go_on(fleet, header, moment.flat)
    return fleet


# --- inside ---------------------------------------------------------------------------------


def _source(moment: Moment, clock: ManualClock) -> World | None:
    name = moment.flat.get("source/environment")
    if name is None:
        return None
    source = World(environment=Environment(name), clock=clock)
    fill(source, "source", moment.flat, ELSEWHERE)
    return source


def _policy(header: Header) -> Policy | None:
    if header.most_running is None:
        return None
    cap = {"max_running_operations_per_tenant": header.most_running}
    return policy_of(Environment(header.environment)).model_copy(update=cap)


def _go_on(fleet: SimulatedFleet, header: Header, flat: Flat) -> None:
    """Set what the outside was about to do: its reports, its people, and its troubles."""
    fleet.jobs.seconds = header.job_seconds
    header.troubles.befall(fleet)
    fleet.people.against = header.against
    fleet.people.answered = {(operation, role) for operation, role in flat["answered"]}
    fleet.reporter.reported = set(flat["reported"])
    fleet.reports = list(flat["wakeUps"])
    fleet.notifier_queue = [_event(body) for body in flat["notifier"]]


def _event(body: Any) -> FleetEvent:
    event = decode(body)
    if not isinstance(event, FleetEvent):
        raise TypeError(f"what the notifier was to announce is no event: {event!r}")
    return event
