"""Cancel: wherever an operation stands, it undoes what it has done, and ends."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from core.engine.message import Acknowledged, QueueMessage
from core.engine.outcome import Failed
from core.ports.messaging import QueueName
from events.vocabulary import ErrorCode, OperationStatus, OperationType, Phase
from simulation.failures import WHY, workflows_failing_at
from simulation.promises import snapshot, visible
from simulation.requests import FIRST, SECOND
from tests.engine.deciding import Desk, message_to, settle, to_prod, until
from tests.engine.standing import (
    CANCELLED,
    JOB_STEPS,
    PROD,
    THIRD,
    as_it_was,
    cancel,
    desk_with,
    ended_clean,
    replace_step,
    retry,
    running_tasks,
)

ROLLBACK_FAILED = OperationStatus.ROLLBACK_FAILED


@pytest.fixture
def promoting():
    """A third promotion to sit: two are behind it, so there is an old release to retire."""
    return desk_with(THIRD, FIRST, SECOND)


class TestCancel:
    """A promotion to prod is cancelled wherever it stands: it undoes what it did, and ends."""

    @pytest.fixture
    def prod(self):
        desk = Desk.of(PROD, to_prod(correlation="first"))
        desk.ask(to_prod())
        return desk

    @staticmethod
    def agree(desk: Desk) -> None:
        desk.decide("tech-lead", "TECH_LEAD")
        desk.decide("operations-lead", "OPERATIONS_LEAD")

    def test_while_it_waits_for_approval(self, prod):
        before = visible(snapshot(prod.fleet))
        cancel(prod)
        prod.end()
        ended_clean(prod, before)

    def test_in_the_time_to_object(self, prod):
        before = visible(snapshot(prod.fleet))
        self.agree(prod)
        prod.wait(60)
        cancel(prod)
        prod.end()
        ended_clean(prod, before)

    def test_while_it_waits_for_the_window(self, prod):
        before = visible(snapshot(prod.fleet))
        self.agree(prod)
        prod.wait(700)
        assert "The window is closed" in prod.operation.waiting_for
        cancelled_at = prod.fleet.clock.now()
        cancel(prod)
        prod.end()
        ended_clean(prod, before)
        assert (prod.operation.completed_at - cancelled_at).total_seconds() < 60

    @pytest.mark.parametrize("step", [s for s in JOB_STEPS if s != "monitor"])
    def test_while_a_job_runs(self, promoting, step):
        before = visible(snapshot(promoting.fleet))
        promoting.fleet.jobs.seconds_of[step] = math.inf
        until(promoting.fleet, lambda: step in running_tasks(promoting))
        settle(promoting.fleet)
        cancel(promoting)
        promoting.end()
        if step != "retire_releases":  # what is retired is gone, by then; the site is as before
            ended_clean(promoting, before)
        assert promoting.operation.status is CANCELLED
        assert running_tasks(promoting) == []

    def test_in_the_monitor_window(self, prod):
        before = visible(snapshot(prod.fleet))
        self.agree(prod)
        prod.fleet.jobs.seconds_of["monitor"] = 900
        until(prod.fleet, lambda: prod.operation.step == "monitor", most_steps=30_000)
        prod.wait(200)
        assert prod.operation.step == "monitor"
        assert visible(snapshot(prod.fleet)) != before
        cancel(prod)
        prod.end()
        ended_clean(prod, before)

    def test_while_it_is_being_taken_back_already(self, promoting):
        before = visible(snapshot(promoting.fleet))
        promoting.fleet.jobs.seconds_of["import_database"] = 300
        until(promoting.fleet, lambda: "import_database" in running_tasks(promoting))
        cancel(promoting)
        assert promoting.operation.phase is Phase.UNDO
        cancel(promoting)
        promoting.end()
        ended_clean(promoting, before)

    def test_while_a_worker_is_at_it_and_has_not_finished(self, promoting):
        """The lease is another's: the message comes back, however often it was received."""
        until(promoting.fleet, lambda: promoting.operation.step == "plan")
        operation, now = promoting.operation, promoting.fleet.clock.now()
        held = replace(
            operation, lease_owner="other", lease_until=now + timedelta(seconds=60), step_since=now
        )
        promoting.fleet.store.operations[operation.operation_id] = held
        body = message_to("OPERATION_CANCEL_REQUEST", operation.operation_id)
        received = QueueMessage(
            message_id="m", body=body, receive_count=5, queue=QueueName.PROMOTION
        )
        assert isinstance(promoting.fleet.consumer.handle(received), Acknowledged)
        (again,) = [m for m in promoting.fleet.world.queues["promotion"] if m.body == body]
        assert (again.visible_at - now).total_seconds() == 61
        promoting.end()
        assert promoting.operation.status is CANCELLED


class TestAfterAFailure:
    """What turned an operation round first is its reason, and stays it."""

    @pytest.mark.parametrize(
        ("step", "end"),
        [("check_before", OperationStatus.FAILED), ("check_after", OperationStatus.ROLLED_BACK)],
    )
    def test_a_cancel_is_too_late_to_be_the_reason(self, promoting, step, end):
        before = visible(snapshot(promoting.fleet))
        promoting.fleet.workflows = workflows_failing_at(OperationType.SITE_PROMOTION, step)
        promoting.fleet._wire()
        until(promoting.fleet, lambda: promoting.operation.phase is Phase.UNDO)
        cancel(promoting)
        promoting.end()
        ended_clean(promoting, before, end)
        assert promoting.operation.cancel_requested
        assert (promoting.operation.failure.message, promoting.operation.failure.step) == (
            WHY,
            step,
        )
        told = promoting.fleet.world.notifications[-1].payload
        assert (told.status, told.error.message) == (end, WHY)

    def test_a_cancel_that_meets_the_failure_is_too_late_as_well(self, promoting):
        def fail(context):
            promoting.fleet.store.request_cancel(
                context.operation.operation_id, "because", context.now
            )
            return Failed(code=ErrorCode.SYS_001, why=WHY)

        replace_step(promoting, "check_before", Phase.FORWARD, fail)
        promoting.end()
        assert promoting.operation.cancel_requested
        assert promoting.operation.status is OperationStatus.FAILED
        assert promoting.operation.failure.message == WHY

    def test_an_undo_that_fails_does_not_hide_that_it_was_cancelled(self, promoting):
        before = visible(snapshot(promoting.fleet))
        until(promoting.fleet, lambda: promoting.operation.step == "check_before")
        failed = Failed(code=ErrorCode.SYS_001, why=WHY)
        replace_step(promoting, "start_release", Phase.UNDO, lambda _context: failed)
        cancel(promoting)
        until(promoting.fleet, lambda: promoting.operation.status is ROLLBACK_FAILED)
        as_it_was(promoting)
        retry(promoting)
        promoting.end()
        ended_clean(promoting, before)
