"""Topic: one notification with its five attributes."""

from __future__ import annotations

import json

import pytest

from core.adapters.aws.topic import SnsTopic
from core.adapters.memory.topic import MemoryTopic
from core.ports.messaging import Topic
from events.notifications import Notification, notification_for
from events.vocabulary import DetailType
from tests.contract.backends import Backend, Memory


@pytest.fixture
def notification(make_event) -> Notification:
    event = make_event(status="COMPLETED", duration_seconds=12.5)
    completed = event.model_copy(update={"detail_type": DetailType.OPERATION_COMPLETED})
    found = notification_for(completed)
    assert found is not None
    return found


@pytest.fixture
def topic(backend: Backend) -> Topic:
    if isinstance(backend, Memory):
        return MemoryTopic(backend.world)
    arn = backend.clients.sns.create_topic(Name="bbws-wp-notifications-prod")["TopicArn"]
    return SnsTopic(clients=backend.clients, topic_arn=arn)


@pytest.fixture
def heard(backend: Backend, topic: Topic):
    """What a subscriber's queue has received: attributes and the default form."""
    if isinstance(backend, Memory):
        return lambda: [(n.attributes(), n.default_json()) for n in backend.world.notifications]
    clients = backend.clients
    url = clients.sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    arn = f"arn:aws:sqs:af-south-1:{backend.account_id}:subscriber"
    topic_arn = clients.sns.list_topics()["Topics"][0]["TopicArn"]
    clients.sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)

    def read():
        answer = clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        envelopes = [json.loads(message["Body"]) for message in answer.get("Messages", [])]
        return [
            (
                {name: value["Value"] for name, value in e["MessageAttributes"].items()},
                e["Message"],
            )
            for e in envelopes
        ]

    return read


def test_a_subscriber_hears_it_with_exactly_five_attributes(topic, heard, notification):
    topic.announce(notification)
    [(attributes, message)] = heard()
    assert attributes == {
        "eventType": "SITE_PROMOTION_COMPLETE",
        "environment": "prod",
        "tenantId": "tenant-1",
        "severity": "info",
        "outcome": "succeeded",
    }
    assert json.loads(message)["eventId"] == notification.event_id
