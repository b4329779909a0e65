"""What the tests of creation share: a fleet in dev, and how its creations ended."""

from __future__ import annotations

from core.domain.operation import Operation
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events.formats import Environment
from events.progress import FleetEvent
from events.vocabulary import DetailType
from simulation.fleet import SimulatedFleet
from simulation.requests import creation
from simulation.scenario import prepared


def fleet_with(*tenants: Tenant) -> SimulatedFleet:
    """Return an empty dev with these tenants instead of its own."""
    fleet = prepared(Environment.DEV)
    if tenants:
        fleet.world.tenants = {tenant.tenant_id: tenant for tenant in tenants}
    return fleet


def ask(fleet: SimulatedFleet, site_id: str, **payload: object) -> None:
    """Ask for a site, with a subdomain and a correlation of its own."""
    body = {"subdomain": site_id, "correlation": f"create-{site_id}", **payload}
    fleet.send(QueueName.CREATION, creation(site_id, **body))


def ended(fleet: SimulatedFleet) -> dict[str, Operation]:
    """Let everything come to rest; return the operations by site."""
    fleet.run(most_steps=60_000)
    return {operation.site_id: operation for operation in fleet.store.operations.values()}


def rejections(fleet: SimulatedFleet) -> list[FleetEvent]:
    """Return the answers to requests that were not accepted."""
    return [e for e in fleet.world.events if e.detail_type is DetailType.OPERATION_REJECTED]


def refusal(fleet: SimulatedFleet) -> tuple[str, str]:
    """Let everything come to rest; return code and sentence of the only rejection."""
    fleet.run()
    [event] = rejections(fleet)
    assert event.data.error is not None
    return event.data.error.code, event.data.error.message
