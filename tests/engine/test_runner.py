"""The five verbs, driven by messages on memory twins: what becomes of each message."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import timedelta

import pytest
import structlog

from core.domain.errors import SitefleetError, TransientError
from core.engine.message import Acknowledged, TryAgain, backoff_seconds
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events.progress import StepPoll, WakeUp
from events.vocabulary import DetailType, OperationStatus
from simulation.requests import SITE, TENANT, creation, promotion
from tests.engine.one_creation import accepted, in_dev, message, only_operation, until_waiting


@pytest.fixture
def fleet():
    return in_dev()


class TestRequests:
    def test_a_request_becomes_an_operation_and_an_event(self, fleet):
        assert isinstance(fleet.consumer.handle(message(creation())), Acknowledged)
        operation = only_operation(fleet)
        assert (operation.status, operation.cursor) == (OperationStatus.PENDING, 0)
        assert [e.detail_type for e in fleet.world.events] == [DetailType.OPERATION_ACCEPTED]

    def test_the_same_request_ten_times_is_one_operation_and_ten_answers(self, fleet):
        for _ in range(10):
            fleet.send(QueueName.CREATION, creation())
        fleet.run()
        assert only_operation(fleet).status is OperationStatus.COMPLETED
        status = [e for e in fleet.world.events if e.detail_type is DetailType.OPERATION_STATUS]
        assert len(status) == 9
        installs = [t for t in fleet.world.tasks if t.reference.step == "install_wordpress"]
        assert len(installs) == 1

    def test_the_same_key_with_another_payload_is_refused(self, fleet):
        fleet.consumer.handle(message(creation()))
        fleet.consumer.handle(message(creation(subdomain="cherry")))
        (letter,) = fleet.world.dead_letters
        assert letter.attributes["errorCode"] == "SITE_001"
        assert "another payload" in letter.attributes["reason"].lower()
        assert len(fleet.store.operations) == 1

    @pytest.mark.parametrize(
        ("body", "queue", "code", "part"),
        [
            ("{", QueueName.CREATION, "SITE_001", "cannot be read"),
            (creation(siteId="A B"), QueueName.CREATION, "SITE_001", "siteId"),
            (creation(), QueueName.UPDATE, "SITE_001", "belongs on the creation queue"),
            (creation(environment="sit"), QueueName.CREATION, "SITE_001", "meant for sit"),
            (creation(tenantId="nobody"), QueueName.CREATION, "PROM_005", "no tenant nobody"),
            (creation(templateId="shop"), QueueName.CREATION, "TEMP_001", "shop"),
            (
                creation(configuration={"plugins": ["akismet"]}),
                QueueName.CREATION,
                "PLUG_001",
                "akismet",
            ),
            (creation(cloneFrom="site-none"), QueueName.CREATION, "SITE_002", "site-none"),
            (
                promotion(sourceEnvironment="sit", targetEnvironment="dev"),
                QueueName.PROMOTION,
                "SITE_006",
                "sit to dev",
            ),
        ],
    )
    def test_what_cannot_be_accepted_is_answered_and_kept(self, fleet, body, queue, code, part):
        assert isinstance(fleet.consumer.handle(message(body, queue=queue)), Acknowledged)
        (letter,) = fleet.world.dead_letters
        (event,) = fleet.world.events
        assert letter.attributes["errorCode"] == code
        assert part in letter.attributes["reason"]
        assert letter.body == body
        assert len(letter.attributes) <= 10
        assert event.detail_type is DetailType.OPERATION_REJECTED
        assert event.data.error.code == code
        assert letter.attributes["rejectionEventId"] == event.metadata.event_id
        assert fleet.store.operations == {}

    def test_a_suspended_tenant_gets_no_site(self, fleet):
        fleet.world.tenants[TENANT] = Tenant(tenant_id=TENANT, status="SUSPENDED")
        fleet.consumer.handle(message(creation()))
        assert "SUSPENDED" in fleet.world.dead_letters[0].attributes["reason"]

    def test_a_site_that_is_live_is_not_created_again(self, fleet):
        fleet.send(QueueName.CREATION, creation())
        fleet.run()
        fleet.consumer.handle(message(creation(correlation="again")))
        assert fleet.world.dead_letters[0].attributes["errorCode"] == "SITE_005"

    def test_a_taken_subdomain_fails_the_second_creation_and_harms_nobody(self, fleet):
        fleet.send(QueueName.CREATION, creation())
        fleet.run()
        fleet.send(QueueName.CREATION, creation("site-other", correlation="second"))
        fleet.run()
        second = next(o for o in fleet.store.operations.values() if o.site_id == "site-other")
        assert (second.status, second.failure.code) == (OperationStatus.FAILED, "SITE_003")
        assert fleet.world.subdomains["banana"] == (TENANT, SITE)
        assert ("tenant-1", "site-other") not in fleet.world.sites


class TestClaims:
    def test_a_second_delivery_while_the_step_runs_comes_back_after_the_lease(self, fleet):
        body = accepted(fleet)
        operation = only_operation(fleet)
        now = fleet.clock.now()
        fleet.store.operations[operation.operation_id] = replace(
            operation, lease_owner="other", lease_until=now + timedelta(seconds=60), fence=1
        )
        assert fleet.consumer.handle(message(body)) == TryAgain(after_seconds=61)
        last = message(body, receive_count=fleet.engine.timing.max_receive_count)
        assert isinstance(fleet.consumer.handle(last), Acknowledged)
        assert fleet.world.queues[QueueName.CREATION] == []

    def test_an_old_event_does_nothing(self, fleet):
        body = accepted(fleet)
        fleet.send(QueueName.CREATION, body)
        fleet.run()
        before = (only_operation(fleet), len(fleet.world.events))
        assert isinstance(fleet.consumer.handle(message(body)), Acknowledged)
        assert (only_operation(fleet), len(fleet.world.events)) == before

    def test_the_message_directly_behind_a_record_publishes_its_events_again(self, fleet):
        body = accepted(fleet)
        fleet.consumer.handle(message(body))
        published = fleet.world.events[-1]
        fleet.world.events.clear()
        fleet.consumer.handle(message(body, receive_count=2))
        assert fleet.world.events == [published]

    def test_progress_of_an_unknown_operation_becomes_a_dead_letter(self, fleet):
        body = accepted(fleet)
        fleet.store.operations.clear()
        assert isinstance(fleet.consumer.handle(message(body)), Acknowledged)
        assert fleet.world.dead_letters[0].attributes["errorCode"] == "SITE_002"

    def test_a_wake_up_of_another_environments_operation_is_no_dead_letter(self, fleet):
        """The source account hears of its export tasks too; their operation is the target's."""
        wake = WakeUp(operation_id="00000000-0000-5000-8000-000000000009", reason="task stopped")
        assert isinstance(
            fleet.consumer.handle(message(wake.queue_body(), queue=None)), Acknowledged
        )
        assert fleet.world.dead_letters == []


class TestWaits:
    def test_a_waiting_step_sends_one_numbered_poll(self, fleet):
        operation = until_waiting(fleet)
        (poll,) = fleet.world.queues[QueueName.CREATION]
        assert json.loads(poll.body)["waitNumber"] == operation.wait_number == 1
        assert poll.visible_at > fleet.clock.now()

    def test_an_old_poll_is_dropped_and_a_redelivered_one_sends_the_current_again(self, fleet):
        operation = until_waiting(fleet)
        fleet.world.queues[QueueName.CREATION].clear()
        old = StepPoll(
            operation_id=operation.operation_id, event_id=operation.event_id, wait_number=0
        ).queue_body()
        fleet.consumer.handle(message(old))
        assert fleet.world.queues[QueueName.CREATION] == []
        fleet.consumer.handle(message(old, receive_count=2))
        (poll,) = fleet.world.queues[QueueName.CREATION]
        assert json.loads(poll.body)["waitNumber"] == 1

    def test_wake_ups_and_duplicates_leave_one_chain_of_polls(self, fleet):
        operation = until_waiting(fleet)
        wake = WakeUp(operation_id=operation.operation_id, reason="test").queue_body()
        poll = fleet.world.queues[QueueName.CREATION][0].body
        for body in (wake, wake, wake, poll, poll):
            fleet.consumer.handle(message(body, queue=None))
        current = only_operation(fleet)
        polls = [json.loads(m.body) for m in fleet.world.queues[QueueName.CREATION]]
        numbers = [p["waitNumber"] for p in polls]
        assert current.wait_number == 2
        assert sorted(numbers) == [1, 2]

    def test_a_wake_up_for_another_step_changes_nothing(self, fleet):
        operation = until_waiting(fleet)
        wake = WakeUp(operation_id=operation.operation_id, step="switch", reason="test")
        fleet.consumer.handle(message(wake.queue_body(), queue=None))
        assert only_operation(fleet) == operation

    def test_a_step_past_its_deadline_is_reported_stalled_once(self, fleet):
        until_waiting(fleet)
        fleet.jobs.seconds = math.inf
        fleet.run(most_steps=3000)
        operation = only_operation(fleet)
        assert operation.stalled_since is not None
        assert operation.due_at is None
        stalled = {n.event_id for n in fleet.world.notifications}
        assert len(stalled) == 1
        assert fleet.world.notifications[0].event_type == "OPERATION_STALLED"


class TestFailures:
    def test_a_broken_attempt_backs_off_is_recorded_and_leaves_the_lease_free(self, fleet):
        body = accepted(fleet)
        breaking(fleet, "acquire_lock", TransientError("throttled at 12345", retry_after_seconds=7))
        assert fleet.consumer.handle(message(body)) == TryAgain(after_seconds=7)
        operation = only_operation(fleet)
        assert (operation.attempt, operation.lease_owner) == (1, None)
        (failure,) = fleet.store.failures
        assert (failure.step, failure.exception_type) == ("lock_site", "TransientError")
        assert failure.message == "throttled at #"

    def test_the_last_attempt_stalls_the_operation_and_the_dead_letter_says_why(self, fleet):
        fleet.send(QueueName.CREATION, creation())
        breaking(fleet, "acquire_lock", RuntimeError("a defect"))
        fleet.run()
        operation = only_operation(fleet)
        assert operation.stalled_since is not None
        (letter,) = fleet.world.dead_letters
        assert letter.attributes["step"] == "lock_site"
        assert letter.attributes["exceptionType"] == "RuntimeError"
        assert "a defect" in letter.attributes["reason"]
        assert len(fleet.store.failures) == 5

    def test_a_retry_continues_a_stalled_operation_to_its_end(self, fleet):
        fleet.send(QueueName.CREATION, creation())
        breaking(fleet, "acquire_lock", RuntimeError("a defect"))
        fleet.run()
        fleet.boundary.before = lambda _call: None
        stalled = only_operation(fleet)
        fleet.send(QueueName.CREATION, directed("OPERATION_RETRY_REQUEST", stalled.operation_id))
        fleet.run()
        ended = only_operation(fleet)
        assert (ended.status, ended.stalled_since) == (OperationStatus.COMPLETED, None)

    def test_a_retry_of_what_runs_well_is_refused(self, fleet):
        operation = until_waiting(fleet)
        fleet.consumer.handle(message(directed("OPERATION_RETRY_REQUEST", operation.operation_id)))
        assert fleet.world.dead_letters[0].attributes["errorCode"] == "SITE_005"

    def test_an_undo_that_cannot_succeed_says_so_and_can_be_resumed(self, fleet):
        operation = until_waiting(fleet)
        breaking(fleet, "delete", SitefleetError("the secret is locked"))
        cancel_it = directed("OPERATION_CANCEL_REQUEST", operation.operation_id)
        fleet.send(QueueName.CREATION, cancel_it)
        fleet.run()
        stuck = only_operation(fleet)
        assert stuck.status is OperationStatus.ROLLBACK_FAILED
        assert "the secret is locked" in stuck.failure.message
        assert fleet.world.notifications[-1].severity == "critical"
        fleet.boundary.before = lambda _call: None
        fleet.send(QueueName.CREATION, directed("OPERATION_RETRY_REQUEST", stuck.operation_id))
        fleet.run()
        assert only_operation(fleet).status is OperationStatus.CANCELLED
        assert fleet.world.secrets == {}

    def test_what_the_bus_did_not_take_is_published_again(self, fleet):
        fleet.send(QueueName.CREATION, creation())
        refusals = iter(["ThrottlingException"] * 3)
        fleet.engine.bus.refuse = lambda _event: next(refusals, None)
        fleet.run()
        assert only_operation(fleet).status is OperationStatus.COMPLETED

    def test_backoff_doubles_and_follows_what_the_error_suggests(self):
        assert [backoff_seconds(n, None) for n in (1, 2, 3, 9, 40)] == [2, 4, 8, 512, 512]
        assert backoff_seconds(1, 60) == 60
        assert backoff_seconds(1, 5000) == 900


class TestCancel:
    def test_a_cancel_of_a_waiting_operation_undoes_and_ends(self, fleet):
        operation = until_waiting(fleet)
        fleet.send(QueueName.CREATION, directed("OPERATION_CANCEL_REQUEST", operation.operation_id))
        fleet.run()
        ended = only_operation(fleet)
        assert ended.status is OperationStatus.CANCELLED
        assert fleet.world.services == {}
        assert fleet.effects.schemas == fleet.effects.directories == set()
        assert fleet.store.locks == {}

    def test_a_cancel_while_a_step_runs_turns_back_behind_it(self, fleet):
        body = accepted(fleet)

        def cancel_before_the_commit(call) -> None:
            if call.method == "commit":
                operation = only_operation(fleet)
                fleet.store.request_cancel(operation.operation_id, "stop", fleet.clock.now())

        fleet.boundary.before = cancel_before_the_commit
        fleet.consumer.handle(message(body))
        operation = only_operation(fleet)
        assert operation.cancel_requested
        assert (operation.status, operation.cancel_reason) == (OperationStatus.CANCELLED, "stop")
        assert fleet.store.locks == {}

    def test_a_cancel_of_what_has_ended_is_refused(self, fleet):
        fleet.send(QueueName.CREATION, creation())
        fleet.run()
        fleet.consumer.handle(
            message(directed("OPERATION_CANCEL_REQUEST", only_operation(fleet).operation_id))
        )
        assert fleet.world.dead_letters[0].attributes["errorCode"] == "SITE_005"
        assert only_operation(fleet).status is OperationStatus.COMPLETED


class TestLogs:
    def test_every_line_about_an_operation_carries_its_context(self, fleet):
        with structlog.testing.capture_logs(
            processors=[structlog.contextvars.merge_contextvars]
        ) as lines:
            fleet.send(QueueName.CREATION, creation())
            fleet.run()
        about = [line for line in lines if line["event"] in {"running_step", "waiting"}]
        assert len(about) > 10
        needed = {"operationId", "step", "attempt", "tenantId", "siteId", "correlationId"}
        for line in about:
            assert needed <= set(line), line


def breaking(fleet, method, error) -> None:
    """Let one port method raise instead of doing anything."""

    def before(call) -> None:
        if call.method == method:
            raise error

    fleet.boundary.before = before


def directed(message_type: str, operation_id: str) -> str:
    return json.dumps(
        {
            "messageType": message_type,
            "correlationId": f"c-{message_type}",
            "timestamp": "2026-11-21T08:00:00Z",
            "payload": {"operationId": operation_id, "reason": "changed my mind"},
        }
    )
