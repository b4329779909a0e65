"""Deadlines: nothing is stuck for ever, and a person can end or continue whatever stands still."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from typer.main import get_command

from core.adapters.memory.boundary import Crashed
from core.engine.derive import derive_stalled, derive_status
from core.operations.promotion import PROMOTION
from events.vocabulary import OperationStatus, Phase
from ops.cli import app
from simulation.fleet import policy_of
from simulation.promises import snapshot, visible
from simulation.requests import BACK_TO_FIRST, FIRST, SECOND
from tests.engine.deciding import OPS, TECH, Desk, settle, to_prod, until
from tests.engine.standing import (
    CANCELLED,
    COMPLETED,
    JOB_STEPS,
    PROD,
    PROMOTION_STEPS,
    ROLLBACK_JOB_STEPS,
    ROLLBACK_STEPS,
    SIT,
    THIRD,
    as_it_was,
    cancel,
    desk_with,
    ended_clean,
    never,
    replace_step,
    retry,
    running_tasks,
    told_of_the_stall,
    until_stalled,
)


@pytest.fixture
def promoting():
    """A third promotion to sit: two are behind it, so there is an old release to retire."""
    return desk_with(THIRD, FIRST, SECOND)


@pytest.fixture
def rolling_back():
    return desk_with(BACK_TO_FIRST, FIRST, SECOND)


class TestStalled:
    """A job that never ends: it is reported, and a person ends it in either direction."""

    @pytest.mark.parametrize("step", JOB_STEPS)
    def test_a_promotion_is_cancelled(self, promoting, step):
        before = visible(snapshot(promoting.fleet))
        promoting.fleet.jobs.seconds_of[step] = math.inf
        until_stalled(promoting)
        told_of_the_stall(promoting, step)
        cancel(promoting)
        promoting.end()
        if step != "retire_releases":
            ended_clean(promoting, before)
        assert (promoting.operation.status, running_tasks(promoting)) == (CANCELLED, [])

    @pytest.mark.parametrize("step", ROLLBACK_JOB_STEPS)
    def test_a_rollback_is_cancelled(self, rolling_back, step):
        before = visible(snapshot(rolling_back.fleet))
        rolling_back.fleet.jobs.seconds_of[step] = math.inf
        until_stalled(rolling_back)
        told_of_the_stall(rolling_back, step)
        cancel(rolling_back)
        rolling_back.end()
        assert (rolling_back.operation.status, running_tasks(rolling_back)) == (CANCELLED, [])
        after = visible(snapshot(rolling_back.fleet))
        assert (after["rules"], after["releases"]) == (before["rules"], before["releases"])

    @pytest.mark.parametrize("step", JOB_STEPS)
    def test_a_retry_ends_the_job_and_does_it_again(self, promoting, step):
        promoting.fleet.jobs.seconds_of[step] = math.inf
        until_stalled(promoting)
        del promoting.fleet.jobs.seconds_of[step]
        stuck = [t for w in worlds(promoting) for t in w.tasks if not t.stopped]
        for task in stuck:
            task.started_at = task.started_at.max.replace(tzinfo=task.started_at.tzinfo)
        retry(promoting)
        promoting.end()
        assert promoting.operation.status is COMPLETED
        assert running_tasks(promoting) == []
        mine = [
            t.reference.step
            for w in worlds(promoting)
            for t in w.tasks
            if t.reference.operation_id == promoting.operation.operation_id
        ]
        assert {name for name in mine if mine.count(name) > 1} == {step}

    def test_a_second_stall_is_announced_as_the_first_was(self, promoting):
        promoting.fleet.jobs.seconds_of["import_database"] = math.inf
        until_stalled(promoting)
        retry(promoting)
        assert promoting.operation.stalled_since is None
        until_stalled(promoting)
        told = [n for n in promoting.fleet.world.notifications if n.outcome == "stalled"]
        assert [n.payload.error.details["attempts"] for n in told] == [1, 2]

    def test_a_job_is_not_given_the_days_that_its_step_has_for_the_window(self):
        """The site is locked meanwhile: a census that hangs is reported within the hour."""
        desk = Desk.of(PROD, to_prod(correlation="first"))
        desk.fleet.jobs.seconds_of["decide_again"] = math.inf
        desk.ask(to_prod())
        for name, role in (TECH, OPS):
            desk.decide(name, role)
        until_stalled(desk)
        told_of_the_stall(desk, "decide_again")
        [task] = [t for w in worlds(desk) for t in w.tasks if not t.stopped]
        hung = (desk.operation.stalled_since - task.started_at).total_seconds()
        patience = policy_of(PROD).step("decide_again")
        assert patience.job_deadline_seconds < hung < 3600 < patience.deadline_seconds

    def test_a_job_that_ends_after_all_needs_nobody(self, promoting):
        late = policy_of(SIT).step("import_database").deadline_seconds + 1800
        promoting.fleet.jobs.seconds_of["import_database"] = late
        until_stalled(promoting)
        promoting.end()
        assert promoting.operation.status is COMPLETED


def worlds(desk: Desk):
    return [desk.fleet.world, desk.fleet.world.source]


class TestEveryStep:
    """Whatever a step waits for, it may never come."""

    @pytest.mark.parametrize("step", PROMOTION_STEPS)
    def test_of_a_promotion_stalls_in_time_and_can_be_cancelled(self, promoting, step):
        before = visible(snapshot(promoting.fleet))
        never(promoting, step)
        until_stalled(promoting)
        told_of_the_stall(promoting, step)
        operation = promoting.operation
        deadline = promoting.fleet.policy.deadline(step)
        assert deadline < operation.stalled_since - operation.step_since < deadline * 1.2
        as_it_was(promoting)
        cancel(promoting)
        promoting.end()
        assert promoting.operation.status is CANCELLED
        if PROMOTION_STEPS.index(step) <= PROMOTION_STEPS.index("retire_releases"):
            ended_clean(promoting, before)

    @pytest.mark.parametrize("step", PROMOTION_STEPS)
    def test_of_a_promotion_is_tried_anew_and_nothing_before_it(self, promoting, step):
        never(promoting, step)
        until_stalled(promoting)
        as_it_was(promoting)
        fence = promoting.operation.fence
        retry(promoting)
        promoting.end()
        assert promoting.operation.status is COMPLETED
        again = [
            e.metadata.step
            for e in promoting.fleet.world.events
            if e.detail_type == "SiteStepCompleted"
            and e.metadata.operation_id == promoting.operation.operation_id
        ]
        assert again == list(promoting.operation.plan)
        assert promoting.operation.fence > fence

    @pytest.mark.parametrize("step", ROLLBACK_STEPS)
    def test_of_a_rollback_stalls_and_can_be_cancelled(self, rolling_back, step):
        before = visible(snapshot(rolling_back.fleet))
        never(rolling_back, step)
        until_stalled(rolling_back)
        told_of_the_stall(rolling_back, step)
        as_it_was(rolling_back)
        cancel(rolling_back)
        rolling_back.end()
        assert rolling_back.operation.status is CANCELLED
        assert rolling_back.fleet.store.locks == {}
        if ROLLBACK_STEPS.index(step) <= ROLLBACK_STEPS.index("record_rollback"):
            after = visible(snapshot(rolling_back.fleet))
            assert (after["rules"], after["releases"]) == (before["rules"], before["releases"])

    @pytest.mark.parametrize(
        "step", [s.name for s in PROMOTION.steps if s.undo and s.name != "switch"]
    )
    def test_whose_undo_never_ends_is_reported_and_goes_on_once_it_can(self, step):
        desk = desk_with(SECOND, FIRST)
        before = visible(snapshot(desk.fleet))
        never(desk, "seal_record")
        until(desk.fleet, lambda: desk.operation.step == "seal_record")
        settle(desk.fleet)
        as_it_was(desk)
        never(desk, step, Phase.UNDO)
        cancel(desk)
        until_stalled(desk)
        told_of_the_stall(desk, step)
        as_it_was(desk)
        retry(desk)
        desk.end()
        ended_clean(desk, before)

    def test_that_kills_every_worker_is_reported_by_the_sweeper(self, promoting):
        """Out of memory at each attempt: no failure is ever recorded, and no wait answered."""
        before = visible(snapshot(promoting.fleet))

        def killed(_context):
            raise Crashed

        replace_step(promoting, "create_access_point", Phase.FORWARD, killed)
        until_stalled(promoting)
        (told,) = [n for n in promoting.fleet.world.notifications if n.outcome == "stalled"]
        assert told.payload.step == "create_access_point"
        promoting.end()
        assert promoting.operation.due_at is None
        cancel(promoting)
        promoting.end()
        assert promoting.operation.status is CANCELLED
        assert visible(snapshot(promoting.fleet)) == before

    def test_a_worker_that_dies_of_a_retry_does_not_lose_it(self, promoting):
        """The retry has been claimed, and the sweeper looks after stalled operations no more."""
        never(promoting, "import_database")
        until_stalled(promoting)
        promoting.end()
        as_it_was(promoting)

        def killed(_context):
            raise Crashed

        replace_step(promoting, "import_database", Phase.FORWARD, killed)
        retry(promoting)
        as_it_was(promoting)
        promoting.end()
        assert promoting.operation.status is COMPLETED
        assert promoting.letters == []


class TestCommands:
    """What an event tells a person to type exists."""

    @pytest.mark.parametrize("status", list(OperationStatus))
    def test_the_next_command_is_one(self, promoting, status):
        until(promoting.fleet, lambda: bool(promoting.operation.step_since))
        operation = replace(promoting.operation, status=status)
        for event in (derive_status(operation), derive_stalled(operation)):
            words = event.data.next_command.split()
            assert words.pop(0) == "sitefleet"
            group = get_command(app)
            for word in words[:2]:
                group = group.get_command(None, word)
                assert group is not None, event.data.next_command
            flags = {flag for parameter in group.params for flag in parameter.opts}
            assert set(re.findall(r"--[a-z-]+", event.data.next_command)) <= flags
