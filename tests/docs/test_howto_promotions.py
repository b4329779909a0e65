"""Each command of the how-to pages about promotions is typed, in the order of the pages.

All but one promotion, from dev to prod and back, really happen on one machine. The rollback that
fails half way is a record that moto keeps: its commands read it and send a message.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

import failed_rollback
import pytest
from failed_rollback import FAILED_ID
from howto_machine import Answer, Machine, page_commands, running

from events.requests import OperationRetryRequest, Request

pytestmark = [pytest.mark.machine, pytest.mark.long]
PAGES = ("promote", "approve", "emergency", "roll-back")
"""In the order in which they are worked through."""
_PLACEHOLDER = re.compile(r"<(\w+)>")


COMMANDS = [(name, command) for name in PAGES for command in page_commands(name)]


@dataclass
class Story:
    """Works through the pages; keeps what every command answered."""

    machine: Machine
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    retried: list[Request] = field(default_factory=list)

    def tell(self) -> None:
        for page, command in COMMANDS:
            self.answers[page, command] = self._type(command)

    def _type(self, command: str) -> Answer:
        if "<rollbackId>" in command:
            return self._of_failed_rollback(command.replace("<rollbackId>", FAILED_ID))
        if "promotions reject" in command:
            command = command.replace("<operationId>", "<rejectedId>")
        if re.search("operations (approve|reject)", command):
            self._ask_for_deletion()
            command = command.replace("<operationId>", "<deletionId>")
        if found := re.search("<(rejectedId|runningId)>", command):
            self.ids[found[1]] = self.machine.start()
            self.machine.wait_for(self.ids[found[1]], "AWAITING_APPROVAL")
        answer = self.machine.type(_PLACEHOLDER.sub(lambda found: self.ids[found[1]], command))
        if "promotions start" in command and answer.code == 0:
            self._started(command, answer.out.strip())
        return answer

    def _ask_for_deletion(self) -> None:
        """One for both answers: the first approval leaves it waiting, the rejection ends it."""
        if "deletionId" not in self.ids:
            self.ids["deletionId"] = self.machine.ask_for_deletion()
            self.machine.wait_for(self.ids["deletionId"], "AWAITING_APPROVAL")

    def _started(self, command: str, operation_id: str) -> None:
        """The next commands are about this one; a part that is only tried out is not followed."""
        if "--select-table" in command:
            return
        self.ids["operationId"] = operation_id
        if "--watch" not in command:
            self.machine.wait_for(operation_id, "AWAITING_APPROVAL")

    def _of_failed_rollback(self, command: str) -> Answer:
        with failed_rollback.stored() as variables:
            answer = self.machine.type(command, **variables)
            self.retried += failed_rollback.sent()
        return answer


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    with running(tmp_path_factory.mktemp("howto")) as machine:
        told = Story(machine)
        told.tell()
        yield told


def answer_to(story: Story, page: str, beginning: str, *, holding: str = "") -> Answer:
    [found] = [
        answer
        for (where, command), answer in story.answers.items()
        if where == page and command.startswith(f"sitefleet {beginning}") and holding in command
    ]
    return found


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_every_command_of_the_pages_does_what_it_is_there_for(story, name, command):
    assert story.answers[name, command].code == 0, story.answers[name, command]


def test_the_pages_hold_the_commands_that_they_are_about():
    typed = {" ".join(command.split()[1:3]) for _, command in COMMANDS}
    wanted = "start plan evidence show list report approve reject rollback"
    assert typed >= {f"promotions {name}" for name in wanted.split()}
    assert {"operations retry", "sites show"} <= typed
    assert not [command for _, command in COMMANDS if not command.startswith("sitefleet ")]


def test_the_plan_is_there_before_anybody_approves(story):
    plan = answer_to(story, "approve", "promotions plan")
    assert "plan hash" in plan.out.lower()
    assert "way back" in plan.out.lower()


def test_approvals_and_the_rejection_are_stored_as_their_people(story):
    approved = answer_to(story, "approve", "promotions approve", holding="--profile")
    assert "tech-lead approved as TECH_LEAD" in approved.out
    last = answer_to(story, "approve", "promotions approve", holding="--as")
    assert "operations-lead approved as OPERATIONS_LEAD" in last.out
    rejected = answer_to(story, "approve", "promotions reject")
    assert "tech-lead rejected as TECH_LEAD" in rejected.out
    story.machine.wait_for(story.ids["rejectedId"], "REJECTED")


def test_the_deletion_that_was_approved_once_was_rejected(story):
    assert "tech-lead approved" in answer_to(story, "approve", "operations approve").out
    story.machine.wait_for(story.ids["deletionId"], "REJECTED")


def test_the_report_is_a_page_of_its_own(story):
    page = (story.machine.directory / "report.html").read_text()
    assert "site-banana" in page
    assert (story.machine.directory / "incident.html").exists()


def test_the_running_promotion_was_cancelled(story):
    story.machine.wait_for(story.ids["runningId"], "CANCELLED")


def test_the_site_is_at_the_release_that_was_named_last(story):
    looked = "sitefleet sites show site-banana --tenant-id tenant-1 --env prod --json"
    shown = story.machine.type(looked)
    assert json.loads(shown.out)["site"]["liveRelease"] == 2


def test_the_failed_rollback_tells_the_state_of_each_part_and_its_retry_is_sent(story):
    shown = answer_to(story, "roll-back", "promotions show", holding="<rollbackId>")
    assert "ROLLBACK_FAILED" in shown.out
    assert "salvage_rows" in shown.out
    assert "banana.wp.kimmyai.io" in shown.out
    [retry] = story.retried
    assert isinstance(retry, OperationRetryRequest)
    assert retry.payload.operation_id == FAILED_ID
