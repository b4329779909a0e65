"""What must stay hidden, and every place where it could come to light."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from tests.acceptance.fleet_client import Account
from tests.acceptance.log_lines import log_lines
from tests.acceptance.world import CUSTOMER_ADDRESS, CUSTOMER_NAME, World

PUBLIC = {"host", "port", "username", "engine", "dbname"}
SHORTEST = 8
"""A shorter value would be found by chance."""
RECORDS = (".json", ".jsonl", ".txt")
"""Ends of the names of objects that are records; dumps and packs hold a site's content."""


def secrets_of(world: World) -> dict[str, set[str]]:
    """Return the values that exist on this machine, by what they are."""
    kinds: dict[str, set[str]] = {
        "passwords": set(),
        "salts": set(),
        "external ids": set(),
        "access keys of people": set(),
        "personal data": {CUSTOMER_NAME, CUSTOMER_ADDRESS},
    }
    for inventory in world.inventory.values():
        for name, text in inventory.secrets().items():
            kind = _kind(name)
            kinds[kind] |= set(_values(text))
    for people in world.machine["people"].values():
        kinds["access keys of people"] |= {key["secretAccessKey"] for key in people.values()}
    return kinds


def places_of(world: World, environment: str) -> dict[str, str]:
    """Return everything that an environment has written down or sent, as text, by place."""
    account, inventory = world.accounts[environment], world.inventory[environment]
    places = {
        f"log of {log.function}": "\n".join(log.lines)
        for log in log_lines(account, prefix="/")
        if log.lines
    }
    places["events"] = json.dumps(world.events[environment].messages)
    places["notifications"] = json.dumps(world.notifications[environment].messages)
    places["dead letters"] = json.dumps(world.letters[environment].messages)
    places |= {f"queue {name}": text for name, text in _queued(account)}
    for name in account.client("dynamodb").list_tables()["TableNames"]:
        places[f"table {name}"] = json.dumps(inventory.items(name))
    bucket = f"bbws-transfer-{environment}"
    places |= {f"object {key}": text for key, text in _records(account.client("s3"), bucket)}
    places["mail"] = json.dumps(_mail(world.machine, account))
    return places


def logs_of_the_machine(world: World) -> dict[str, str]:
    """Return what every process has written: functions, jobs, sites, databases, emulator."""
    logs = sorted(world.home.glob("local/logs/*.log"))
    return {f"log of {path.stem}": path.read_text(errors="replace") for path in logs}


def found_in(places: Mapping[str, str], kinds: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """Return which kind of hidden value stands in which place."""
    return [
        (kind, place)
        for kind, values in kinds.items()
        for place, text in places.items()
        if any(value in text or _escaped(value) in text for value in values)
    ]


# --- inside ---------------------------------------------------------------------------------


def _kind(name: str) -> str:
    if name.endswith("/salts"):
        return "salts"
    return "external ids" if "external" in name else "passwords"


def _values(text: str) -> Iterator[str]:
    """Yield the parts of a secret that must stay hidden: not user names, hosts and ports."""
    try:
        fields = json.loads(text)
    except ValueError:
        fields = {"value": text}
    for name, value in fields.items() if isinstance(fields, dict) else [("value", text)]:
        if name not in PUBLIC and len(str(value)) >= SHORTEST:
            yield str(value)


def _escaped(value: str) -> str:
    """Return a value as it stands inside of a JSON text."""
    return json.dumps(value)[1:-1]


def _queued(account: Account) -> Iterator[tuple[str, str]]:
    """Yield what lies on the queues of the account: nothing is taken away."""
    sqs = account.client("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        name = url.rpartition("/")[2]
        if name.startswith("client-"):
            continue
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
        )
        yield name, json.dumps(answer.get("Messages", []))


def _records(s3: Any, bucket: str) -> Iterator[tuple[str, str]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            if entry["Key"].endswith(RECORDS):
                body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
                yield entry["Key"], body.decode(errors="replace")


def _mail(machine: Mapping[str, Any], account: Account) -> list[Any]:
    with urllib.request.urlopen(f"{machine['endpoint']}/_ministack/ses/messages") as answer:
        return list(json.load(answer)["messages"].get(account.account_id, []))
