"""From the alarm to the cause to the fix: each staged incident is mended by its page's commands.

One machine for all of them, in their order. An operator has the page, what the alarm or the
notification says, and what earlier commands have printed.
"""

from __future__ import annotations

import re
import time

import pytest
from howto_machine import Answer, running
from incidents import INCIDENTS, MOST_COMMANDS, Incident, typed
from pages import ROOT
from staged import Stage

_PLACEHOLDER = re.compile(r"<(\w+)>")
EACH = pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.name)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with running(tmp_path_factory.mktemp("runbooks")) as machine:
        machine.add_profile("sit", "dev-lead")
        stage = Stage(machine=machine)
        yield stage
    stage.reap()


@EACH
def test_an_incident_takes_at_most_ten_commands(incident):
    assert 1 <= len(incident.commands()) <= MOST_COMMANDS


def test_the_incidents_are_the_twelve_of_the_index():
    index = (ROOT / "docs/runbooks/README.md").read_text()
    rows = re.findall(
        r"^\| \[(.+)\]\(([a-z-]+)\.md#incident-.+\) \| (\d+) \|$", index, re.MULTILINE
    )
    assert rows == [
        (incident.section, incident.page, str(len(incident.commands()))) for incident in INCIDENTS
    ]


@pytest.mark.machine
@pytest.mark.long
@EACH
def test_its_page_leads_from_the_alarm_to_the_cause_and_to_the_fix(stage, incident):
    with incident.stage(stage) as ids:
        if incident.rings:
            stage.until(lambda: stage.rings(incident.rings), f"the alarm {incident.rings} to ring")
        answers = work_through(stage, incident, dict(ids))
        shown = "\n".join(str(answer) for answer in answers.values())
        assert incident.cause in shown, shown
        stage.until(lambda: incident.over(stage, ids), f"the end of it:\n{shown}")


def work_through(stage: Stage, incident: Incident, ids: dict[str, str]) -> dict[str, Answer]:
    """Type every command of the section; each id in it must have been seen before."""
    answers: dict[str, Answer] = {}
    for number, command in enumerate(incident.commands()):
        seen = "\n".join(str(answer) for answer in answers.values())
        for placeholder in _PLACEHOLDER.findall(command):
            known = placeholder in incident.told or ids.get(placeholder, placeholder) in seen
            assert known, f"Nothing has told {placeholder} before: {command}\n{seen}"
        line = _PLACEHOLDER.sub(lambda found: ids[found[1]], command)
        answer = typed(stage.machine, stage, line)
        expected = {code for part, code in incident.ends_otherwise.items() if part in command}
        assert answer.code in (expected or {0}), f"{line}\n{answer}"
        answers[f"{number} {line}"] = answer
        _learn(stage, ids, line, answer)
    return answers


LEARNT = {
    "dlq list": ("group", r"sitefleet dlq show (\S+)"),
    "dlq show": ("messageId", r"^\W*message\s+(\S+)"),
    "operations list --env dev --site-id": ("operationId", r"^([0-9a-f]{8}\S+) "),
}
"""What a command prints and the next one needs: its placeholder, and how to find it."""


TAKES_A_MOMENT = ("dlq edit", "delete-function-concurrency")
"""After these a message is on its way: a person is slower than this test."""


def _learn(stage: Stage, ids: dict[str, str], line: str, answer: Answer) -> None:
    """What was started is what the next commands are about; people are asked before they answer."""
    for part, (placeholder, pattern) in LEARNT.items():
        found = re.search(pattern, f"{answer.out}\n{answer.err}", re.MULTILINE)
        if part in line and found:
            ids[placeholder] = found[1]
    if any(part in line for part in TAKES_A_MOMENT):
        stage.until(stage.is_taken, "a consumer to take what was sent")
        time.sleep(2)
    if "promotions start" in line and "--watch" not in line:
        ids["newId"] = answer.out.strip()
        stage.until_it_stands(ids["newId"], "sit", "AWAITING_APPROVAL")
