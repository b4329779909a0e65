"""Dead letters of every shape: made by the fleet where it makes them, else as AWS writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import cycle, islice
from uuid import NAMESPACE_URL, uuid5

from core.adapters.memory.world import StoredMessage
from core.bootstrap import WORKFLOWS
from core.domain.errors import TransientError
from core.domain.operation import Operation
from core.engine.derive import derive_events
from core.engine.step import Step
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events.formats import Environment
from events.vocabulary import DetailType
from simulation.fleet import SimulatedFleet
from simulation.requests import creation, deletion, promotion, update
from simulation.scenario import prepared

TENANTS = [f"tenant-{number}" for number in range(1, 6)]
ARN = "arn:aws:sqs:af-south-1:536580886816:bbws-wp-site"
BREAKING = {
    "site-x": ("lock_site", "The table is throttled: 501 units asked."),
    "site-y": ("lock_site", "The table does not answer."),
    "site-z": ("prepare_secrets", "The secret could not be written: limit 40 reached."),
}
"""Site -> the step of its creation that breaks, and what its outside service says."""


class Switch:
    """Lets steps break, as long as it is on."""

    def __init__(self) -> None:
        self.broken: dict[str, str] = {}
        """Step -> what its outside service says."""
        self.spared: set[str] = set()
        """Operations that nothing breaks."""

    def workflows(self):
        return {
            kind: replace(workflow, steps=tuple(self._watched(step) for step in workflow.steps))
            for kind, workflow in WORKFLOWS.items()
        }

    def _watched(self, step: Step) -> Step:
        def run(context):
            said = self.broken.get(step.name)
            if said is not None and context.operation.operation_id not in self.spared:
                raise TransientError(said)
            return step.run(context)

        return replace(step, run=run)


def a_fleet(switch: Switch | None = None) -> SimulatedFleet:
    """Return dev with five tenants, and workflows whose steps the switch breaks."""
    fleet = prepared(Environment.DEV)
    fleet.world.tenants = {
        name: Tenant(tenant_id=name, status="REGISTERED", tier="enterprise") for name in TENANTS
    }
    room = {**fleet.policy.sites_by_tier, "enterprise": 100_000}
    fleet.policy = fleet.policy.model_copy(update={"sites_by_tier": room})
    if switch is not None:
        fleet.workflows = switch.workflows()
    fleet._wire()
    return fleet


def a_site(fleet: SimulatedFleet, tenant_id: str, site_id: str, *, correlation: str) -> None:
    body = creation(site_id, tenantId=tenant_id, subdomain=site_id, correlation=correlation)
    fleet.send(QueueName.CREATION, body, tenant_id=tenant_id)


def stalled_by(fleet: SimulatedFleet, switch: Switch, step: str, said: str, site: str) -> Operation:
    """Let a creation break at a step until it is stalled; return it."""
    switch.broken = {step: said}
    known = set(fleet.store.operations)
    a_site(fleet, "tenant-1", site, correlation=f"create-{site}")
    fleet.run()
    switch.broken = {}
    (operation,) = [o for name, o in fleet.store.operations.items() if name not in known]
    assert operation.stalled_since is not None
    return operation


def copies(fleet: SimulatedFleet, operation: Operation, number: int) -> Iterator[Operation]:
    """Store operations that stand where this one stands, each with its dead letter."""
    letter = next(
        m
        for m in fleet.world.dead_letters
        if m.attributes.get("operationId") == operation.operation_id
    )
    for count, tenant_id in zip(range(number), cycle(TENANTS), strict=False):
        name = str(uuid5(NAMESPACE_URL, f"{operation.operation_id}/{count}"))
        copy = replace(operation, operation_id=name, tenant_id=tenant_id, site_id=f"site-c{count}")
        fleet.store.operations[name] = copy
        body = json.loads(fleet.store.requests[operation.operation_id])
        body["payload"] |= {
            "tenantId": tenant_id,
            "siteId": copy.site_id,
            "subdomain": copy.site_id,
        }
        fleet.store.requests[name] = json.dumps(body)
        for (_, phase, step), record in list(fleet.store.step_records.items()):
            if record.operation_id == operation.operation_id:
                fleet.store.step_records[name, phase, step] = replace(record, operation_id=name)
        attributes = {**letter.attributes, "operationId": name, "tenantId": tenant_id}
        put(fleet, derive_events(copy)[0].queue_body(), attributes=attributes)
        yield copy


def put(
    fleet: SimulatedFleet,
    body: str,
    *,
    attributes: dict[str, str] | None = None,
    source: str | None = None,
    undeliverable: bool = False,
    tenant_id: str = "",
) -> StoredMessage:
    """Put a letter where SQS, EventBridge or SNS would put it."""
    now = fleet.clock.now()
    message = StoredMessage(
        message_id=fleet.world.ids.new_id(),
        body=body,
        tenant_id=tenant_id,
        sent_at=now,
        visible_at=now,
        attributes=attributes or {},
        source=source,
    )
    (fleet.world.undeliverable if undeliverable else fleet.world.dead_letters).append(message)
    return message


def target_failure(fleet: SimulatedFleet, event, queue: str) -> StoredMessage:
    """An event that EventBridge could not deliver to a queue."""
    attributes = {
        "RULE_ARN": "arn:aws:events:af-south-1:536580886816:rule/bbws-wp-site-events-dev/creation",
        "TARGET_ARN": f"{ARN}-{queue}-dev",
        "ERROR_CODE": "SDK_CLIENT_ERROR",
        "ERROR_MESSAGE": "The queue policy does not allow it, request 81723-22.",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "RETRY_ATTEMPTS": "185",
    }
    return put(fleet, event.queue_body(), attributes=attributes, undeliverable=True)


REFUSED = (
    (QueueName.CREATION, '{"messageType": "SITE_CREATION_REQUEST"'),
    (QueueName.CREATION, '{"messageType": "SITE_CREATION_REQUEST", "payload": {}}'),
    (QueueName.UPDATE, '{"messageType": "SITE_MOVE_REQUEST", "correlationId": "m"}'),
    (QueueName.DELETION, "not json at all"),
    (QueueName.CREATION, creation(tenantId="tenant-unknown", correlation="u")),
    (QueueName.CREATION, creation(configuration={"plugins": ["no-such-plugin"]}, correlation="p")),
    (QueueName.UPDATE, update(changes={"scale": {"desiredCount": 2}}, siteId="site-none")),
    (QueueName.DELETION, deletion("site-none", correlation="d")),
    (QueueName.PROMOTION, promotion(sourceEnvironment="dev", targetEnvironment="prod")),
    (QueueName.DELETION, creation(correlation="wrong-queue")),
)
"""What the fleet refuses at the door, each for another reason."""


@dataclass
class Mixed:
    """A fleet whose dead-letter queues hold letters of every shape."""

    fleet: SimulatedFleet
    switch: Switch


def mixed(total: int) -> Mixed:
    """Return about so many letters: 20 failures and more, five tenants, all shapes."""
    switch = Switch()
    fleet = a_fleet(switch)
    for number, tenant_id in enumerate(TENANTS):
        a_site(fleet, tenant_id, f"site-done-{number}", correlation=f"done-{number}")
    fleet.run(most_steps=20_000)
    first = next(iter(fleet.store.operations))
    events = [e for e in fleet.world.events if e.metadata.operation_id == first]
    share = total // 12
    _refused(fleet, share * 4)
    _exhausted(fleet, switch, share)
    _undelivered(fleet, events, share)
    _repeated(fleet, events, share)
    _new(fleet)
    return Mixed(fleet=fleet, switch=switch)


def _refused(fleet: SimulatedFleet, number: int) -> None:
    for queue, body in REFUSED:
        fleet.send(queue, body)
    fleet.run()
    for template in islice(cycle(list(fleet.world.dead_letters)), number):
        put(fleet, template.body, attributes=dict(template.attributes))


def _exhausted(fleet: SimulatedFleet, switch: Switch, share: int) -> None:
    """Operations that stand at a step; copies stand at one that needs nothing made before."""
    made: list[Operation] = []
    for site_id, (step, said) in BREAKING.items():
        operation = stalled_by(fleet, switch, step, said, site_id)
        if step == "lock_site":
            made += copies(fleet, operation, share)
    assert len(made) == 2 * share
    _take_away(fleet, made[0])


def _take_away(fleet: SimulatedFleet, operation: Operation) -> None:
    """Let another worker have the operation for longer than any replay takes."""
    until = fleet.clock.now() + timedelta(days=2)
    fleet.store.operations[operation.operation_id] = replace(
        operation, lease_owner="another", lease_until=until
    )


def _new(fleet: SimulatedFleet) -> None:
    """Requests that no worker lived to accept, and a fact that was never announced."""
    for number, tenant_id in enumerate(TENANTS):
        site_id = f"site-new-{number}"
        body = creation(site_id, tenantId=tenant_id, subdomain=site_id, correlation=site_id)
        put(fleet, body, source="creation", tenant_id=tenant_id)
    ends = [e for e in fleet.world.events if e.detail_type is DetailType.OPERATION_COMPLETED]
    done = ends[-1]  # of a site none of whose own events come again: they would announce it, too
    del fleet.store.facts[done.metadata.event_id]
    for _ in range(2):
        put(fleet, done.queue_body(), source="notifier", undeliverable=True)


def _undelivered(fleet: SimulatedFleet, events, share: int) -> None:
    for number, event in enumerate(islice(cycle(events), share)):
        target_failure(fleet, event, "creation")
        source = ("notifier", "sweeper", "wakeup")[number % 3]
        put(fleet, event.queue_body(), source=source, undeliverable=True)
    for number, notification in enumerate(islice(cycle(fleet.world.notifications), share)):
        raw = notification.default_json()
        wrapped = json.dumps({"Type": "Notification", "Message": raw})
        put(fleet, raw if number % 2 else wrapped, undeliverable=True)


def _repeated(fleet: SimulatedFleet, events, share: int) -> None:
    for number, event in enumerate(islice(cycle(events), share)):
        put(fleet, event.queue_body(), source="creation", tenant_id="tenant-1")
        done = number % len(TENANTS)
        repeat = creation(
            f"site-done-{done}",
            tenantId=TENANTS[done],
            subdomain=f"site-done-{done}",
            correlation=f"done-{done}",
        )
        put(fleet, repeat, source="creation", tenant_id=TENANTS[done])
        put(fleet, f"lost and found {number}")
