"""The notifier: each fact once, however often and however closely its event arrives."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from core.domain.metrics import MetricName
from core.domain.replays import Fate
from core.engine.message import QueueMessage, TryAgain
from core.ports.announcements import ANNOUNCING
from core.ports.messaging import QueueName
from events.formats import Environment
from events.progress import FleetEvent
from events.sample_messages import sample_event
from events.vocabulary import DetailType, OperationType
from simulation.requests import FIRST, look
from simulation.scenario import prepared

STALLED = sample_event(DetailType.OPERATION_STALLED, OperationType.SITE_UPDATE)


@pytest.fixture
def fleet():
    return prepared(Environment.DEV)


def hear(fleet, event, message_id):
    message = QueueMessage(
        message_id=message_id, body=event.queue_body(), receive_count=1, queue=None
    )
    return fleet.notifier.handle(message)


def marked(event, **meta):
    return FleetEvent(
        detail_type=event.detail_type,
        metadata=event.metadata.model_copy(update=meta),
        data=event.data,
    )


def test_a_fact_that_arrives_again_is_not_announced_again(fleet):
    assert hear(fleet, STALLED, "m1").fate is Fate.ANNOUNCED
    assert hear(fleet, STALLED, "m2").fate is Fate.NOTHING
    assert len(fleet.world.notifications) == 1


def test_a_copy_waits_while_another_worker_announces(fleet):
    """Two workers with two copies of one event: the second does not announce beside the first."""
    answers = []
    announce = fleet.topic.announce

    def meanwhile(notification):
        answers.append(hear(fleet, STALLED, "m2"))
        announce(notification)

    fleet.notifier._topic = replace_announce(meanwhile)
    assert hear(fleet, STALLED, "m1").fate is Fate.ANNOUNCED
    assert answers == [TryAgain(after_seconds=int(ANNOUNCING.total_seconds()))]
    assert len(fleet.world.notifications) == 1
    fleet.notifier._topic = fleet.topic
    assert hear(fleet, STALLED, "m2").fate is Fate.NOTHING
    assert len(fleet.world.notifications) == 1


def test_a_worker_that_died_before_it_announced_keeps_nobody_silent(fleet):
    fleet.notifier._topic = replace_announce(die)
    with pytest.raises(RuntimeError):
        hear(fleet, STALLED, "m1")
    fleet.notifier._topic = fleet.topic
    assert hear(fleet, STALLED, "m2") == TryAgain(after_seconds=int(ANNOUNCING.total_seconds()))
    fleet.clock.advance_to(fleet.clock.now() + ANNOUNCING)
    assert hear(fleet, STALLED, "m2").fate is Fate.ANNOUNCED
    assert len(fleet.world.notifications) == 1


def test_its_own_message_comes_back_and_announces_at_once(fleet):
    fleet.notifier._topic = replace_announce(die)
    with pytest.raises(RuntimeError):
        hear(fleet, STALLED, "m1")
    fleet.notifier._topic = fleet.topic
    assert hear(fleet, STALLED, "m1").fate is Fate.ANNOUNCED
    assert len(fleet.world.notifications) == 1


def test_a_replay_is_marked_and_announces_no_finished_fact_again(fleet):
    assert hear(fleet, marked(STALLED, replay_of="m0"), "m1").fate is Fate.ANNOUNCED
    assert hear(fleet, STALLED, "m2").fate is Fate.NOTHING
    [notification] = fleet.world.notifications
    assert notification.payload.replay_of == "m0"
    [notice] = fleet.store.notices(day=f"{fleet.clock.now():%Y-%m-%d}", limit=10)
    assert (notice.replay_of, notice.event_type) == ("m0", "OPERATION_STALLED")
    assert notice.correlation_id == STALLED.metadata.correlation_id


# --- what nobody needs to hear of ------------------------------------------------------------


@pytest.fixture
def good_look():
    """A fleet in which a look has found its site in order, and that fact."""
    fleet = prepared(Environment.SIT, FIRST)
    fleet.send(QueueName.PROMOTION, look())
    fleet.run()
    fact, *copies = [
        e for e in fleet.world.events if e.detail_type is DetailType.OPERATION_COMPLETED
    ]
    assert fact.metadata.operation_type is OperationType.SITE_CHECK
    assert all(copy == fact for copy in copies)
    return fleet, fact


def counted(fleet):
    return {one.name: one.value for one in fleet.world.measurements}


def test_a_good_look_counts_and_is_not_announced(good_look):
    fleet, fact = good_look
    assert hear(fleet, fact, "m1").fate is Fate.NOTHING
    assert counted(fleet) == {
        MetricName.WORDPRESS_API_LATENCY: 45,
        MetricName.WORDPRESS_REQUESTS: 1,
        MetricName.WORDPRESS_TIMEOUTS: 0,
    }
    assert fleet.world.notifications == []
    notices = fleet.store.notices(day=f"{fleet.clock.now():%Y-%m-%d}", limit=10)
    assert fact.metadata.event_id not in {notice.event_id for notice in notices}


def test_a_good_look_counts_once_however_late_it_is_heard_again(good_look):
    fleet, fact = good_look
    for message_id in ("m1", "m2", "m1"):
        assert hear(fleet, fact, message_id).fate is Fate.NOTHING
        assert len(fleet.world.measurements) == 3
        fleet.clock.advance_to(fleet.clock.now() + 2 * ANNOUNCING)


def test_a_worker_that_died_after_it_counted_is_not_followed_by_one_that_counts(good_look):
    fleet, fact = good_look
    meter = fleet.notifier._meter
    fleet.notifier._meter = SimpleNamespace(record=lambda *told: (meter.record(*told), die(told)))
    with pytest.raises(RuntimeError):
        hear(fleet, fact, "m1")
    fleet.notifier._meter = meter
    fleet.clock.advance_to(fleet.clock.now() + ANNOUNCING / 2)
    assert hear(fleet, fact, "m1").fate is Fate.NOTHING
    assert len(fleet.world.measurements) == 3


def die(_notification):
    raise RuntimeError("The worker is gone.")


def replace_announce(function):
    return type("Topic", (), {"announce": staticmethod(function)})()
