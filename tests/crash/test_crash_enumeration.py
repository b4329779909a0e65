"""Boundary calls of every workflow, stopped before, after, and with the answer lost.

A sample, so that CI stays short; `make prove` stops every call and prints the whole table.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.adapters.memory.boundary import Boundary, Moment
from events.vocabulary import OperationStatus, Phase
from simulation.__main__ import tell_holes
from simulation.crashes import Point, enumerate_crashes, undisturbed_run
from simulation.promises import Run, broken_promises, snapshot
from simulation.scenarios import SCENARIOS
from simulation.table import as_page, as_text, crash_table

ROOT = Path(__file__).parents[2]
UNCHANGING = {"check_live", "request_approval", "await_approval"}
"""Steps that leave nothing to be taken back."""


def test_the_printed_table_names_every_scenario_and_has_no_hole():
    """Each 211th call, here; `make prove` prints the same table over every call."""
    done = subprocess.run(
        [sys.executable, "-m", "simulation", "--every", "211"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    tried, held = map(int, re.findall(r"(\d+) points tried, (\d+) held", done.stdout)[0])
    assert tried == held > 150
    for scenario in SCENARIOS:
        assert f"\n{scenario.name}\n" in done.stdout


def test_a_hole_is_told_with_where_it_is(capsys):
    about = {"scenario": "creation", "step": "switch", "call": "7 dns.put"}
    held = Point(**about, moment=Moment.BEFORE, broken=())
    hole = Point(**about, moment=Moment.AFTER, broken=("locks stay", "no end"))
    tell_holes([held, hole])
    assert capsys.readouterr().err == (
        "HOLE creation, switch, after call 7 dns.put: locks stay; no end\n"
    )


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name.replace(", ", "-"))
def test_each_call_is_stopped_before_after_and_with_its_answer_lost(scenario):
    points = list(enumerate_crashes(scenario, every=101))
    assert {p.moment for p in points} == set(Moment)
    assert [p for p in points if not p.held] == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name.replace(", ", "-"))
def test_every_step_that_was_recorded_was_also_stopped_at(scenario):
    run = undisturbed_run(scenario)
    fleet = scenario.start(Boundary())
    fleet.run()
    recorded = {
        f"undo {step}" if phase is Phase.UNDO else step
        for operation_id, phase, step in fleet.store.step_records
        if operation_id == run.operation_id
    }
    assert recorded <= set(run.steps)
    if scenario.ends is OperationStatus.COMPLETED:
        assert set(fleet.store.operations[run.operation_id].plan) == recorded
    elif recorded - UNCHANGING:
        assert any(step.startswith("undo ") for step in recorded)


def test_a_promise_that_is_broken_is_reported():
    """The checks can fail: a world with an orphan, a lock and a silent dead letter."""
    (scenario,) = (s for s in SCENARIOS if s.name == "creation")
    baseline = undisturbed_run(scenario)
    fleet = scenario.start(Boundary())
    fleet.run()
    fleet.effects.make_schema("s_orphan_r1")
    fleet.store.locks["tenant-1", "site-9"] = "somebody"
    fleet.queues.send("creation", "left behind", delay_seconds=0, tenant_id="t")
    fleet.world.notifications.clear()
    run = Run(
        fleet=fleet,
        operation_id=baseline.operation_id,
        ends=scenario.ends,
        expected=baseline.after,
    )
    broken = {text.partition(":")[0] for text in broken_promises(run)}
    assert {
        "effects_happen_once",
        "locks_are_released",
        "nothing_is_left_on_a_queue",
        "the_end_is_announced_once",
    } <= broken
    assert snapshot(fleet) != baseline.after


def test_the_table_counts_what_was_tried_and_marks_holes():
    points = [
        Point(scenario="creation", step="accept", call="1 a.b", moment=moment, broken=broken)
        for moment, broken in ((Moment.BEFORE, ()), (Moment.AFTER, ("it_ends: no",)))
    ]
    assert as_text(crash_table(points)) == (
        "\ncreation\n  accept     2 tried     1 held  HOLE\n\n2 points tried, 1 held."
    )


def test_the_page_says_whether_it_is_complete():
    point = Point(scenario="creation", step="accept", call="1 a.b", moment=Moment.AFTER, broken=())
    rows = crash_table([point])
    assert "1 points tried, 1 held; complete." in as_page(rows)
    assert "a sample: call 1 of each 7" in as_page(rows, every=7)
    assert "| creation | accept | 1 | 1 |" in as_page(rows)
