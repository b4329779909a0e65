"""Mutants: the catalogue still applies to the code, and a handful of them is caught here.

`make mutants` tries all of them and writes docs/reference/mutants.md.
"""

from __future__ import annotations

import pytest

from simulation.mutants.__main__ import PAGE, tried
from simulation.mutants.catalogue import MUTANTS

HANDFUL = (
    "publish before record",
    "commit without fence",
    "lock kept after a failure",
    "repeated request accepted twice",
    "refused without a reason",
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_its_text_applies_exactly_once_and_compiles(mutant):
    assert mutant.old != mutant.new
    compile(mutant.source(), mutant.file, "exec")


def test_there_are_many_and_each_has_a_name_and_a_reason_of_its_own():
    assert len(MUTANTS) >= 25
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len({mutant.why for mutant in MUTANTS}) == len(MUTANTS)


def test_the_page_lists_each_of_them_as_caught():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    listed = [row.split(" | ")[0].removeprefix("| ") for row in rows[1:]]
    assert listed == [mutant.name for mutant in MUTANTS]
    assert not [row for row in rows if "SURVIVED" in row]


@pytest.mark.parametrize("name", HANDFUL)
def test_it_is_caught(name):
    (mutant,) = (m for m in MUTANTS if m.name == name)
    trial = tried(mutant)
    assert trial.caught is not None
    assert trial.by is not None
