"""The sweeper's role on one machine: it announces what a worker recorded and could not announce."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from local_fleet import Fleet

from core.bootstrap import fleet as wired
from core.domain.errors import TransientError
from core.engine.consumer import Consumer
from core.engine.message import QueueMessage
from core.ports.messaging import QueueName
from events import identity
from events.progress import FleetEvent
from tests.acceptance.fleet_client import envelope, eventually
from tests.acceptance.spans import span

pytestmark = pytest.mark.machine
SITE, TENANT = "site-0b5e8400-e29b-41d4-a716-446655440000", "tenant-1"


class Silent:
    """A bus that does not answer."""

    def publish(self, events: Sequence[FleetEvent]) -> None:
        raise TransientError("EventBridge does not answer.")


def test_it_announces_what_a_worker_could_not(fleet: Fleet):
    fleet.put_site("sit", TENANT, SITE)
    deletion = wired(fleet.variables("sit", "deletion"), fleet.function("sit", "deletion"))
    sweeper = wired(fleet.variables("sit", "sweeper"), fleet.function("sit", "sweeper")).sweeper
    store = deletion.engine.store
    at_once = deletion.engine.policy.model_copy(update={"sweep_grace_seconds": 0})
    worker = Consumer(replace(deletion.engine, bus=Silent(), policy=at_once))
    asked = {"tenantId": TENANT, "siteId": SITE, "reason": "The contract has ended."}
    request = envelope("SITE_DELETION_REQUEST", asked, idempotencyKey="delete-unannounced")
    message = QueueMessage(
        message_id="m-1", body=json.dumps(request), receive_count=1, queue=QueueName.DELETION
    )
    with pytest.raises(TransientError):
        worker.handle(message)
    operation_id = identity.operation_id(
        "sit", TENANT, "SITE_DELETION_REQUEST", "delete-unannounced"
    )
    silent = store.get(operation_id)
    assert silent is not None, "it was recorded before it was announced"

    with span("swept"):
        assert sweeper.sweep() > 0
    eventually(
        lambda: store.get(operation_id).fence > silent.fence,
        "the announced step, which the deployed function takes up",
        seconds=60,
    )
