"""Taking a promotion back: on request, by cancel, half way, and resumed. Driven by messages."""

from __future__ import annotations

import json

import pytest

from core.adapters.memory.boundary import Boundary
from core.domain.errors import TransientError
from core.domain.names import site_key
from core.domain.site import ReleaseStatus
from core.ports.messaging import QueueName
from events.vocabulary import OperationStatus, OperationType
from simulation.promises import snapshot, visible
from simulation.requests import BACK_TO_FIRST, SITE, TENANT, promotion, promotion_id, rollback
from simulation.scenarios import SCENARIOS


@pytest.fixture
def fleet():
    """Sit with two promotions behind it: release 2 is live, release 1 is kept."""
    (scenario,) = [s for s in SCENARIOS if s.name == "rollback on request"]
    fleet = scenario.start(Boundary())
    fleet.world.queues[QueueName.PROMOTION].clear()
    return fleet


def send(fleet, body: str):
    """Send a message and let everything happen; return the newest operation."""
    fleet.send(QueueName.PROMOTION, body)
    fleet.run()
    return max(fleet.store.operations.values(), key=lambda o: (o.created_at, o.fence))


def rollback_of(fleet):
    kind = OperationType.SITE_ROLLBACK
    return next((o for o in fleet.store.operations.values() if o.operation_type is kind), None)


def statuses(fleet) -> dict[int, ReleaseStatus]:
    return {number: r.status for (_, _, number), r in fleet.world.releases.items()}


def pointer(fleet) -> str:
    groups = {arn: name for name, arn in fleet.world.target_groups.items()}
    (rule,) = fleet.world.rules.values()
    return groups[rule.target_group_arn].rpartition("-")[2]


def message_to(kind: str, operation_id: str, **payload: object) -> str:
    return json.dumps(
        {
            "messageType": kind,
            "correlationId": "by-hand",
            "timestamp": "2026-11-21T08:00:00Z",
            "payload": {"operationId": operation_id, "reason": "because", **payload},
        }
    )


class TestOnRequest:
    def test_the_former_release_is_live_again_and_the_other_one_is_kept(self, fleet):
        assert pointer(fleet) == "r2"
        send(fleet, BACK_TO_FIRST)
        operation = rollback_of(fleet)
        assert operation.status is OperationStatus.COMPLETED
        assert pointer(fleet) == "r1"
        assert statuses(fleet) == {1: ReleaseStatus.LIVE, 2: ReleaseStatus.SUPERSEDED}
        assert fleet.world.sites[TENANT, SITE].live_release == 1

    def test_its_service_was_at_rest_and_is_started_first(self, fleet):
        service = f"{TENANT}-wordpress-{site_key(TENANT, SITE)}-r1"
        assert fleet.world.services[service].desired_count == 0
        send(fleet, BACK_TO_FIRST)
        assert fleet.world.services[service].desired_count == 1

    def test_a_site_is_taken_to_a_release_by_its_number(self, fleet):
        send(fleet, rollback(tenantId=TENANT, siteId=SITE, toRelease="r1"))
        assert rollback_of(fleet).status is OperationStatus.COMPLETED
        assert pointer(fleet) == "r1"

    def test_a_release_that_is_not_kept_is_refused_by_name(self, fleet):
        send(fleet, rollback(tenantId=TENANT, siteId=SITE, toRelease=7))
        operation = rollback_of(fleet)
        assert operation.status is OperationStatus.FAILED
        assert "Kept: r1" in operation.failure.message
        assert pointer(fleet) == "r2"

    def test_an_earlier_promotion_is_not_taken_back_over_a_later_one(self, fleet):
        send(fleet, rollback(operationId=promotion_id("first")))
        operation = rollback_of(fleet)
        assert operation.status is OperationStatus.FAILED
        assert "not live any more; r2 is" in operation.failure.message

    def test_there_is_no_rollback_of_a_rollback(self, fleet):
        send(fleet, BACK_TO_FIRST)
        before = rollback_of(fleet)
        send(fleet, rollback(correlation="again", operationId=before.operation_id))
        (letter,) = fleet.world.dead_letters
        assert "only a promotion is rolled back" in letter.attributes["reason"]
        assert pointer(fleet) == "r1"

    def test_an_unknown_operation_is_refused(self, fleet):
        send(fleet, rollback(operationId="00000000-0000-4000-8000-000000000000"))
        (letter,) = fleet.world.dead_letters
        assert letter.attributes["errorCode"] == "SITE_002"

    def test_subscribers_hear_that_the_promotion_was_rolled_back(self, fleet):
        send(fleet, BACK_TO_FIRST)
        assert [n.event_type for n in fleet.world.notifications] == ["SITE_PROMOTION_ROLLED_BACK"]


class TestOfARunningPromotion:
    def test_naming_it_cancels_it_and_starts_nothing_else(self, fleet):
        before = visible(snapshot(fleet))
        fleet.send(QueueName.PROMOTION, promotion(correlation="third"))
        third = promotion_id("third")
        while third not in fleet.store.operations or fleet.store.operations[third].cursor < 10:
            assert fleet.step()
        send(fleet, rollback(operationId=third))
        assert fleet.store.operations[third].status is OperationStatus.CANCELLED
        assert rollback_of(fleet) is None
        assert visible(snapshot(fleet)) == before

    def test_naming_the_site_cancels_it_first_and_then_goes_back(self, fleet):
        fleet.send(QueueName.PROMOTION, promotion(correlation="third"))
        third = promotion_id("third")
        while third not in fleet.store.operations or not fleet.store.operations[third].lock_held:
            assert fleet.step()
        send(fleet, rollback(tenantId=TENANT, siteId=SITE, toRelease=1))
        assert fleet.store.operations[third].status is OperationStatus.CANCELLED
        assert rollback_of(fleet).status is OperationStatus.COMPLETED
        assert pointer(fleet) == "r1"


class TestHalfWay:
    @pytest.fixture
    def stuck(self, fleet):
        """A rollback whose name servers fail for ever once the pointer is back."""

        def refuse(call) -> None:
            if (call.port, call.method) == ("dns", "point_at_load_balancer"):
                raise TransientError("Route 53 does not answer.")

        fleet.boundary.before = refuse
        send(fleet, BACK_TO_FIRST)
        return fleet

    def test_it_says_so_loudly_with_the_state_of_each_part_and_the_next_command(self, stuck):
        operation = rollback_of(stuck)
        assert operation.status is OperationStatus.ROLLBACK_FAILED
        parts = operation.failure.details["parts"]
        assert (parts["pointer"], parts["recordedLive"]) == ("r1", "r2")
        assert parts["releases"] == {"r1": "SUPERSEDED", "r2": "LIVE"}
        (told,) = stuck.world.notifications
        assert (told.event_type, told.severity) == ("SITE_PROMOTION_ROLLBACK_FAILED", "critical")
        assert told.payload.next_command.startswith(
            f"sitefleet operations retry {operation.operation_id}"
        )

    def test_the_site_stays_locked_until_a_person_has_acted(self, stuck):
        assert stuck.store.locks == {(TENANT, SITE): rollback_of(stuck).operation_id}

    def test_a_retry_resumes_it_where_it_stopped(self, stuck):
        stuck.boundary.before = lambda _call: None
        send(stuck, message_to("OPERATION_RETRY_REQUEST", rollback_of(stuck).operation_id))
        assert rollback_of(stuck).status is OperationStatus.COMPLETED
        assert pointer(stuck) == "r1"
        assert not stuck.store.locks

    def test_a_cancel_goes_forward_again_to_what_was_live(self, stuck):
        stuck.boundary.before = lambda _call: None
        send(stuck, message_to("OPERATION_CANCEL_REQUEST", rollback_of(stuck).operation_id))
        assert rollback_of(stuck).status is OperationStatus.CANCELLED
        assert pointer(stuck) == "r2"
        assert statuses(stuck) == {1: ReleaseStatus.SUPERSEDED, 2: ReleaseStatus.LIVE}


class TestAutomatic:
    def test_an_undo_that_breaks_for_good_is_rollback_failed_and_can_be_resumed(self, fleet):
        """The release is up when its checks fail, and its schema cannot be dropped."""
        (scenario,) = [s for s in SCENARIOS if s.name == "promotion, rolled back"]
        broken = scenario.start(Boundary())
        before = visible(snapshot(broken))

        def refuse(call) -> None:
            if (call.port, call.method) == ("load_balancer", "delete_target_group"):
                raise TransientError("The load balancer does not answer.")

        broken.boundary.before = refuse
        broken.run()
        promoted = broken.store.operations[promotion_id("promote")]
        assert promoted.status is OperationStatus.ROLLBACK_FAILED
        assert promoted.failure.details["parts"]["pointer"] == "r1"
        broken.boundary.before = lambda _call: None
        send(broken, message_to("OPERATION_RETRY_REQUEST", promoted.operation_id))
        ended = broken.store.operations[promotion_id("promote")]
        assert ended.status is OperationStatus.ROLLED_BACK
        assert visible(snapshot(broken)) == before

    def test_the_marks_of_a_release_go_with_it(self, fleet):
        (scenario,) = [s for s in SCENARIOS if s.name == "promotion, rolled back"]
        broken = scenario.start(Boundary())
        broken.run()
        kept = [key for key in broken.world.objects if key.endswith("marks.json")]
        assert kept == [f"releases/{TENANT}/{site_key(TENANT, SITE)}/r1/marks.json"]
