"""What must not be there once everything has ended: doubled effects, and what was left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.acceptance.observers import TERMINAL
from tests.acceptance.world import World

ENVIRONMENTS = ("dev", "sit")


def leftovers(world: World) -> Iterator[str]:
    """Yield a sentence for each thing that must not be there."""
    for name in ENVIRONMENTS:
        yield from (f"{name}: {text}" for text in _of_environment(world, name))


def _of_environment(world: World, name: str) -> Iterator[str]:
    here = world.inventory[name]
    kept = {
        (item["schema"].split("_")[1], int(item["number"])): 1
        for item in here.items("sites")
        if "#RELEASE#" in item["SK"] and item["status"] in {"LIVE", "SUPERSEDED"}
    }
    for kind, found in here.releases().items():
        if dict(found) != kept:
            yield f"{kind}: {dict(found)} instead of {kept}"
    items = here.items(f"bbws-wp-operations-{name}")
    locks = [item["PK"] for item in items if item["SK"] == "LOCK"]
    if locks:
        yield f"sites stay locked: {locks}"
    operations = [item for item in items if item["SK"] == "OPERATION" and "opType" in item]
    open_ones = [item["PK"] for item in operations if "doneAt" not in item]
    if open_ones:
        yield f"operations have not ended: {open_ones}"
    yield from _doubled(world.events[name].all)
    yield from _jobs_twice(world, name, operations)
    yield from _silent_letters(world, name)


def _doubled(events: list[dict[str, Any]]) -> Iterator[str]:
    """Yield requests that became two operations, and operations that ended twice."""
    operations: dict[str, set[str]] = {}
    ends: dict[str, set[str]] = {}
    for event in events:
        about = event["detail"]["metadata"]
        if event["detail-type"] == "SiteOperationAccepted":
            operations.setdefault(about["correlationId"], set()).add(about["operationId"])
        if event["detail-type"] in set(TERMINAL) - {"SiteOperationRollbackFailed"}:
            ends.setdefault(about["operationId"], set()).add(about["eventId"])
    for what, found in (("became several operations", operations), ("ended several times", ends)):
        yield from (f"{name} {what}: {ids}" for name, ids in found.items() if len(ids) > 1)


def _jobs_twice(world: World, name: str, operations: list[dict[str, Any]]) -> Iterator[str]:
    """Yield attempts of which two container jobs were started."""
    ours = {item["PK"].removeprefix("OPERATION#") for item in operations}
    for attempt, count in Counter(world.inventory[name].started_jobs()).items():
        fleet, _, rest = attempt.partition("/")
        if count > 1 and fleet == "sitefleet" and rest.partition("/")[0] in ours:
            yield f"{attempt} was started {count} times"


def _silent_letters(world: World, name: str) -> Iterator[str]:
    for letter in world.letters[name].with_reason():
        if not letter["attributes"].get("reason"):
            yield f"a dead letter without a reason: {letter['body'][:200]}"
