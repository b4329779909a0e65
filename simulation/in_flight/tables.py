"""The items of the two tables as DynamoDB stores them, and the twins that today's code reads."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from core.adapters.aws import operation_items, site_items
from core.adapters.aws.decisions import DECISION, decision_of
from core.adapters.aws.notice_items import notice_of
from core.adapters.aws.operation_locks import in_line
from core.adapters.memory.operations import MemoryOperationStore
from core.adapters.memory.world import World
from core.domain.notices import Notice
from events.formats import UNKNOWN

type Item = dict[str, Any]
"""Attribute -> {type: value}, bytes as base64."""

KEY: Final = " | "


class UnreadableItemError(ValueError):
    """An item that an earlier release has stored cannot be read any more."""


def path_of(item: Mapping[str, Any]) -> str:
    """Return an item's keys as one text."""
    return f"{item['PK']['S']}{KEY}{item['SK']['S']}"


def plain(item: Mapping[str, Any]) -> Item:
    """Return an item as JSON."""
    return {name: _plain(value) for name, value in sorted(item.items())}


def stored(item: Mapping[str, Any]) -> Item:
    """Return an item as boto3 takes and gives it."""
    return {
        name: {"B": base64.b64decode(value["B"])} if "B" in value else value
        for name, value in item.items()
    }


def site_items_of(world: World) -> Iterator[Item]:
    """Yield the sites and releases of a world as they are stored."""
    for site in world.sites.values():
        yield _site_item(site_items.site_sort_key(site.site_id), site)
    for release in world.releases.values():
        yield _site_item(site_items.release_sort_key(release.site_id, release.number), release)


def read_sites(world: World, items: list[Item]) -> None:
    """Put the sites and releases of these items into a world; raises UnreadableItemError."""
    for item in items:
        if site_items.RELEASE_PART in item["SK"]["S"]:
            release = _read(item, lambda: site_items.release_of(item))  # noqa: B023 - called at once
            world.releases[release.tenant_id, release.site_id, release.number] = release
        else:
            site = _read(item, lambda: site_items.site_of(item))  # noqa: B023 - called at once
            world.sites[site.tenant_id, site.site_id] = site


def read_operations(world: World, items: list[Item]) -> MemoryOperationStore:
    """Return a store that holds what these items say; raises UnreadableItemError.

    Decisions go into the world, where their twin keeps them.
    """
    store = MemoryOperationStore()
    for item in items:
        _read(item, lambda: _take(store, world, stored(item)))  # noqa: B023 - called at once
    return store


# --- inside ---------------------------------------------------------------------------------


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "B":
        return {"B": base64.b64encode(bytes(content)).decode()}
    return {kind: sorted(content) if kind.endswith("S") and kind != "S" else content}


def _site_item(sort_key: str, record: Any) -> Item:
    attributes = site_items.attributes_of(record)
    keys = {"PK": site_items.tenant_key(record.tenant_id), "SK": sort_key}
    return plain(
        {name: {"S": value} for name, value in keys.items()}
        | {name: value for name, value in attributes.items() if value is not None}
    )


def _read[Result](item: Item, read: Callable[[], Result]) -> Result:
    try:
        return read()
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise UnreadableItemError(
            f"the stored item {path_of(item)} can no longer be read ({what})"
        ) from error


def _take(store: MemoryOperationStore, world: World, item: Item) -> None:
    kind, _, name = item["PK"]["S"].partition("#")
    match kind:
        case "OPERATION":
            _take_operation(store, world, name, item)
        case "SITE":
            _take_lock(store, name, item)
        case "TENANT":
            _take_turn(store, name, item)
        case "FACT":
            _take_fact(store, name, item)
        case "RESOURCE":
            store.resources[name] = item["operationId"]["S"]
        case _:
            raise ValueError(f"nothing reads items of the kind {kind}")


def _take_fact(store: MemoryOperationStore, name: str, item: Item) -> None:
    """A mark of a release that did not yet keep what was announced counts all the same."""
    if "eventType" in item:
        store.facts[name] = notice_of(item)
    elif "doneAt" in item:
        store.facts[name] = Notice(
            mark=name,
            event_id=name,
            event_type=UNKNOWN,
            correlation_id=UNKNOWN,
            tenant_id=UNKNOWN,
            announced_at=datetime.fromisoformat(item["doneAt"]["S"]),
        )


def _take_operation(store: MemoryOperationStore, world: World, name: str, item: Item) -> None:
    sort_key = item["SK"]["S"]
    if sort_key == operation_items.OPERATION_SK:
        store.operations[name] = operation_items.operation_of(item)
    elif sort_key == operation_items.REQUEST_SK:
        store.requests[name] = item["body"]["S"]
    elif sort_key.startswith("STEP#"):
        record = operation_items.step_of(item)
        store.step_records[name, record.phase, record.step] = record
    elif sort_key.startswith(DECISION):
        decision = decision_of(item)
        world.decisions[name, decision.proof_digest] = decision


def _take_lock(store: MemoryOperationStore, name: str, item: Item) -> None:
    tenant_id, _, site_id = name.partition("#")
    site = (tenant_id, site_id)
    if item["SK"]["S"] == operation_items.LOCK_SK:
        store.locks[site] = item["holder"]["S"]
        store.locked_since[site] = datetime.fromisoformat(item["since"]["S"])
    else:
        waiter = in_line(item)
        store.waiters.setdefault(site, {})[waiter.operation_id] = waiter.since


def _take_turn(store: MemoryOperationStore, tenant_id: str, item: Item) -> None:
    if "running" in item:
        store.running[tenant_id] = int(item["running"]["N"])
    if "dueShard" in item:
        store.lines.setdefault(tenant_id, {})
    if "operationId" in item:
        waiter = in_line(item)
        store.lines.setdefault(tenant_id, {})[waiter.operation_id] = waiter.since
