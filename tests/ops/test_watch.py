"""Following an operation: one line per change where no terminal is, a picture where one is."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace

import pytest
from rich.console import Console

from core.adapters.memory.clock import ManualClock
from core.adapters.memory.operations import MemoryOperationStore
from core.domain.errors import NotFoundError, TransientError
from ops.errors import ExitCode
from ops.watch import MOST_MISSED_LOOKS, exit_code_of, watch
from tests.ops.records import (
    COMPLETED,
    DONE_ALL,
    DONE_THREE,
    FAILED,
    FAILED_STEP,
    ID,
    RUNNING,
    STALLED,
    START,
    UNDOING,
    UNDONE_ONE,
    WAITING,
    at,
    operation,
)

TABLES = "2 failed attempts; The export task runs: 3 of 10 tables."


@dataclass
class Story:
    """A store that tells one scene per look; sleeping leads to the next."""

    scenes: list
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    store: MemoryOperationStore = field(default_factory=MemoryOperationStore)

    def __post_init__(self):
        self.next(0)

    def next(self, _seconds):
        seconds, state, steps = self.scenes.pop(0)
        self.clock.advance_to(at(seconds))
        self.store.operations[ID] = state
        self.store.requests[ID] = "{}"
        for record in steps:
            self.store.prepare(record)

    def watch(self, console):
        return watch(self.store, ID, console, self.clock, 0.5, sleep=self.next)


def plain():
    return Console(file=io.StringIO(), width=40, force_terminal=False)


def test_one_line_per_change_and_the_end():
    other_table = replace(WAITING, waiting_for="4 of 10 tables.", fence=10)
    story = Story(
        [
            (0.2, operation(), ()),
            (10, RUNNING, DONE_THREE),
            (11, RUNNING, ()),
            (20, WAITING, ()),
            (21, WAITING, ()),
            (30, other_table, ()),
            (125, COMPLETED, DONE_ALL),
        ]
    )
    console = plain()
    ended = story.watch(console)
    assert ended == COMPLETED
    assert console.file.getvalue().splitlines() == [
        "SITE_PROMOTION of site-1 (tenant-1) in sit: PENDING, 0.2 s",
        f"operation {ID}, requested by jane.doe@example.com",
        "      10 s  done     plan  3.0 s",
        "      10 s  done     lock_site  0.4 s",
        "      10 s  done     reserve_release  1.0 s  1 failed attempt",
        "      10 s  running  export_source",
        f"      20 s  waiting  export_source  {TABLES}",
        "      30 s  waiting  export_source  2 failed attempts; 4 of 10 tables.",
        " 2 min 5 s  done     export_source  1 min 40 s",
        " 2 min 5 s  done     switch  1.0 s",
        " 2 min 5 s  done     complete  13 s",
        "COMPLETED after 2 min 5 s: It is done and checked.",
        "site     https://banana.wpsit.kimmyai.io",
        "release  2",
        "plan     sha256:2",
        "next     sitefleet sites show site-1 --tenant-id tenant-1 --env sit",
    ]


def test_the_way_back_is_announced_once():
    story = Story(
        [
            (12, RUNNING, DONE_THREE),
            (47, UNDOING, (FAILED_STEP, UNDONE_ONE)),
            (50, FAILED, ()),
        ]
    )
    console = plain()
    assert exit_code_of(story.watch(console)) is ExitCode.NOT_SUCCEEDED
    assert console.file.getvalue().splitlines()[6:11] == [
        "      47 s  failed   export_source  32 s  PROM_002: 2 of 12 checks failed. [31m",
        "      47 s  -- taking back, newest first --",
        "      47 s  undone   export_source  3.0 s",
        "      47 s  running  reserve_release",
        "FAILED after 50 s: Nothing of it went live; what it had made was taken back.",
    ]


def test_a_stalled_operation_ends_the_watch():
    ended = Story([(20, WAITING, DONE_THREE), (251, STALLED, ())]).watch(plain())
    assert exit_code_of(ended) is ExitCode.STALLED


def test_on_a_terminal_the_picture_is_drawn_anew():
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system="standard")
    Story([(12, RUNNING, DONE_THREE), (125, COMPLETED, DONE_ALL)]).watch(console)
    drawn = console.file.getvalue()
    assert "running  export_source" in drawn
    assert "\x1b[1A\x1b[2K" in drawn
    assert "COMPLETED after 2 min 5 s" in drawn.rsplit("\x1b[2K", 1)[1]


def test_an_unknown_operation_is_not_found():
    with pytest.raises(NotFoundError, match=f"There is no operation {ID}"):
        watch(MemoryOperationStore(), ID, plain(), ManualClock(START), 1)


@dataclass
class Flaky(MemoryOperationStore):
    """A table that does not answer for a while."""

    misses: int = 0

    def get(self, operation_id):
        self.misses -= 1
        if self.misses >= 0:
            raise TransientError("DynamoDB did not answer.")
        return super().get(operation_id)


@pytest.mark.parametrize("misses", [MOST_MISSED_LOOKS - 1, MOST_MISSED_LOOKS])
def test_a_few_missed_looks_do_not_end_the_watch(misses):
    store = Flaky(misses=misses)
    store.operations[ID], store.requests[ID] = COMPLETED, "{}"
    slept = []

    def follow():
        return watch(store, ID, plain(), ManualClock(START), 2, sleep=slept.append)

    if misses < MOST_MISSED_LOOKS:
        assert follow() == COMPLETED
        assert slept == [2] * misses
    else:
        with pytest.raises(TransientError):
            follow()


def test_exit_codes_by_class():
    assert exit_code_of(COMPLETED) is ExitCode.COMPLETED
    assert exit_code_of(FAILED) is ExitCode.NOT_SUCCEEDED
    assert exit_code_of(STALLED) is ExitCode.STALLED
    assert exit_code_of(RUNNING) is ExitCode.COMPLETED
