"""Asking for an update, and seeing how it ends."""

from __future__ import annotations

from core.domain.operation import Operation
from core.ports.messaging import QueueName
from simulation.fleet import SimulatedFleet


def ended(fleet: SimulatedFleet, body: str) -> Operation | None:
    """Send an update; return its operation, or None when it was refused."""
    known = set(fleet.store.operations)
    fleet.send(QueueName.UPDATE, body)
    fleet.run()
    fresh = [o for name, o in fleet.store.operations.items() if name not in known]
    return fresh[0] if fresh else None
