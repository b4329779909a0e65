"""A refused message becomes an event that says why, to whom, and always with the same id."""

import json

import pytest

from events import identity
from events.decode import decode
from events.formats import Environment
from events.refusals import DecodeError
from events.rejections import rejection_of_body, rejection_of_request
from events.requests import effective_idempotency_key
from events.sample_messages import AT, CORRELATION, OPERATION, SITE, TENANT, encode_sample
from events.vocabulary import DetailType, ErrorCode, MessageType, OperationStatus, OperationType


def rejected_body(body, consumer=OperationType.SITE_UPDATE):
    with pytest.raises(DecodeError) as caught:
        decode(body)
    return rejection_of_body(
        caught.value, environment=Environment.DEV, occurred_at=AT, consumer=consumer
    )


def rejected_request(kind, code=ErrorCode.SITE_006, **more):
    return rejection_of_request(
        decode(encode_sample(kind)),
        code,
        "No way.",
        environment=Environment.PROD,
        occurred_at=AT,
        consumer=OperationType.SITE_PROMOTION,
        **more,
    )


def test_noise_is_rejected_in_the_name_of_nobody():
    event = rejected_body("noise")

    assert event.detail_type is DetailType.OPERATION_REJECTED
    assert event.data.status is OperationStatus.REJECTED
    assert event.data.error.code is ErrorCode.SITE_001
    assert "not JSON" in event.data.error.message
    meta = event.metadata
    assert (meta.tenant_id, meta.site_id, meta.correlation_id) == ("unknown",) * 3
    assert meta.operation_type is OperationType.SITE_UPDATE
    assert decode(event.queue_body()) == event


def test_an_invalid_request_is_rejected_in_its_senders_name_with_its_fields():
    body = json.loads(encode_sample(MessageType.SITE_PROMOTION_REQUEST))
    body["payload"]["targetEnvironment"] = "moon"

    event = rejected_body(json.dumps(body))

    assert [error.field for error in event.data.field_errors] == ["payload.targetEnvironment"]
    meta = event.metadata
    assert (meta.tenant_id, meta.site_id, meta.correlation_id) == (TENANT, SITE, CORRELATION)
    assert meta.operation_type is OperationType.SITE_PROMOTION
    assert event.data.fact("message_type") == "SITE_PROMOTION_REQUEST"


def test_the_same_body_gives_the_same_event_and_another_one_another():
    assert rejected_body("noise") == rejected_body("noise")
    assert rejected_body("noise").metadata.event_id != rejected_body("nois").metadata.event_id
    assert (
        rejected_body("noise").metadata.operation_id != rejected_body("nois").metadata.operation_id
    )


def test_a_read_request_is_rejected_with_code_details_and_the_codes_advice():
    event = rejected_request(
        MessageType.SITE_PROMOTION_REQUEST, details={"from": "dev"}, message_id="m-1"
    )

    assert event.data.error.model_dump() == {
        "code": ErrorCode.SITE_006,
        "message": "No way.",
        "details": {"from": "dev"},
        "suggestion": ErrorCode.SITE_006.suggestion,
    }
    request = decode(encode_sample(MessageType.SITE_PROMOTION_REQUEST))
    key = effective_idempotency_key(request)
    assert event.metadata.operation_id == identity.operation_id(
        "prod", TENANT, "SITE_PROMOTION_REQUEST", key
    )
    assert event.metadata.causation_id == "m-1"


def test_a_message_directed_at_an_operation_keeps_that_operation():
    event = rejected_request(MessageType.OPERATION_APPROVAL, ErrorCode.PROM_003)

    assert event.metadata.operation_id == OPERATION
    assert event.metadata.tenant_id == "unknown"
    assert event.metadata.operation_type is OperationType.SITE_PROMOTION
    known = rejected_request(
        MessageType.OPERATION_APPROVAL, ErrorCode.PROM_003, tenant_id="tenant-9", site_id="site-9"
    )
    assert (known.metadata.tenant_id, known.metadata.site_id) == ("tenant-9", "site-9")


def test_two_refusals_at_one_operation_are_two_facts():
    ids = {
        rejected_request(kind, code).metadata.event_id
        for kind in (MessageType.OPERATION_APPROVAL, MessageType.OPERATION_CANCEL_REQUEST)
        for code in (ErrorCode.PROM_003, ErrorCode.SITE_002)
    }

    assert len(ids) == 4


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_sentences_for_the_reader(code):
    assert code.meaning.endswith(".")
    assert code.suggestion.endswith(".")
    assert code.retryable is (code in {"WP_001", "WP_002", "SYS_001"})
