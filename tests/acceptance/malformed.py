"""Messages that nobody can accept: each has a name, a queue and a body of its own."""

from __future__ import annotations

import copy
import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.acceptance.fleet_client import creation, envelope, eventually, promotion
from tests.acceptance.world import Run, World, new_site_id

QUEUES = ("creation", "update", "deletion", "promotion")
SHELL = "$(touch /tmp/pwned); `id` | rm -rf / #"
SQL = "'); DROP TABLE wp_posts; --"
IN_FLIGHT = 8
"""Messages that wait for their answer at a time: this machine may have two cores."""


@dataclass(frozen=True)
class Malformed:
    """A body, and what the fleet has to say about it."""

    name: str
    queue: str
    body: str
    says: str
    """Part of the reason that the dead letter gives."""
    code: str = "SITE_001"


@dataclass(frozen=True)
class Sent:
    """All of them were sent, and in the middle a good creation with a nasty name."""

    messages: list[Malformed]
    good: Run


def send_all(world: World, _done: Callable[[str], Any]) -> Sent:
    dev, messages = world.accounts["dev"], list(all_messages())
    good = creation(new_site_id(), "good-one", siteName=f"Robert{SQL} {SHELL} <script>x</script>")
    for number, message in enumerate(messages):
        if number == len(messages) // 2:
            dev.send("creation", good)
        dev.send_text(message.queue, message.body)
        _wait_for_letters(world, number - IN_FLIGHT)
    end = world.events["dev"].wait_for_end(good["correlationId"])
    _wait_for_letters(world, len(messages))
    return Sent(messages, Run(good, end, 0))


def _wait_for_letters(world: World, count: int) -> None:
    letters = world.letters["dev"]
    eventually(lambda: len(letters.messages) >= count, f"{count} dead letters", seconds=120)


def all_messages() -> Iterator[Malformed]:
    for queue in QUEUES:
        yield from _on_any_queue(queue)
    yield from _wrong_queue()
    yield from _not_there()
    for text, kind in ((SHELL, "shell"), (SQL, "SQL")):
        yield from _injected("creation", _full_creation(), text, kind)
        yield from _injected("promotion", _full_promotion(), text, kind)


def _on_any_queue(queue: str) -> Iterator[Malformed]:
    request = _request_of(queue)
    noise = random.Random(queue)  # the same noise in every run, another one per queue
    text = "".join(noise.choices(string.printable.strip(), k=1000))

    def changed(says: str, name: str, **rest: Any) -> Malformed:
        fresh = _request_of(queue)
        fresh["payload"].update(rest)
        return Malformed(name, queue, json.dumps(fresh), says)

    def without(field: str) -> Malformed:
        fresh = _request_of(queue)
        del fresh["payload"][field]
        return Malformed(f"no {field}", queue, json.dumps(fresh), f"payload.{field} is missing")

    yield Malformed("not JSON", queue, f"{{{queue}: not JSON", "not JSON")
    yield Malformed("cut in half", queue, json.dumps(request)[:-40], "not JSON")
    yield Malformed("a list", queue, json.dumps([queue]), "not an object")
    yield Malformed("another encoding", queue, f"\u00ff\u00fe{queue}", "not JSON")
    yield without("siteId")
    yield without("tenantId")
    yield changed("payload.siteId must be a text", "a number for a text", siteId=4711)
    yield changed("payload.tenantId", "a tenant in capitals", tenantId="Tenant_1")
    yield changed("payload.tenantId", "a tenant with a path", tenantId="../tenant-1")
    yield Malformed("1 MiB of noise", queue, text * 1046, "at most 262144 are accepted")
    deep = '{"a":' * 5000 + f'"{queue}"' + "}" * 5000
    yield Malformed("deep nesting", queue, deep, "deep")
    unknown = envelope("SITE_EXPLOSION_REQUEST", {"siteId": "site-1", "tenantId": "tenant-1"})
    yield Malformed("unknown messageType", queue, json.dumps(unknown), "messageType")
    yield Malformed("no envelope", queue, json.dumps({"queue": queue}), "messageType is missing")


def _wrong_queue() -> Iterator[Malformed]:
    for queue in ("update", "deletion", "promotion"):
        request = creation(new_site_id(), "wrong-queue")
        yield Malformed("a creation", queue, json.dumps(request), "belongs on the creation queue")
    request = promotion(new_site_id(), targetEnvironment="dev", sourceEnvironment="dev")
    yield Malformed("a promotion", "creation", json.dumps(request), "promotion queue")
    request = promotion(new_site_id())
    yield Malformed("for sit", "promotion", json.dumps(request), "This is the dev environment")
    request = creation(new_site_id(), "elsewhere", environment="sit")
    yield Malformed("for sit", "creation", json.dumps(request), "This is the dev environment")


def _not_there() -> Iterator[Malformed]:
    for queue in ("update", "deletion"):
        yield Malformed(
            "not there", queue, json.dumps(_request_of(queue)), "has no site", "SITE_002"
        )


def _request_of(queue: str) -> dict[str, Any]:
    site = {"siteId": new_site_id(), "tenantId": "tenant-1"}
    match queue:
        case "creation":
            return creation(site["siteId"], "never-made")
        case "promotion":
            return promotion(site["siteId"])
        case "update":
            changes = {"theme": "twentytwentythree"}
            return envelope("SITE_UPDATE_REQUEST", {**site, "changes": changes})
        case _:
            return envelope("SITE_DELETION_REQUEST", {**site, "reason": "not needed any more"})


# --- injections: every text field of a full request, one after the other -----------------------


def _full_creation() -> dict[str, Any]:
    return _with_full_envelope(
        creation(
            new_site_id(),
            "never-made",
            templateId="bakery-1",
            cloneFrom="site-1",
            configuration={
                "wordpressVersion": "6.5",
                "phpVersion": "8.2",
                "plugins": ["woocommerce", {"slug": "wordpress-seo", "version": "22.6"}],
                "theme": "twentytwentythree",
            },
        )
    )


def _full_promotion() -> dict[str, Any]:
    return _with_full_envelope(
        promotion(
            new_site_id(),
            changeTicket="CHG0012345",
            selection={"database": ["wp_posts"], "content": ["uploads"]},
            protect={"tables": ["wp_orders"], "options": ["blogname"], "folders": ["uploads"]},
            emergency={"incidentId": "INC0012345"},
        )
    )


def _with_full_envelope(request: dict[str, Any]) -> dict[str, Any]:
    return {**request, "requestedBy": "jane.doe@example.com", "schemaVersion": "1.0"}


def _injected(queue: str, request: dict[str, Any], text: str, kind: str) -> Iterator[Malformed]:
    for path in _text_fields(request):
        if path[-1] == "siteName":
            continue  # a text for people may hold anything: the good creation carries it
        changed = copy.deepcopy(request)
        place: Any = changed
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] += text
        if path != ("correlationId",):
            changed["correlationId"] = f"{kind}-in-{'-'.join(map(str, path))}"
        name = ".".join(str(part) for part in path)
        field = [part for part in path if isinstance(part, str)][-1]
        yield Malformed(f"{kind} in {name}", queue, json.dumps(changed), field)


def _text_fields(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in parts:
            yield from _text_fields(part, (*path, name))
