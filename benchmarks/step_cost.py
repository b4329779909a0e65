"""What a step costs beyond what it does itself: AWS calls counted, list prices applied.

Runs a promotion through the real engine and the real DynamoDB adapter (moto answers) and counts
every DynamoDB call, its capacity units by item size, and its index writes. Counts are exact and
the same in every run; only the Lambda duration is an assumption, printed with the result.

    python benchmarks/step_cost.py
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import structlog
from moto import mock_aws

from core.adapters.aws.operations import DynamoOperations
from core.adapters.aws.operations_table import INDEXES, table_definition
from core.adapters.memory.boundary import Boundary, Call
from core.adapters.memory.world import World
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events.formats import Environment
from simulation.fleet import SimulatedFleet
from simulation.jobs import DIGEST
from simulation.requests import TENANT, promotion

TABLE = "operations"
WRITES = frozenset({"UpdateItem", "PutItem", "DeleteItem", "TransactWriteItems"})
WRITE_UNIT_BYTES, READ_UNIT_BYTES = 1024, 4096
DOLLARS_PER_MILLION = {
    "DynamoDB write units": 0.625,
    "DynamoDB read units": 0.125,
    "EventBridge events": 1.00,
    "SQS requests": 0.40,
    "Lambda requests": 0.20,
    "Lambda GB-seconds": 16.67,
}
"""AWS list prices."""
SQS_REQUESTS_PER_MESSAGE = 3
"""The send (EventBridge's or the engine's), Lambda's receive, Lambda's delete."""
LAMBDA_SECONDS, LAMBDA_GIB = 0.05, 0.25
"""Assumed: a warm function of 256 MiB that waits 50 ms for its own four or five calls."""


@dataclass(kw_only=True)
class Message:
    """What the engine itself called while it handled one message."""

    reads: int = 0
    writes: int = 0
    read_units: int = 0
    write_units: int = 0
    index_writes: int = 0
    events: int = 0
    by_person: bool = False
    """An approval: it is looked at before the step that waited for it runs."""


@dataclass(kw_only=True)
class Meter:
    """Watches a DynamoDB client; `quiet` is another one, for looking at items unseen."""

    quiet: Any
    messages: list[Message] = field(default_factory=list)
    step_is_at_work: bool = False
    """While a step does its own work (the lock), its calls are not the engine's."""
    _items: dict[str, dict[str, Any]] = field(default_factory=dict)
    _keys: list[dict[str, Any]] = field(default_factory=list)
    _factor: int = 1

    def watch(self, client: Any) -> None:
        """Count the calls of a client from now on."""
        client.meta.events.register("provide-client-params.dynamodb.*", self._before)
        client.meta.events.register("after-call.dynamodb.*", self._after)

    def _before(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if not self.messages or self.step_is_at_work:
            return
        message = self.messages[-1]
        if model.name not in WRITES:
            message.reads += 1
            return
        message.writes += 1
        self._keys = list(_keys(model.name, params))
        self._items = {str(key): self._look(key) for key in self._keys}
        self._factor = 2 if model.name == "TransactWriteItems" else 1

    def _after(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if not self.messages or self.step_is_at_work:
            return
        message = self.messages[-1]
        if model.name not in WRITES:
            size = sum(_size(item) for item in parsed.get("Items", []))
            size += _size(parsed.get("Item", {}))
            message.read_units += max(1, math.ceil(size / READ_UNIT_BYTES))
            return
        for key in self._keys:
            old, new = self._items[str(key)], self._look(key)
            size = max(_size(old), _size(new), 1)
            message.write_units += self._factor * math.ceil(size / WRITE_UNIT_BYTES)
            message.index_writes += _index_writes(old, new)

    def _look(self, key: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.quiet.get_item(TableName=TABLE, Key=key, ConsistentRead=True)
        item: dict[str, Any] = found.get("Item", {})
        return item


def measure() -> list[Message]:
    """Run one promotion and return what was called for each message."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with mock_aws():
        client, quiet = _client(), _client()
        quiet.create_table(**table_definition(TABLE))
        meter = Meter(quiet=quiet)
        boundary = Boundary()
        fleet = _fleet(DynamoOperations(client=client, table_name=TABLE), boundary)
        meter.watch(client)
        boundary.before = lambda call: _note(meter, call)
        boundary.after = lambda call: _noted(meter, call)
        handle = fleet.consumer.handle

        def observed(message: Any) -> Any:
            meter.messages.append(Message(by_person="OPERATION_APPROVAL" in message.body))
            published = len(fleet.world.events)
            try:
                return handle(message)
            finally:
                meter.messages[-1].events = len(fleet.world.events) - published

        fleet.consumer.handle = observed  # type: ignore[method-assign]  # the bench looks on
        fleet.send(QueueName.PROMOTION, promotion())
        fleet.run()
        return meter.messages


def dollars_per_million_steps(messages: list[Message]) -> tuple[dict[str, float], int]:
    """Return dollars by price item for a million steps, and how many steps were counted."""
    steps = sum(1 for message in messages if message.events)
    units = {
        "DynamoDB write units": sum(m.write_units + m.index_writes for m in messages),
        "DynamoDB read units": sum(m.read_units for m in messages),
        "EventBridge events": sum(m.events for m in messages),
        "SQS requests": SQS_REQUESTS_PER_MESSAGE * len(messages),
        "Lambda requests": len(messages),
        "Lambda GB-seconds": LAMBDA_SECONDS * LAMBDA_GIB * len(messages),
    }
    return {name: units[name] / steps * DOLLARS_PER_MILLION[name] for name in units}, steps


def report(messages: list[Message]) -> str:
    """Return the table that is printed."""
    direct = [m for m in messages if m.events]
    lines = [f"{'':24}{'per step':>10}{'with its waits':>16}"]
    alone, _ = dollars_per_million_steps(direct)
    everything, steps = dollars_per_million_steps(messages)
    lines += [f"{name:24}{alone[name]:>10.2f}{everything[name]:>16.2f}" for name in alone]
    totals = f"{sum(alone.values()):>10.2f}{sum(everything.values()):>16.2f}"
    lines.append(f"{'dollars per million':24}{totals}")
    most = max(direct, key=lambda m: (m.writes, m.reads))
    lines += [
        "",
        f"{steps} steps, {len(messages)} messages (polls and wake-ups are the difference).",
        f"Most calls of one step: {max(m.reads for m in direct)} read, {most.writes} write.",
        f"Assumed for Lambda: {LAMBDA_SECONDS * 1000:.0f} ms at {LAMBDA_GIB * 1024:.0f} MiB.",
        "Step Functions Standard would be 25.00 dollars per million transitions.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    print(report(measure()))


# --- inside ---------------------------------------------------------------------------------


def _note(meter: Meter, call: Call) -> None:
    if call.port == "locks":
        meter.step_is_at_work = True


def _noted(meter: Meter, call: Call) -> None:
    if call.port == "locks":
        meter.step_is_at_work = False


def _fleet(store: DynamoOperations, boundary: Boundary) -> SimulatedFleet:
    source = World(environment=Environment.DEV)
    source.images[DIGEST] = "{}"
    fleet = SimulatedFleet(
        environment=Environment.SIT, boundary=boundary, source=source, other_store=store
    )
    fleet.world.tenants[TENANT] = Tenant(tenant_id=TENANT, status="REGISTERED")
    return fleet


def _client() -> Any:
    return boto3.client(
        "dynamodb",
        region_name="af-south-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",  # noqa: S106 - moto takes any
    )


def _keys(operation: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if operation == "TransactWriteItems":
        for entry in params["TransactItems"]:
            (write,) = entry.values()
            yield _key(write)
    else:
        yield _key(params)


def _key(write: dict[str, Any]) -> dict[str, Any]:
    source = write.get("Key") or write["Item"]
    return {"PK": source["PK"], "SK": source["SK"]}


def _size(item: dict[str, Any]) -> int:
    """Item size as DynamoDB counts it: names and values in UTF-8, a number by its digits."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: dict[str, Any]) -> int:
    (kind, content), *_ = value.items()
    if kind == "N":
        return math.ceil(len(str(content)) / 2) + 1
    if kind == "B":
        return len(content)
    return 1 if kind == "BOOL" else len(str(content).encode())


def _index_writes(old: dict[str, Any], new: dict[str, Any]) -> int:
    """A changed key of an index is a delete and a put; one that comes or goes is one write."""
    return sum(_writes_of_index(pair, old, new) for _, *pair in INDEXES)


def _writes_of_index(pair: list[str], old: dict[str, Any], new: dict[str, Any]) -> int:
    before, after = ([item.get(name) for name in pair] for item in (old, new))
    if before == after:
        return 0
    return (None not in before) + (None not in after)


if __name__ == "__main__":
    main()
