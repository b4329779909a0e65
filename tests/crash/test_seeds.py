"""Two hundred seeds: whatever goes wrong, every promise holds, and every rare path is taken.

`make simulate SEEDS=10000` runs more of them; `make simulate SEED=4711` tells the story of one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from simulation.seeds.draw import draw
from simulation.seeds.faults import AT_CALLS, ELSEWHERE, Fault
from simulation.seeds.promises import PROMISES, WATCHED
from simulation.seeds.report import FULL_RUN, Report
from simulation.seeds.run import SeedRun, Verdict
from simulation.seeds.sometimes import Rare

ROOT = Path(__file__).parents[2]


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "simulation.seeds", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_two_hundred_seeds_keep_every_promise_and_take_every_rare_path():
    done = command("--seeds", str(FULL_RUN), "--processes", "1")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.startswith(f"{FULL_RUN} seeds, ")
    for kind in (*Fault, *Rare):
        (count,) = re.findall(rf"^  {re.escape(kind)} +(\d+)$", done.stdout, re.MULTILINE)
        assert int(count) > 0, kind
    assert len(re.findall(r" held$", done.stdout, re.MULTILINE)) == len(PROMISES) + len(WATCHED)


@pytest.mark.parametrize("seed", [8, 42])
def test_a_seed_replays_bit_for_bit_in_any_process(seed):
    told = {command("--seed", str(seed), PYTHONHASHSEED=salt).stdout for salt in ("1", "4711")}
    (story,) = told
    assert f"Hash of the story: {SeedRun(seed).verdict().digest}" in story
    assert story.startswith(f"Seed {seed}: ")


def test_seeds_differ_in_what_they_draw():
    drawn = [draw(seed) for seed in range(FULL_RUN)]
    assert {d.environment.value for d in drawn} == {"dev", "sit", "prod"}
    assert {len(d.tenants) for d in drawn} == {1, 2, 3}
    assert {fault for d in drawn for fault in d.chosen} == set(Fault)
    assert any(not d.chosen for d in drawn)


def test_every_kind_of_mishap_has_its_occasion():
    assert set(AT_CALLS) | set(ELSEWHERE) == set(Fault)
    assert not set(AT_CALLS) & set(ELSEWHERE)


def verdict(seed: int, *broken: str) -> Verdict:
    return Verdict(
        seed=seed,
        broken=broken,
        digest="",
        operations=1,
        messages=1,
        calls=1,
        faults=Counter(),
        rare=Counter(Rare),
        lines=(),
    )


def test_a_broken_promise_is_reported_with_the_seed_that_tells_of_it():
    report = Report()
    report.add(verdict(3))
    assert report.held
    report.add(verdict(4711, "every_operation_ends: SITE_CREATION 1 is PENDING"))
    assert not report.held
    assert "every operation ends" in report.as_text()
    assert "BROKEN by 1 seeds" in report.as_text()
    assert "make simulate SEED=4711" in report.as_text()


def test_a_full_run_that_never_takes_a_rare_path_fails():
    report = Report()
    for seed in range(FULL_RUN):
        report.add(verdict(seed))
    assert report.held
    del report.rare[Rare.FENCED]
    assert not report.held
    assert f"Never taken: {Rare.FENCED}" in report.as_text()


def test_a_world_that_is_spoiled_breaks_promises():
    """The checks can fail: an orphan, a lock, a lost end, a silent refusal, a message left."""
    run = SeedRun(12)
    fleet = run.fleet
    spoil = run._deliver_all_again

    def spoiled() -> None:
        spoil()
        fleet.effects.make_schema("s_orphan_r1")
        fleet.store.locks["tenant-1", "site-9"] = "somebody"
        fleet.queues.send("creation", "left behind", delay_seconds=0, tenant_id="t")
        fleet.world.notifications.clear()

    run._deliver_all_again = spoiled
    found = {text.partition(":")[0] for text in run.verdict().broken}
    assert found == {
        "nothing_is_left_behind",
        "locks_leases_and_turns_are_released",
        "queues_are_empty",
        "the_end_is_exactly_one_fact",
    }
