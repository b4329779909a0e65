"""Each command of the how-to page about dead letters is typed, on letters of three kinds."""

from __future__ import annotations

import json
import time

import pytest
from howto_machine import CREATE, Answer, Machine, page_commands, running

pytestmark = [pytest.mark.machine, pytest.mark.long]
PATIENCE_SECONDS = 120
PAGE = "replay-dead-letters"
COMMANDS = page_commands(PAGE)
ARN = "arn:aws:sqs:af-south-1:536580886816:bbws-wp-site"
EVENT = {
    "version": "0",
    "id": "00000001-0000-4000-8000-000000000001",
    "detail-type": "SiteStepCompleted",
    "source": "bbws.sites",
    "account": "536580886816",
    "time": "2026-11-29T05:00:00Z",
    "region": "af-south-1",
    "resources": [],
    "detail": {
        "metadata": {
            "eventId": "00000001-0000-4000-8000-000000000002",
            "schemaVersion": "1.0",
            "occurredAt": "2026-11-29T05:00:00Z",
            "operationId": "00000001-0000-4000-8000-000000000003",
            "operationType": "SITE_CREATION",
            "phase": "forward",
            "step": "lock_site",
            "attempt": 0,
            "tenantId": "tenant-1",
            "siteId": "site-1",
            "environment": "dev",
            "correlationId": "howto",
        },
        "data": {},
    },
}


def undelivered(queue: str) -> str:
    """A letter as EventBridge leaves it, as a line of an export."""
    values = {
        "RULE_ARN": "arn:aws:events:af-south-1:536580886816:rule/bbws-wp-site-milestones-dev",
        "TARGET_ARN": f"{ARN}-{queue}-dev",
        "ERROR_CODE": "SDK_CLIENT_ERROR",
        "ERROR_MESSAGE": "The queue policy does not allow it.",
    }
    line = {
        "messageId": f"howto-{queue}",
        "box": "undeliverable",
        "sentAt": "2026-11-29T05:00:00Z",
        "attributes": {n: {"dataType": "String", "value": v} for n, v in values.items()},
        "body": json.dumps(EVENT),
    }
    return json.dumps(line)


def prepare(machine: Machine) -> None:
    """Two requests that are none, and two events that were not delivered."""
    for number in range(2):
        sent = machine.type("sitefleet send - --force --queue creation --env dev", f"{{ {number}")
        assert sent.code == 0, sent
    lines = "\n".join(undelivered(queue) for queue in ("notifier", "sweeper"))
    (machine.directory / "given.jsonl").write_text(lines)
    (machine.directory / "corrected.json").write_text(json.dumps(CREATE))
    assert machine.type("sitefleet dlq import given.jsonl --env dev --yes").code == 0
    until = time.monotonic() + PATIENCE_SECONDS
    while json.loads(machine.type("sitefleet dlq list --env dev --json").out)["letters"] < 4:
        assert time.monotonic() < until, "The two requests were not refused."


def names(machine: Machine) -> dict[str, str]:
    """Return what stands for the page's placeholders now."""
    listed = json.loads(machine.type("sitefleet dlq plan --queue creation --env dev --json").out)
    replays = json.loads(machine.type("sitefleet dlq history --env dev --json").out)["replays"]
    found = {"<replayId>": replays[0]["replayId"] if replays else ""}
    if listed["plan"]:
        found["<messageId>"] = listed["plan"][0]["messageId"]
        found["<group>"] = listed["plan"][0]["groupId"]
    return found


@pytest.fixture(scope="module")
def answers(tmp_path_factory) -> list[Answer]:
    with running(tmp_path_factory.mktemp("howto"), with_site=False) as machine:
        prepare(machine)
        return typed(machine)


def typed(machine: Machine) -> list[Answer]:
    """Type the page's commands in its order; return what they answered."""
    told = []
    for command in COMMANDS:
        line = command
        if "<" in command:
            for name, value in names(machine).items():
                line = line.replace(name, value)
        told.append(machine.type(line))
    return told


@pytest.mark.parametrize("number", range(len(COMMANDS)), ids=COMMANDS)
def test_every_command_of_the_page_does_what_it_is_there_for(answers, number):
    assert answers[number].code == 0, answers[number]


def test_the_page_holds_every_command_about_letters():
    about = {command.split()[2] for command in COMMANDS}
    every = {"list", "show", "plan", "replay", "park", "edit", "export", "import", "history"}
    assert about == every
