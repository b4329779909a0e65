"""Letters that die for different reasons, and an operator who looks at them and replays them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.fleet_client import cancel, creation, envelope, eventually
from tests.acceptance.world import World, new_site_id

COMMAND = Path(sys.executable).parent / "sitefleet"
TENANT = "tenant-letters"
FAILURES = {"PROM_005", "SITE_001", "SITE_002", "SDK_CLIENT_ERROR"}
"""Of a suspended tenant, of what is no JSON, of a site that is not there, of EventBridge."""


@dataclass(frozen=True)
class Typed:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Letters:
    """What the operator saw and did, in sit."""

    site_id: str
    """Of a site that was refused once, because its tenant was suspended."""
    listed: Typed
    shown: Typed
    before: Typed
    """The plan while the tenant was suspended still."""
    planned: Typed
    told: Typed
    """A replay without --yes."""
    replayed: Typed
    """Of the refused creation, by the command line itself."""
    remote: Typed
    """Of the event, by the function."""
    left: Typed
    """The plan of the deletion that no replay was asked for."""
    parked: Typed
    history: Typed


def dead_letters(world: World, _done: Callable[[str], Any]) -> Letters:
    """Sit's own observer of dead letters is paused meanwhile: it would take them away."""
    with world.letters["sit"].paused():
        return _tell(world)


def _tell(world: World) -> Letters:
    sit, events = world.accounts["sit"], world.events["sit"]
    site_id, deleted = new_site_id(), new_site_id()
    request = creation(site_id, "letterbox", tenantId=TENANT, environment="sit")
    gone = {"siteId": deleted, "tenantId": "tenant-3", "reason": "not needed any more"}
    _put_tenant(world, "SUSPENDED")
    sit.send("creation", request)
    sit.send_text("creation", json.dumps(request)[:-1])
    sit.send("deletion", envelope("SITE_DELETION_REQUEST", gone))
    for refused_site in (site_id, deleted):
        refused = events.wait_for("SiteOperationRejected", siteId=refused_site)
    _undeliverable(world, refused)
    type_ = _typist(world)
    listed = eventually(lambda: _all_four(type_), "four dead letters in sit", seconds=60)
    mine = ("--tenant-id", TENANT)
    before = type_("plan", "--json", *mine)
    _put_tenant(world, "VALIDATED")
    letters = {
        "listed": listed,
        "shown": type_("show", _group_of(listed, "PROM_005")),
        "before": before,
        "planned": type_("plan", "--json"),
        "told": type_("replay", *mine),
        "replayed": type_("replay", *mine, "--yes", "--reason", "It pays again.", "--json"),
    }
    [entry] = letters["replayed"].json["entries"]
    sit.send("creation", cancel(entry["operationId"]))
    letters["remote"] = type_(
        "replay", "--remote", "--queue", "notifier", "--yes", "--reason", "It works.", "--json"
    )
    letters["left"] = type_("plan", "--json", "--site-id", deleted)
    letters["parked"] = type_("park", "--site-id", deleted, "--yes", "--reason", "Never was.")
    letters["history"] = type_("history", "--json")
    return Letters(site_id, **letters)


def _put_tenant(world: World, status: str) -> None:
    """Write what the platform's tenant service says about a tenant."""
    item = {"PK": f"TENANT#{TENANT}", "SK": "METADATA", "status": status, "tier": "basic"}
    world.accounts["sit"].client("dynamodb").put_item(
        TableName="tenants", Item={name: {"S": value} for name, value in item.items()}
    )


def _undeliverable(world: World, event: dict[str, Any]) -> None:
    """Put an event there as EventBridge does; the emulator drops what it cannot deliver."""
    sit = world.accounts["sit"]
    sqs, arn = sit.client("sqs"), "arn:aws:sqs:af-south-1:815856636111:bbws-wp-site-notifier-sit"
    values = {
        "RULE_ARN": "arn:aws:events:af-south-1:815856636111:rule/bbws-wp-site-milestones-sit",
        "TARGET_ARN": arn,
        "ERROR_CODE": "SDK_CLIENT_ERROR",
        "ERROR_MESSAGE": "The queue's policy does not allow it.",
    }
    sqs.send_message(
        QueueUrl=sqs.get_queue_url(QueueName="bbws-wp-site-undeliverable-sit")["QueueUrl"],
        MessageBody=json.dumps(event),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in values.items()
        },
    )


def _typist(world: World) -> Callable[..., Typed]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SITEFLEET_"))}
    environ |= {"SITEFLEET_HOME": str(world.home), "COLUMNS": "200"}

    def type_(*arguments: str) -> Typed:
        finished = subprocess.run(
            [COMMAND, "dlq", *arguments, "--env", "sit"],
            env=environ,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Typed(finished.returncode, finished.stdout, finished.stderr)

    return type_


def _all_four(type_: Callable[..., Typed]) -> Typed | None:
    """Wait for one letter of each kind; those of the scenarios beside this one lie there, too."""
    listed = type_("list", "--json")
    assert listed.code == 0, listed.err
    failures = {group["failure"] for group in listed.json["groups"]}
    return listed if failures >= FAILURES else None


def _group_of(listed: Typed, failure: str) -> str:
    groups = listed.json["groups"]
    return next(group["groupId"] for group in groups if group["failure"] == failure)
