"""Steps of a replay: how large the next one is, and by which of them a group is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.domain.letters import Origin
from core.domain.replay_steps import groups_to_stop, next_steps, step_size
from core.domain.replays import EntryState, Fate, Pace, ReplayEntry

NOW = datetime(2026, 11, 29, 5, 30, tzinfo=UTC)
DONE, BAD, PLANNED = EntryState.DONE, EntryState.FAILED_AGAIN, EntryState.PLANNED


def entry(number: int, state: EntryState, *, sent_after: int | None = None) -> ReplayEntry:
    return ReplayEntry(
        number=number,
        message_id=f"m-{number}",
        group_id="g",
        origin=Origin.UPDATE,
        box="operations",
        forecast=Fate.RUNS,
        state=state,
        sent_at=None if sent_after is None else NOW + timedelta(seconds=sent_after),
    )


def group(*states: EntryState) -> list[ReplayEntry]:
    """Entries that were sent in the order of their numbers."""
    return [
        entry(number, state, sent_after=None if state is PLANNED else number)
        for number, state in enumerate(states)
    ]


def next_numbers(entries: Sequence[ReplayEntry], pace: Pace | None = None) -> list[int]:
    return [e.number for step in next_steps(entries, pace or Pace()) for e in step.entries]


@pytest.mark.parametrize(
    ("gone_out", "left"), [(0, 1), (1, 10), (5, 6), (10, 1), (11, 20), (12, 19), (711, 200)]
)
def test_a_step_that_was_begun_is_finished_before_a_larger_one(gone_out, left):
    assert step_size(gone_out, Pace()) == left


def test_a_turn_that_ended_in_mid_step_leaves_the_rest_of_it():
    begun = group(*[DONE] * 5, *[PLANNED] * 30)
    assert next_numbers(begun) == list(range(5, 11))


def test_the_last_step_is_the_one_that_was_sent_last():
    """Its letters have low numbers: they waited for others of their operations."""
    before = [entry(n, DONE, sent_after=n) for n in (0, *range(6, 16))]
    late = [entry(n, BAD, sent_after=100) for n in range(1, 6)]
    waiting = [entry(n, PLANNED) for n in range(16, 21)]
    entries = sorted([*before, *late, *waiting], key=lambda e: e.number)
    assert groups_to_stop(entries, Pace()) == {"g"}
    healed = [replace(e, state=DONE) if e in late else e for e in entries]
    assert groups_to_stop(healed, Pace()) == frozenset()


@pytest.mark.parametrize(("bad", "stops"), [(2, False), (3, True)])
def test_a_step_is_judged_as_a_whole_in_however_many_turns_it_is_sent(bad, stops):
    """Two of the four that went out failed: of the ten it will be, that is a fifth."""
    begun = group(DONE, *[BAD] * bad, *[DONE] * (4 - bad), *[PLANNED] * 20)
    assert groups_to_stop(begun, Pace()) == ({"g"} if stops else frozenset())


def test_a_last_step_that_is_not_full_is_judged_by_what_it_is():
    assert groups_to_stop(group(DONE, DONE, BAD), Pace()) == {"g"}


def test_what_could_not_be_sent_is_no_canary():
    tried = [entry(0, EntryState.UNSENDABLE), *group(*[PLANNED] * 3)[1:]]
    assert groups_to_stop(tried, Pace()) == frozenset()
    assert next_numbers(tried) == [1]
