"""Every shape in which a message may arrive is read into the same typed message."""

import json
from datetime import UTC, datetime

import pytest

from events.decode import decode
from events.formats import Environment
from events.progress import SOURCE, FleetEvent, StepPoll, WakeUp
from events.refusals import DecodeError
from events.requests import (
    REQUEST_MODELS,
    OperationApproval,
    OperationRejection,
    Request,
    SiteCreationRequest,
    SitePromotionRequest,
    encode,
)
from events.sample_messages import encode_sample, sample_event, sample_poll, sample_wake_up
from events.vocabulary import DetailType, MessageType, OperationType

PROMOTION = encode_sample(MessageType.SITE_PROMOTION_REQUEST)


def by_sns(body: str) -> str:
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": "arn:aws:sns:af-south-1:536580886816:upstream",
            "Message": body,
            "Timestamp": "2026-11-21T07:30:00.000Z",
        }
    )


def by_eventbridge(body: str, source: str = "upstream.sites") -> str:
    return json.dumps(
        {
            "version": "0",
            "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
            "detail-type": "anything",
            "source": source,
            "account": "536580886816",
            "time": "2026-11-21T07:30:00Z",
            "region": "af-south-1",
            "resources": [],
            "detail": json.loads(body),
        }
    )


WRAPPINGS = {
    "plain": lambda body: body,
    "sns": by_sns,
    "eventbridge": by_eventbridge,
    "quoted": json.dumps,
    "sns in eventbridge": lambda body: by_eventbridge(by_sns(body)),
    "eventbridge in sns": lambda body: by_sns(by_eventbridge(body)),
    "request under our own source": lambda body: by_eventbridge(body, SOURCE),
    "four times": lambda body: by_sns(by_sns(by_eventbridge(by_sns(body)))),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("kind", MessageType)
def test_a_request_is_the_same_however_it_is_wrapped(kind, wrapping):
    request = decode(WRAPPINGS[wrapping](encode_sample(kind)))

    assert type(request) is REQUEST_MODELS[kind]
    assert request == decode(encode_sample(kind))
    assert request.message_type is kind


def test_a_fifth_wrapping_is_refused_but_still_tells_who_sent_it():
    body = by_sns(by_sns(by_sns(by_sns(by_sns(PROMOTION)))))

    with pytest.raises(DecodeError, match="wrapped more than 4 times") as caught:
        decode(body)

    assert caught.value.hints.tenant_id == "tenant-1"


def test_a_request_has_the_shape_that_consumers_rely_on():
    request = decode(PROMOTION)

    assert isinstance(request, Request)
    assert isinstance(request, SitePromotionRequest)
    assert request.correlation_id == "3f1d2c4b-5a69-4788-9a0b-1c2d3e4f5a6b"
    assert request.timestamp == datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
    assert request.idempotency_key is None
    assert request.requested_by == "jane.doe@example.com"
    assert request.schema_version == "1.0"
    assert request.payload.source_environment is Environment.SIT
    assert request.payload.target_environment is Environment.PROD
    assert request.payload.dry_run is False
    assert request.payload.selection.database == "all"
    assert request.payload.protect.tables == ("wp_wc_orders",)


@pytest.mark.parametrize("kind", MessageType)
def test_a_request_survives_the_way_there_and_back(kind):
    request = decode(encode_sample(kind))

    assert decode(encode(request)) == request


@pytest.mark.parametrize(
    ("alias", "model", "kind"),
    [
        ("PROMOTION_APPROVAL", OperationApproval, MessageType.OPERATION_APPROVAL),
        ("PROMOTION_REJECTION", OperationRejection, MessageType.OPERATION_REJECTION),
    ],
)
def test_an_older_name_decodes_to_the_message_of_today(alias, model, kind):
    body = {**json.loads(encode_sample(kind)), "messageType": alias}

    decoded = decode(json.dumps(body))

    assert type(decoded) is model
    assert decoded.message_type is kind
    assert decoded == decode(encode_sample(kind))


@pytest.mark.parametrize("given", ["prod", "PROD", "Prod"])
def test_the_environment_is_accepted_in_any_case_and_sent_in_lower_case(given):
    body = json.loads(PROMOTION)
    body["payload"]["targetEnvironment"] = given

    request = decode(json.dumps(body))

    assert request.payload.target_environment is Environment.PROD
    assert json.loads(encode(request))["payload"]["targetEnvironment"] == "prod"


def test_unknown_fields_and_a_later_minor_version_are_accepted():
    body = json.loads(PROMOTION)
    body |= {"schemaVersion": "1.7", "priority": 3}
    body["payload"]["colour"] = "blue"

    request = decode(json.dumps(body))

    assert request.schema_version == "1.7"
    assert request.payload == decode(PROMOTION).payload


def test_a_later_major_version_is_refused():
    body = {**json.loads(PROMOTION), "schemaVersion": "2.0"}

    with pytest.raises(DecodeError, match="schemaVersion does not have the form"):
        decode(json.dumps(body))


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("2026-11-21T07:30:00Z", "2026-11-21T07:30:00.000Z"),
        ("2026-11-21T09:30:00.5+02:00", "2026-11-21T07:30:00.500Z"),
        ("2026-11-21T07:30:00.123999Z", "2026-11-21T07:30:00.123Z"),
        ("2026-11-21T07:30:00.123456789Z", "2026-11-21T07:30:00.123Z"),
    ],
)
def test_times_become_utc_with_milliseconds(given, sent):
    request = decode(json.dumps({**json.loads(PROMOTION), "timestamp": given}))

    assert json.loads(encode(request))["timestamp"] == sent


def test_a_plugin_may_be_given_by_its_slug_alone():
    body = json.loads(encode_sample(MessageType.SITE_CREATION_REQUEST))
    body["payload"]["configuration"]["plugins"] = ["akismet", {"slug": "akismet"}]

    request = decode(json.dumps(body))

    assert isinstance(request, SiteCreationRequest)
    first, second = request.payload.configuration.plugins
    assert first == second


@pytest.mark.parametrize(("given", "number"), [(12, 12), ("r12", 12)])
def test_a_release_may_be_given_by_number_or_name(given, number):
    body = json.loads(encode_sample(MessageType.PROMOTION_ROLLBACK_REQUEST))
    body["payload"] = {"siteId": "site-1", "toRelease": given, "reason": "Broken."}

    assert decode(json.dumps(body)).payload.to_release == number


@pytest.mark.parametrize("detail_type", DetailType)
def test_an_event_of_the_fleet_comes_back_as_it_was_published(detail_type):
    event = sample_event(detail_type)
    delivered = json.dumps(
        {"source": SOURCE, "detail-type": detail_type, "detail": json.loads(event.detail_json())}
    )

    assert decode(delivered) == event
    assert decode(event.queue_body()) == event
    assert decode(by_sns(delivered)) == event


def test_an_event_keeps_further_facts_under_their_wire_name():
    event = sample_event(DetailType.STEP_COMPLETED)
    body = json.loads(event.queue_body())
    body["detail"]["data"]["rowsCopied"] = {"wp_posts": 7}
    body["detail"]["metadata"]["colour"] = "blue"

    decoded = decode(json.dumps(body))

    assert isinstance(decoded, FleetEvent)
    assert decoded.metadata == event.metadata
    assert decoded.data.fact("rows_copied") == {"wp_posts": 7}
    assert json.loads(decoded.detail_json())["data"]["rowsCopied"] == {"wp_posts": 7}


def test_an_event_leaves_out_what_it_does_not_have():
    detail = json.loads(sample_event(DetailType.OPERATION_STATUS).detail_json())

    assert detail["data"] == {"status": "IN_PROGRESS"}
    assert set(detail["metadata"]) == {
        "eventId",
        "schemaVersion",
        "occurredAt",
        "operationId",
        "operationType",
        "phase",
        "attempt",
        "tenantId",
        "siteId",
        "environment",
        "correlationId",
        "causationId",
    }
    assert detail["metadata"]["operationType"] == OperationType.SITE_PROMOTION


def test_the_fleets_own_queue_messages_come_back_as_they_were_sent():
    poll, wake_up = sample_poll(), sample_wake_up()

    assert decode(poll.queue_body()) == poll
    assert isinstance(decode(poll.queue_body()), StepPoll)
    assert decode(wake_up.queue_body()) == wake_up
    assert isinstance(decode(wake_up.queue_body()), WakeUp)
