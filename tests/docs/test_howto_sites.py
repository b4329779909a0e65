"""Each command of the how-to pages about a site's life is typed: a tenant comes, lives, and goes.

What is about prod (approvals) or about an operation that stands still is typed in the test of the
pages about promotions.
"""

from __future__ import annotations

import json
import re

import pytest
from howto_machine import Answer, Machine, page_commands, running

pytestmark = [pytest.mark.machine, pytest.mark.long]
ELSEWHERE = ("--env prod", "operations retry", "--env sit", "<")
"""Commands that hold one of these are typed in test_howto_promotions, or need a sender's file."""
ON_THIS_MACHINE = {
    "--php-version 8.3": "--php-version 8.2",
    "--image-tag wordpress-6.8-php8.3": "--image-tag wordpress-6.1.9-php8.2",
}
"""The pages name a platform's own versions; this one offers others."""


def typed(page: str) -> list[str]:
    """Return the commands of a page that belong here, as they are typed on this machine."""
    found = [c for c in page_commands(page) if not any(part in c for part in ELSEWHERE)]
    for named, offered in ON_THIS_MACHINE.items():
        found = [command.replace(named, offered) for command in found]
    return found


COMING, GOING = typed("onboard-a-tenant")[:3], typed("onboard-a-tenant")[3:]
DELETE, BACKUPS = typed("delete-and-restore")
RESTORE = "sitefleet sites restore <backupId> --env dev --watch"
COMMANDS = [*COMING, *typed("update-a-site"), *typed("mail"), DELETE, BACKUPS, RESTORE, *GOING]
_BACKUP_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    with running(tmp_path_factory.mktemp("howto"), with_site=False) as machine:
        yield machine


@pytest.fixture(scope="module")
def answers(machine) -> dict[int, Answer]:
    """What each command answered, by its place in COMMANDS."""
    told: dict[int, Answer] = {}
    backup_id = ""
    for number, command in enumerate(COMMANDS):
        told[number] = machine.type(command.replace("<backupId>", backup_id))
        if command == BACKUPS:
            [backup_id, *_] = _BACKUP_ID.findall(told[number].out)
        if command == GOING[1]:
            _wait_until_nothing_is_at_work(machine)
    return told


def _wait_until_nothing_is_at_work(machine: Machine) -> None:
    listed = machine.type("sitefleet operations list --env dev --json")
    for operation in json.loads(listed.out)["operations"]:
        machine.wait_for(operation["operationId"], "COMPLETED")


@pytest.mark.parametrize("number", range(len(COMMANDS)), ids=COMMANDS)
def test_every_command_of_the_pages_does_what_it_is_there_for(answers, number):
    assert answers[number].code == 0, answers[number]


def test_the_pages_hold_the_commands_that_they_are_about():
    about = {" ".join(command.split()[1:3]) for command in COMMANDS}
    sites = {f"sites {name}" for name in ("suspend", "activate", "update", "delete", "restore")}
    assert about >= {*sites, "sites backups", "tenants show", "tenants onboard", "tenants offboard"}
    assert RESTORE in page_commands("delete-and-restore")


def test_an_offboarded_tenant_has_nothing_left(answers):
    assert "Nothing is left of tenant tenant-1." in answers[len(COMMANDS) - 1].err


def test_mail_about_the_first_site_is_shown(answers):
    assert "banana.wpdev.kimmyai.io is ready" in answers[COMMANDS.index("sitefleet local mail")].out
