"""Operations in flight of earlier releases go on under this code, and a check says when not."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.adapters.aws.operations import DynamoOperations
from simulation.in_flight.checks import strandings
from simulation.in_flight.loader import load
from simulation.in_flight.recorder import TABLE, table
from simulation.in_flight.recordings import FOLDER, read, recordings_of, releases
from simulation.in_flight.stories import STORIES
from simulation.in_flight.tables import stored

ROOT = Path(__file__).parents[2]
RECORDINGS = [path for release in releases() for path in recordings_of(release)]
EVERY = 8
"""Each so-manieth moment runs to its end here; `make in-flight` runs each."""
PACKAGES = ("core", "events", "simulation", "policy", "notifications")


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda p: f"{p.parent.name}-{p.name[:-9]}")
def test_what_is_in_flight_is_read_claimed_and_comes_to_its_end(path):
    assert list(strandings(read(path), EVERY)) == []


def test_every_workflow_and_every_state_is_among_what_is_recorded():
    moments = [m for path in RECORDINGS for m in read(path).moments]
    items = [
        item
        for moment in moments
        for name, item in moment.flat.items()
        if name.startswith("operations/OPERATION#") and name.endswith("| OPERATION")
    ]
    assert {item["opType"]["S"] for item in items} == {
        f"SITE_{kind}"
        for kind in ("CREATION", "UPDATE", "DELETION", "RESTORE", "PROMOTION", "ROLLBACK", "CHECK")
    }
    assert {item["status"]["S"] for item in items} == {
        *("PENDING", "IN_PROGRESS", "AWAITING_APPROVAL", "ROLLING_BACK", "ROLLBACK_FAILED"),
        *("COMPLETED", "FAILED", "ROLLED_BACK", "CANCELLED", "REJECTED"),
    }
    assert any("stalled" in item for item in items)
    assert any(item.get("turn") == {"S": "waiting"} for item in items)
    assert any("| WAITER#" in name for moment in moments for name in moment.flat)


def test_every_story_of_today_is_recorded_for_the_next_release():
    names = {read(path).header.story for path in recordings_of("0.1.0")}
    assert {story.name for story in STORIES} >= names


@pytest.mark.parametrize(
    "name",
    [
        "updates-that-wait-for-their-site",
        pytest.param("creations-that-wait-for-their-turn", marks=pytest.mark.long),
    ],
)
def test_who_waits_in_the_table_itself_gets_its_turn(name):
    """The same on the DynamoDB adapter: the items of locks, turns and lines are its own."""
    recording = read(FOLDER / "0.1.0" / f"{name}.jsonl.gz")
    waiting = [
        moment for moment in recording.moments if any("| WAITER#" in path for path in moment.flat)
    ]
    moment = waiting[-1]
    with table() as client:
        fleet = load(recording.header, moment)
        for path, item in moment.flat.items():
            if path.startswith("operations/"):
                client.put_item(TableName=TABLE, Item=stored(item))
        store = DynamoOperations(client=client, table_name=TABLE)
        fleet.keep_operations_in(store)
        fleet.run()
        ends = {name: store.get(name).status for name in recording.header.ends}
        assert ends == recording.header.ends
        assert not any(store.line_of("tenant-1").waiting)
        assert store.queue_of("tenant-1", "site-banana").holder is None


# --- changes that strand somebody ----------------------------------------------------------------

STRANDING = {
    "a step is renamed": (
        "core/operations/steps/content.py",
        r'name="install_wordpress"',
        'name="set_up_wordpress"',
        "does not have any more",
    ),
    "a step's code is given to another": (
        "core/adapters/aws/step_codes.py",
        r'"start_release": "j",\n\s*"check_before": "k"',
        '"start_release": "k", "check_before": "j"',
        "means other steps now",
    ),
    "a field of the stored operation is renamed": (
        "core/adapters/aws/operation_items.py",
        r'"waitNo"',
        '"waitNumber"',
        "can no longer be read (KeyError: 'waitNumber')",
    ),
    "a field of a message is renamed": (
        "events/progress.py",
        r"    wait_number: Annotated",
        "    poll_number: Annotated",
        "is no longer read",
    ),
    "an event's id is made otherwise": (
        "events/identity.py",
        r"_named\(operation_id, phase",
        '_named("v2", operation_id, phase',
        "has another id",
    ),
    "a status is called otherwise": (
        "events/vocabulary.py",
        r'IN_PROGRESS = "IN_PROGRESS"',
        'IN_PROGRESS = "RUNNING"',
        "a message on the creation queue is no longer read",
    ),
    "a rule does not bring an event back": (
        "events/filters.py",
        r"    DetailType.STEP_COMPLETED,\n",
        "",
        "no rule brings a SiteStepCompleted",
    ),
    "a job is described otherwise": (
        "core/domain/jobs.py",
        r"    site_url: str\n    site_name: str",
        "    address: str\n    site_name: str",
        "job.json is no longer read",
    ),
}


ALWAYS_TRIED = {"a step is renamed"}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, marks=[] if change in ALWAYS_TRIED else pytest.mark.long)
        for change in STRANDING
    ],
)
def test_a_change_that_strands_somebody_is_refused(change, tmp_path):
    file, pattern, replacement, sentence = STRANDING[change]
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    changed, count = re.subn(pattern, replacement, (tmp_path / file).read_text(), count=0)
    assert count, f"{file} has nothing like {pattern} any more"
    (tmp_path / file).write_text(changed)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "simulation.in_flight", "check", "0.1.0"),
            *("--story", "creation, made up.", "--every", "100", "--folder", str(FOLDER)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert sentence in done.stderr
    assert "STRANDED Release 0.1.0, creation, made up, at " in done.stderr
