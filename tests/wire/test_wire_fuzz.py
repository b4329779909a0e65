"""Whatever arrives, decode answers with a message or with DecodeError; nothing else escapes."""

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from events.decode import decode
from events.progress import FleetEvent, StepPoll, WakeUp
from events.redaction import redact_body
from events.refusals import DecodeError
from events.rejections import rejection_of_body
from events.requests import Request, canonical_hash, effective_idempotency_key, encode
from events.sample_messages import AT, encode_sample, sample_event, sample_poll
from events.vocabulary import DetailType, MessageType, OperationType

SAMPLES = [
    *(json.loads(encode_sample(kind)) for kind in MessageType),
    *(json.loads(sample_event(kind).queue_body()) for kind in DetailType),
    json.loads(sample_poll().queue_body()),
    {"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": {}, "resources": []},
    {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": {"key": ""}}},
    {"Type": "Notification", "Message": "{}"},
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(["SITE_CREATION_REQUEST", "bbws.sites", "aws.ecs", "Notification", "prod"])
)
NAMES = st.text(max_size=12) | st.sampled_from(
    ["messageType", "payload", "detail", "source", "detail-type", "Type", "Message", "proof", "_"]
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)


def all_paths(value, path=()):
    yield path
    if isinstance(value, dict):
        for name, part in value.items():
            yield from all_paths(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from all_paths(part, (*path, index))


def replaced(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@st.composite
def damaged_messages(draw):
    """A valid message of which one to three parts are something else."""
    message = draw(st.sampled_from(SAMPLES))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(sorted(all_paths(message), key=str)))
        message = replaced(message, path, draw(JSON))
    return json.dumps(message)


def decoded(body: str):
    try:
        return decode(body)
    except DecodeError as error:
        return error


def outcome(body: str) -> str:
    """Decode, and use what comes of it the way a consumer does."""
    message = decoded(body)
    if isinstance(message, DecodeError):
        assert message.reason
        assert str(message).startswith(message.reason)
        event = rejection_of_body(
            message, environment="dev", occurred_at=AT, consumer=OperationType.SITE_UPDATE
        )
        assert decode(event.queue_body()) == event
        return "refused"
    if isinstance(message, Request):
        assert canonical_hash(message).startswith("sha256:")
        assert effective_idempotency_key(message)
        assert decode(encode(message)) == message
    else:
        assert isinstance(message, FleetEvent | StepPoll | WakeUp)
        assert decode(message.queue_body()) == message
    return "read"


@settings(max_examples=400, deadline=None)
@given(body=st.text(st.characters(codec=None), max_size=300))
@example(body="\ud800")
@example(body="[" * 100_000)
@example(body='{"a":' * 100_000)
@example(body="9" * 100_000)
@example(body='"' + "\\u0000" * 1000)
def test_any_text_is_answered(body):
    outcome(body)


@settings(max_examples=400, deadline=None)
@given(value=JSON)
def test_any_json_is_answered(value):
    outcome(json.dumps(value))


@settings(max_examples=1200, deadline=None)
@given(body=damaged_messages())
@example(body=json.dumps({**SAMPLES[0], "payload": {**SAMPLES[0]["payload"], "siteId": {}}}))
@example(body='{"source":["aws.ecs"],"detail-type":{},"detail":[]}')
@example(body='{"source":"aws.ecs","detail-type":[],"detail":[]}')
@example(body='{"source":"bbws.sites","detail-type":[],"detail":[]}')
def test_any_damaged_message_is_answered(body):
    outcome(body)


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, 2000), kind=st.sampled_from(list(MessageType)))
def test_any_truncated_message_is_refused(cut, kind):
    whole = encode_sample(kind)

    assert outcome(whole[: cut % len(whole)]) == "refused"


@settings(max_examples=300, deadline=None)
@given(body=damaged_messages() | st.text(st.characters(codec=None), max_size=200))
def test_redaction_answers_any_body_and_settles(body):
    once = redact_body(body)

    assert redact_body(once) == once
