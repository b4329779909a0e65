"""Records a story: the fleet runs on the real DynamoDB adapter, and each moment is written down."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import boto3
from moto import mock_aws

from core.adapters.aws import operation_items as items
from core.adapters.aws.decisions import decision_item
from core.adapters.aws.operations import DynamoOperations
from core.adapters.aws.operations_table import table_definition
from core.adapters.memory.boundary import Boundary, Call
from core.adapters.memory.operations import MemoryOperationStore
from core.domain.operation import Operation, Turn
from core.engine.claims import Ticket, ticket_for
from events.decode import DecodeError, decode
from events.progress import FleetEvent, StepPoll
from events.vocabulary import OperationStatus
from simulation.fleet import SimulatedFleet
from simulation.in_flight.forms import Flat, message_form, written
from simulation.in_flight.recordings import Header, Moment, Recording, told_of
from simulation.in_flight.stories import Story
from simulation.in_flight.tables import path_of, plain, site_items_of
from simulation.promises import snapshot

TABLE: Final = "operations"
NOT_OF_THE_WORLD: Final = frozenset(
    {
        "clock",
        "ids",
        "source",
        "events",
        "notifications",
        "mails",
        "measurements",
        "metrics",
        "callers",
        "decisions",
        "sites",
        "releases",
        "queues",
    }
)
"""Kept elsewhere, made anew, or nothing that a run goes on from."""
EVERY_PREPARED: Final = 4
"""Every so-manieth prepared result is a moment: a worker that dies between prepare and commit."""


@dataclass(kw_only=True)
class Recorder:
    """Watches one run."""

    story: Story
    client: Any
    known: set[str] = field(default_factory=set)
    """Operations of before."""
    moments: list[Moment] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    prepared: int = 0
    order: dict[str, int] = field(default_factory=dict)
    """Message -> how many came before it."""

    def record(self, release: str) -> Recording:
        """Run the story to its end."""
        boundary = Boundary()
        fleet = self.story.start(boundary)
        self.known = set(fleet.store.operations)
        self._move_in(fleet.store)
        fleet.keep_operations_in(DynamoOperations(client=self.client, table_name=TABLE))
        boundary.after = lambda call: self._look_inside(fleet, call)
        self._look(fleet)
        while fleet.step():
            self._look(fleet)
        return Recording(header=self._header(release, fleet), moments=self.moments)

    def _header(self, release: str, fleet: SimulatedFleet) -> Header:
        scenario = self.story.scenario
        ended = self._operations(self._scan())
        return Header(
            release=release,
            story=scenario.name,
            environment=scenario.environment.value,
            against=scenario.against,
            job_seconds=scenario.job_seconds,
            most_running=scenario.most_running,
            troubles=self.story.troubles,
            plans={name: list(operation.plan) for name, operation in ended.items()},
            ends={name: operation.status.value for name, operation in ended.items()},
            told={name: len(ids) for name, ids in told_of(fleet).items()},
            left=json.loads(json.dumps(snapshot(fleet), default=str)),
        )

    # --- moments ----------------------------------------------------------------------------

    def _look_inside(self, fleet: SimulatedFleet, call: Call) -> None:
        if (call.port, call.method) == ("operations", "prepare"):
            self.prepared += 1
            if self.prepared % EVERY_PREPARED == 1:
                self._look(fleet)

    def _look(self, fleet: SimulatedFleet) -> None:
        stored = self._scan()
        operations = self._operations(stored)
        under_way = {n: o for n, o in operations.items() if not o.is_terminal}
        flat = self._flat(fleet, stored)
        fingerprint = json.dumps([_stand(flat), [_where(o) for o in under_way.values()]])
        if fingerprint in self.seen or not (under_way or _in_flight(flat)):
            return
        self.seen.add(fingerprint)
        self.moments.append(
            Moment(
                number=len(self.moments) + 1,
                now=fleet.clock.now().isoformat(),
                steps={name: operation.step for name, operation in under_way.items()},
                claims=tuple(_claims(fleet, under_way)),
                told=told_of(fleet),
                flat=flat,
            )
        )

    def _flat(self, fleet: SimulatedFleet, stored: list[Any]) -> Flat:
        world = fleet.world
        table = [*stored, *map(decision_item, world.decisions.values())]
        flat: Flat = {f"operations/{path_of(item)}": plain(item) for item in table}
        flat |= {f"sites/{path_of(item)}": item for item in site_items_of(world)}
        flat |= written(world, "world", NOT_OF_THE_WORLD)
        flat |= written(fleet.effects, "effects")
        if world.source is not None:
            flat |= written(world.source, "source", NOT_OF_THE_WORLD)
        for queue, messages in world.queues.items():
            for message in messages:
                number = self.order.setdefault(message.message_id, len(self.order))
                flat[f"queues/{queue}/{number:05}"] = message_form(message)
        flat["wakeUps"] = list(fleet.reports)
        flat["notifier"] = [event.queue_body() for event in fleet.notifier_queue]
        flat["answered"] = sorted(map(list, fleet.people.answered))
        flat["reported"] = sorted(fleet.reporter.reported)
        return flat

    # --- the table --------------------------------------------------------------------------

    def _move_in(self, store: MemoryOperationStore) -> None:
        """Put what the story's earlier operations have left into the table."""
        for name, operation in store.operations.items():
            self._put(items.created_item(operation))
            request = {"PK": items.operation_pk(name), "SK": items.REQUEST_SK}
            self._put({k: {"S": v} for k, v in {**request, "body": store.requests[name]}.items()})
        for record in store.step_records.values():
            self._put(items.step_item(record))
        for resource, name in store.resources.items():
            keys = {"PK": f"RESOURCE#{resource}", "SK": items.OPERATION_SK, "operationId": name}
            self._put({k: {"S": v} for k, v in keys.items()})

    def _put(self, item: Any) -> None:
        self.client.put_item(TableName=TABLE, Item=item)

    def _scan(self) -> list[Any]:
        pages = self.client.get_paginator("scan").paginate(TableName=TABLE)
        return sorted((item for page in pages for item in page["Items"]), key=path_of)

    def _operations(self, stored: list[Any]) -> dict[str, Operation]:
        found = (
            items.operation_of(item)
            for item in stored
            if item["PK"]["S"].startswith("OPERATION#") and item["SK"]["S"] == items.OPERATION_SK
        )
        return {o.operation_id: o for o in found if o.operation_id not in self.known}


@contextmanager
def table() -> Iterator[Any]:
    """Open an empty operations table, answered by moto."""
    with mock_aws():
        client = boto3.client(
            "dynamodb",
            region_name="af-south-1",
            aws_access_key_id="recorder",
            aws_secret_access_key="recorder",  # noqa: S106 - moto takes any
        )
        client.create_table(**table_definition(TABLE))
        yield client


# --- inside ---------------------------------------------------------------------------------


def _claims(fleet: SimulatedFleet, under_way: dict[str, Operation]) -> Iterator[str]:
    """Yield the messages that entitle to a step just now."""
    for messages in fleet.world.queues.values():
        for message in messages:
            ticket = _ticket(message.body)
            operation = under_way.get(ticket.operation_id) if ticket else None
            if ticket is not None and operation is not None and _may_claim(operation, ticket):
                yield message.message_id


def _ticket(body: str) -> Ticket | None:
    try:
        decoded = decode(body)
    except DecodeError:
        return None
    return ticket_for(decoded) if isinstance(decoded, FleetEvent | StepPoll) else None


def _may_claim(operation: Operation, ticket: Ticket) -> bool:
    """Tell it as the table's condition does; nobody holds the lease, and it waits for no person."""
    stands = (operation.event_id, operation.wait_number)
    free = operation.lease_owner is None and operation.turn is not Turn.WAITING
    given_up = operation.status is OperationStatus.ROLLBACK_FAILED
    return stands == (ticket.event_id, ticket.wait_number) and free and not given_up


def _where(operation: Operation) -> list[object]:
    return [
        operation.operation_id,
        operation.status,
        operation.phase,
        operation.step,
        operation.attempt,
        operation.wait_number > 0,
        operation.lease_owner is not None,
        operation.stalled_since is not None,
        operation.cancel_requested,
        operation.turn,
        operation.lock_held,
    ]


def _stand(flat: Flat) -> list[object]:
    """Return how many messages lie where, and how many objects there are."""
    queues = Counter(path.split("/")[1] for path in flat if path.startswith("queues/"))
    results = sum(1 for path in flat if path.endswith('result.json"'))
    return [sorted(queues.items()), results, len(flat["wakeUps"]), len(flat["notifier"])]


def _in_flight(flat: Flat) -> bool:
    queued = any(path.startswith("queues/") for path in flat)
    return bool(queued or flat["wakeUps"] or flat["notifier"])
