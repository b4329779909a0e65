"""EventBus: publishing whole, in part, and what is said about the rest."""

from __future__ import annotations

import json

import pytest
from botocore.stub import ANY, Stubber

from core.adapters.aws.event_bus import EventBridgeBus
from core.adapters.memory.event_bus import MemoryBus
from core.domain.errors import PublishError, TransientError
from core.ports.messaging import EventBus
from tests.contract.backends import Aws, Backend, Memory

BUS = "bbws-wp-site-events-prod"


@pytest.fixture
def bus(backend: Backend) -> EventBus:
    if isinstance(backend, Memory):
        return MemoryBus(backend.world)
    return EventBridgeBus(clients=backend.clients, bus_name=BUS)


@pytest.fixture
def received(backend: Backend):
    """Read the ids of what the bus has delivered.

    On the emulator: in a queue that hears everything. moto delivers only with a dependency that
    the project does not have otherwise, so there the requests that it took are read.
    """
    if isinstance(backend, Memory):
        return lambda: [event.metadata.event_id for event in backend.world.events]
    backend.clients.events.create_event_bus(Name=BUS)
    return _sent(backend) if backend.name == "moto" else _delivered(backend)


def _sent(backend: Aws):
    details: list[str] = []
    backend.clients.events.meta.events.register(
        "provide-client-params.events.PutEvents",
        lambda params, **_: details.extend(entry["Detail"] for entry in params["Entries"]),
    )
    return lambda: [json.loads(detail)["metadata"]["eventId"] for detail in details]


def _delivered(backend: Aws):
    clients = backend.clients
    url = clients.sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = f"arn:aws:sqs:af-south-1:{backend.account_id}:heard"
    pattern = json.dumps({"source": ["bbws.sites"]})
    clients.events.put_rule(Name="all", EventBusName=BUS, EventPattern=pattern)
    clients.events.put_targets(Rule="all", EventBusName=BUS, Targets=[{"Id": "heard", "Arn": arn}])

    def read() -> list[str]:
        bodies: list[str] = []
        while True:
            answer = clients.sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0
            )
            if not answer.get("Messages"):
                return [json.loads(body)["detail"]["metadata"]["eventId"] for body in bodies]
            bodies.extend(message["Body"] for message in answer["Messages"])

    return read


def test_nothing_to_publish_is_fine(received, bus: EventBus):
    bus.publish([])
    assert received() == []


def test_more_events_than_one_request_takes_all_arrive(received, bus: EventBus, make_event):
    events = [make_event() for _ in range(23)]
    bus.publish(events)
    assert sorted(received()) == [event.metadata.event_id for event in events]


def test_events_that_are_large_together_all_arrive(received, bus: EventBus, make_event):
    events = [make_event(evidence="x" * 200_000) for _ in range(6)]
    bus.publish(events)
    assert sorted(received()) == [event.metadata.event_id for event in events]


class TestPartialFailure:
    """Real and emulated buses take everything: the answers are made up."""

    @pytest.fixture
    def stubbed(self, moto: Aws):
        with Stubber(moto.clients.events) as stub:
            yield stub

    @pytest.fixture
    def bus(self, moto: Aws) -> EventBridgeBus:
        return EventBridgeBus(clients=moto.clients, bus_name=BUS)

    def test_only_the_refused_entry_is_sent_again(self, stubbed, bus, make_event):
        events = [make_event() for _ in range(3)]
        refused = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
        entries = [{"EventId": "a"}, refused, {"EventId": "c"}]
        answer = {"FailedEntryCount": 1, "Entries": entries}
        stubbed.add_response("put_events", answer, {"Entries": [ANY, ANY, ANY]})
        again = [
            {
                "EventBusName": BUS,
                "Source": "bbws.sites",
                "DetailType": "SiteStepCompleted",
                "Detail": events[1].detail_json(),
                "Time": events[1].metadata.occurred_at,
            }
        ]
        answer = {"FailedEntryCount": 0, "Entries": [{"EventId": "b"}]}
        stubbed.add_response("put_events", answer, {"Entries": again})
        bus.publish(events)
        stubbed.assert_no_pending_responses()

    def test_what_is_refused_twice_is_named_with_its_code(self, stubbed, bus, make_event):
        events = [make_event() for _ in range(2)]
        refused = {"ErrorCode": "InternalFailure"}
        stubbed.add_response(
            "put_events", {"FailedEntryCount": 1, "Entries": [{"EventId": "a"}, refused]}
        )
        stubbed.add_response("put_events", {"FailedEntryCount": 1, "Entries": [refused]})
        with pytest.raises(PublishError) as caught:
            bus.publish(events)
        assert f"1 of 2 events: {events[1].metadata.event_id} (InternalFailure)" in str(
            caught.value
        )

    def test_a_request_that_is_throttled_is_transient(self, stubbed, bus, make_event):
        stubbed.add_client_error("put_events", "ThrottlingException", http_status_code=400)
        with pytest.raises(TransientError, match="EventBridge PutEvents on event bus"):
            bus.publish([make_event()])

    def test_the_twin_names_refused_events_too_and_publishes_the_rest(self, make_event):
        memory = Memory()
        events = [make_event() for _ in range(2)]
        ids = [event.metadata.event_id for event in events]
        bus = MemoryBus(
            memory.world, refuse=lambda e: "Full" if e.metadata.event_id == ids[0] else None
        )
        with pytest.raises(PublishError, match=rf"1 of 2 events: {ids[0]} \(Full\)"):
            bus.publish(events)
        assert memory.world.events == [events[1]]


def test_the_twin_delivers_what_it_publishes(make_event):
    heard = []
    event = make_event()
    MemoryBus(Memory().world, deliver=heard.append).publish([event])
    assert heard == [event]
