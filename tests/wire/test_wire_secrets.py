"""A proof never shows: not in a repr, a dump, a hash, an error, a hint, or a stored body."""

import json
import traceback

import pytest
from pydantic import ValidationError

from events.decode import decode
from events.formats import Environment
from events.redaction import REMOVED, redact_body
from events.refusals import DecodeError
from events.rejections import rejection_of_body, rejection_of_request
from events.requests import OperationApproval, Proof, canonical_hash, encode
from events.sample_messages import AT, encode_sample
from events.vocabulary import ErrorCode, MessageType, OperationType

SECRET = "Zm9yZ2V0LW1lLW5vdA"
HEADERS = {"Authorization": f"AWS4-HMAC-SHA256 Signature={SECRET}", "X-Amz-Date": SECRET}
PROVEN = (
    MessageType.OPERATION_APPROVAL,
    MessageType.OPERATION_REJECTION,
    MessageType.PROMOTION_ROLLBACK_REQUEST,
)


def with_proof(kind, headers=HEADERS):
    body = json.loads(encode_sample(kind))
    body["payload"]["proof"] = {"headers": headers}
    return body


def texts_of(error: DecodeError) -> str:
    event = rejection_of_body(
        error,
        environment=Environment.PROD,
        occurred_at=AT,
        consumer=OperationType.SITE_PROMOTION,
    )
    chain = "".join(traceback.format_exception(error))
    return f"{error} {error!r} {error.hints} {error.field_errors} {chain} {event.queue_body()}"


@pytest.mark.parametrize("kind", PROVEN)
def test_a_proof_shows_in_no_form_of_its_request(kind):
    request = decode(json.dumps(with_proof(kind)))
    proof = request.payload.proof

    shown = (
        f"{request!r} {request} {request.payload!r} {proof!r} {proof} {proof.headers}"
        f"{request.model_dump()} {request.model_dump_json()} {proof.model_dump_json()}"
    )
    assert SECRET not in shown


@pytest.mark.parametrize("kind", PROVEN)
def test_a_proof_is_there_for_the_call_that_needs_it(kind):
    request = decode(json.dumps(with_proof(kind)))

    lowered = {name.lower(): value for name, value in HEADERS.items()}
    assert request.payload.proof.revealed() == lowered
    assert json.loads(encode(request))["payload"]["proof"] == {"headers": lowered}


def test_signing_again_is_not_another_request():
    first = decode(json.dumps(with_proof(MessageType.OPERATION_APPROVAL)))
    again = decode(json.dumps(with_proof(MessageType.OPERATION_APPROVAL, {"authorization": "x"})))

    assert canonical_hash(first) == canonical_hash(again)


BROKEN_PROOFS = {
    "no object": f"AWS4 {SECRET}",
    "a list": [SECRET],
    "headers are text": {"headers": SECRET},
    "headers are a list": {"headers": [SECRET]},
    "a header is a list": {"headers": {"authorization": [SECRET]}},
    "a header is a number": {"headers": {"authorization": 7, "x": SECRET}},
    "a header is empty": {"headers": {"authorization": "", "x": SECRET}},
    "name and value mixed up": {"headers": {f"Authorization: {SECRET}": "x"}},
    "a line break": {"headers": {"authorization": f"{SECRET}\r\nx-evil: 1"}},
    "a letter outside ASCII": {"headers": {"authorization": f"{SECRET}é"}},
    "a header twice": {"headers": {"X-A": SECRET, "x-a": SECRET}},
    "too many": {"headers": {f"x-{n}": SECRET for n in range(40)}},
    "too long": {"headers": {"authorization": SECRET * 1000}},
    "none": {"headers": {}},
}


@pytest.mark.parametrize("broken", BROKEN_PROOFS)
@pytest.mark.parametrize("kind", PROVEN)
def test_a_broken_proof_is_refused_without_repeating_it(kind, broken):
    body = {**with_proof(kind)}
    body["payload"]["proof"] = BROKEN_PROOFS[broken]

    with pytest.raises(DecodeError) as caught:
        decode(json.dumps(body))

    assert {error.field for error in caught.value.field_errors} <= {
        "payload.proof",
        "payload.proof.headers",
    }
    assert SECRET not in texts_of(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        {**with_proof(MessageType.OPERATION_APPROVAL), "messageType": f"AWS4-HMAC {SECRET}"},
        {**with_proof(MessageType.OPERATION_APPROVAL), "correlationId": f"Signature={SECRET};"},
        {**with_proof(MessageType.OPERATION_APPROVAL), "payload": f"Authorization {SECRET}"},
        {**with_proof(MessageType.OPERATION_APPROVAL), "timestamp": None},
        {"proof": with_proof(MessageType.OPERATION_APPROVAL)["payload"]["proof"]},
    ],
    ids=["messageType", "correlationId", "payload", "elsewhere", "no kind"],
)
def test_an_error_elsewhere_does_not_repeat_the_proof_either(body):
    with pytest.raises(DecodeError) as caught:
        decode(json.dumps(body))

    assert SECRET not in texts_of(caught.value)


def test_a_validation_error_of_the_model_itself_hides_its_input():
    with pytest.raises(ValidationError) as caught:
        Proof.model_validate({"headers": {"authorization": [SECRET]}})

    assert SECRET not in str(caught.value)


def test_a_rejection_of_a_proven_request_does_not_hold_the_proof():
    request = decode(json.dumps(with_proof(MessageType.OPERATION_APPROVAL)))
    assert isinstance(request, OperationApproval)

    event = rejection_of_request(
        request,
        ErrorCode.PROM_003,
        "The approval has expired.",
        environment=Environment.PROD,
        occurred_at=AT,
        consumer=OperationType.SITE_PROMOTION,
    )

    assert SECRET not in event.queue_body() + repr(event)


def wrapped(body: str) -> dict[str, str]:
    sns = json.dumps({"Type": "Notification", "Message": body})
    bus = json.dumps({"source": "x", "detail-type": "y", "detail": json.loads(body)})
    return {
        "plain": body,
        "sns": sns,
        "eventbridge": bus,
        "sns in eventbridge": json.dumps({"detail-type": "y", "detail": json.loads(sns)}),
        "quoted": json.dumps(body),
        "escaped": body.replace("proof", "pr\\u006fof").replace("AWS4-HMAC", "\\u0041WS4-HMAC"),
        "other case": body.replace('"proof"', '"Proof"'),
        "cut short": body[:-1],
        "escaped and cut short": body.replace("proof", "pr\\u006fof")[:-1],
        "beside the proof": json.dumps({"authorization": SECRET, "x": [{"PROOF": SECRET}]}),
        "in a text": json.dumps({"log": f"sent AWS4-HMAC-SHA256 {SECRET}"}),
    }


@pytest.mark.parametrize("shape", wrapped("{}"))
def test_a_stored_body_has_lost_its_proof(shape):
    body = wrapped(json.dumps(with_proof(MessageType.OPERATION_APPROVAL)))[shape]
    assert SECRET in body

    clean = redact_body(body)

    assert SECRET not in clean
    assert REMOVED in clean


def test_redaction_leaves_the_rest_of_the_request_to_read():
    body = with_proof(MessageType.OPERATION_APPROVAL)

    clean = json.loads(redact_body(json.dumps(body)))

    body["payload"]["proof"] = REMOVED
    assert clean == body


@pytest.mark.parametrize(
    "body",
    [
        encode_sample(MessageType.SITE_UPDATE_REQUEST),
        '{ "payload": {"comment": "waterproof, and the proof is in the pudding"} }',
        "not json at all",
        "",
    ],
)
def test_redaction_leaves_a_body_without_proof_to_the_letter(body):
    assert redact_body(body) == body
