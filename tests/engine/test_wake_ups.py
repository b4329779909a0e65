"""Wake-ups: what AWS reports in its documented shapes ends the wait of the right step at once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from benchmarks.waiting import ENVIRONMENTS, KINDS, TIMES, measure
from core.domain.replays import Fate
from core.engine.message import Acknowledged, QueueMessage, TryAgain
from events.formats import Environment
from events.progress import WakeUp
from simulation.reports import backup_ended, deployment, snapshot_made
from simulation.requests import FIRST, promotion
from simulation.scenario import prepared
from tests.engine.deciding import until

POLLS, REPORTS = KINDS


@pytest.fixture(params=["back_up_target", "start_release"])
def waiting(request):
    """A promotion to sit whose step waits for something that AWS knows only by its ARN."""
    fleet = prepared(Environment.SIT, FIRST, times=TIMES, loses_wake_ups=True)
    fleet.send("promotion", promotion(correlation="second"))
    until(fleet, lambda: fleet.store.resources != {} and newest(fleet).step == request.param)
    until(fleet, lambda: newest(fleet).wait_number > 0)
    return fleet


def newest(fleet):
    return max(fleet.store.operations.values(), key=lambda o: (o.created_at, o.correlation_id))


def delivered(fleet, event) -> None:
    message = QueueMessage(
        message_id="wake-up", body=json.dumps(event), receive_count=1, queue=None
    )
    assert isinstance(fleet.consumer.handle(message), Acknowledged)


def waited_for(fleet) -> dict:
    """What the waiting step waits for: ARN -> the event that AWS sends about it."""
    shapes = {":rds:": snapshot_made, ":backup:": backup_ended, ":ecs:": deployment}
    return {
        arn: shape(arn, fleet.world)
        for arn in fleet.store.resources
        for part, shape in shapes.items()
        if part in arn
    }


def test_what_a_step_waits_for_is_noted_by_its_arn(waiting):
    services = {arn.split(":")[2] for arn in waiting.store.resources}
    assert services >= ({"ecs"} if newest(waiting).step == "start_release" else {"rds", "backup"})
    assert set(waiting.store.resources.values()) == {newest(waiting).operation_id}


def test_its_report_makes_the_step_look_and_leaves_the_poll_in_force(waiting):
    before = newest(waiting)
    for count, event in enumerate(waited_for(waiting).values(), start=1):
        delivered(waiting, event)
        assert newest(waiting).fence == before.fence + count
        assert newest(waiting).wait_number == before.wait_number


def test_once_it_is_there_its_report_ends_the_wait(waiting):
    before = newest(waiting)
    waiting.clock.advance(500)
    for event in waited_for(waiting).values():
        delivered(waiting, event)
    assert newest(waiting).cursor == before.cursor + 1


def test_a_report_about_somebody_elses_resource_is_ignored(waiting):
    before = newest(waiting)
    for arn, event in waited_for(waiting).items():
        foreign = json.loads(json.dumps(event).replace(arn, f"{arn}-of-another-team"))
        delivered(waiting, foreign)
    assert newest(waiting) == before


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("plan", TryAgain(after_seconds=1)),
        (None, TryAgain(after_seconds=1)),
        ("cut_over", Acknowledged(fate=Fate.NOTHING, why="What it asks for has happened already.")),
    ],
)
def test_one_that_overtakes_its_steps_wait_comes_back_once(step, answer):
    """A job that ends within the second in which it was started: its step is still at work."""
    fleet = prepared(Environment.SIT)
    fleet.send("promotion", promotion())
    until(fleet, lambda: bool(fleet.store.operations) and newest(fleet).step == "plan")
    operation, now = newest(fleet), fleet.clock.now()
    fleet.store.operations[operation.operation_id] = replace(
        operation, lease_owner="other", lease_until=now + timedelta(seconds=60), step_since=now
    )
    body = WakeUp(operation_id=operation.operation_id, step=step, reason="test").queue_body()
    first = QueueMessage(message_id="wake-up", body=body, receive_count=1, queue=None)
    assert fleet.consumer.handle(first) == answer
    assert isinstance(fleet.consumer.handle(replace(first, receive_count=2)), Acknowledged)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_with_wake_ups_a_promotion_waits_for_nothing(environment):
    """Virtual time: the numbers are exact, and the same in every run."""
    lost = measure(environment, delivered=False)
    known = measure(environment, delivered=True)
    assert set(lost.lags) == set(known.lags) >= {"plan", "back_up_target", "start_release"}
    assert all(lag >= 0 for lag in (*lost.lags.values(), *known.lags.values()))
    assert known.wasted_seconds <= 1
    assert lost.wasted_seconds > 100
    opens = {"decide_again"}  # the later a plan is ready, the sooner the window opens
    assert {s: n for s, n in known.needed.items() if s not in opens} == {
        s: n for s, n in lost.needed.items() if s not in opens
    }
    assert known.looks[POLLS] < lost.looks[POLLS]
    assert (lost.looks[REPORTS], lost.late[REPORTS]) == (0, 0)
    assert known.looks[REPORTS] == 14
