"""What a step costs beyond what it does itself, counted on the real DynamoDB adapter."""

from __future__ import annotations

import pytest

from benchmarks.step_cost import dollars_per_million_steps, measure, report
from core.operations.promotion import plan_of
from events.decode import decode
from events.formats import Environment
from simulation.fleet import policy_of
from simulation.requests import promotion

STEPS = plan_of(decode(promotion()), policy_of(Environment.SIT))


@pytest.fixture(scope="module")
def messages():
    return measure()


def test_a_step_reads_once_and_writes_three_times_at_most(messages):
    assert len([m for m in messages if m.events]) == 1 + len(STEPS)  # and the accept
    _accept, *steps = [m for m in messages if m.events and not m.by_person]
    assert {m.reads for m in steps} == {1}
    assert max(m.writes for m in steps) == 3


def test_a_step_publishes_one_event_and_the_last_one_the_operations_too(messages):
    steps = [m.events for m in messages if m.events and not m.by_person]
    asked = steps.index(2)  # the plan is ready, and people are told that it waits for them
    assert steps == [1] * asked + [2] + [1] * (len(steps) - asked - 2) + [2]


def test_a_duplicate_costs_one_write_and_nothing_else(messages):
    silent = [m for m in messages if m.writes == 1 and m.reads == 0 and not m.events]
    assert silent
    assert all(m.write_units == 1 for m in silent)


def test_a_million_steps_cost_about_five_dollars(messages):
    """The evidence that a promotion keeps is counted in, and so is its turn: five write units.

    So are the three indexes that an operation stands in from its acceptance on.
    """
    direct = [m for m in messages if m.events]
    dollars, steps = dollars_per_million_steps(direct)
    assert steps == 1 + len(STEPS)
    assert sum(dollars.values()) < 5.25, report(messages)
