"""What makes two requests the same one, and the rules that a payload alone can tell."""

import json

import pytest

from events.decode import decode
from events.formats import Environment
from events.refusals import DecodeError
from events.requests import canonical_hash, effective_idempotency_key
from events.sample_messages import CORRELATION, OPERATION, SITE, encode_sample
from events.vocabulary import MessageType, OperationStatus


def sample(kind, **payload):
    body = json.loads(encode_sample(kind))
    body["payload"] |= payload
    return body


def read(body):
    return decode(json.dumps(body))


def problems(body):
    with pytest.raises(DecodeError) as caught:
        read(body)
    return {error.field: error.problem for error in caught.value.field_errors}


DECISIONS = {MessageType.OPERATION_APPROVAL, MessageType.OPERATION_REJECTION}
DIRECTED = {
    MessageType.OPERATION_APPROVAL,
    MessageType.OPERATION_REJECTION,
    MessageType.OPERATION_CANCEL_REQUEST,
    MessageType.OPERATION_RETRY_REQUEST,
    MessageType.PROMOTION_ROLLBACK_REQUEST,
}


@pytest.mark.parametrize("kind", MessageType)
def test_the_default_key_is_type_subject_and_correlation(kind):
    subject = OPERATION if kind in DIRECTED else SITE

    role = "#TECH_LEAD" if kind in DECISIONS else ""  # two people may share one correlation id
    key = effective_idempotency_key(read(sample(kind)))
    assert key == f"{kind}#{subject}{role}#{CORRELATION}"


def test_a_rollback_by_site_has_the_site_in_its_key():
    body = sample(MessageType.PROMOTION_ROLLBACK_REQUEST)
    body["payload"] = {"siteId": "site-1", "toRelease": 3, "reason": "Broken."}

    assert effective_idempotency_key(read(body)).split("#")[1] == "site-1"


def test_the_senders_own_key_wins():
    body = {**sample(MessageType.SITE_DELETION_REQUEST), "idempotencyKey": "order-7"}

    assert effective_idempotency_key(read(body)) == "order-7"


def test_an_older_name_gives_the_same_key():
    body = {**sample(MessageType.OPERATION_APPROVAL), "messageType": "PROMOTION_APPROVAL"}

    assert effective_idempotency_key(read(body)).startswith("OPERATION_APPROVAL#")


def test_the_hash_never_changes():
    """Stored with each operation: a change would turn every repeat into a conflict."""
    request = read(sample(MessageType.SITE_DELETION_REQUEST))

    assert canonical_hash(request) == (
        "sha256:2ac842bce550d360489490e3a4af91d0b99363dda04ec70698654ed871b4f289"
    )


@pytest.mark.parametrize(
    "same",
    [
        {"dryRun": False},
        {"selection": {"database": "all", "content": "all"}},
        {"selection": {}},
        {"emergency": None},
        {"sourceEnvironment": "SIT"},
        {"protect": {"tables": ["wp_wc_orders"], "options": []}},
        {"colour": "blue"},
    ],
    ids=str,
)
def test_the_hash_is_taken_after_defaults(same):
    plain = canonical_hash(read(sample(MessageType.SITE_PROMOTION_REQUEST)))

    assert canonical_hash(read(sample(MessageType.SITE_PROMOTION_REQUEST, **same))) == plain


@pytest.mark.parametrize(
    "other",
    [
        {"dryRun": True},
        {"siteId": "site-2"},
        {"tenantId": "tenant-2"},
        {"changeTicket": "CHG2"},
        {"selection": {"database": ["wp_posts"]}},
        {"protect": {"tables": []}},
        {"emergency": {"incidentId": "INC1"}},
    ],
    ids=str,
)
def test_the_hash_tells_payloads_apart(other):
    plain = canonical_hash(read(sample(MessageType.SITE_PROMOTION_REQUEST)))

    assert canonical_hash(read(sample(MessageType.SITE_PROMOTION_REQUEST, **other))) != plain


def test_the_hash_looks_neither_at_the_envelope_nor_at_the_order_of_fields():
    body = sample(MessageType.SITE_PROMOTION_REQUEST)
    later = {**body, "timestamp": "2027-01-01T00:00:00Z", "correlationId": "c-2"}
    later["payload"] = dict(reversed(body["payload"].items()))

    assert canonical_hash(read(later)) == canonical_hash(read(body))


def test_an_option_set_to_null_is_part_of_the_payload():
    set_to_null = {"plugins": {"configure": {"akismet": {"key": None}}}}
    two_nulls = {"plugins": {"configure": {"akismet": {"key": None, "other": None}}}}
    kind = MessageType.SITE_UPDATE_REQUEST

    assert canonical_hash(read(sample(kind, changes=set_to_null))) != canonical_hash(
        read(sample(kind, changes=two_nulls))
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"plugins": {}},
        {"plugins": {"install": []}},
        {"configuration": {}},
        {"scale": {}},
        {"domain": None},
        {"unknown": 1},
    ],
    ids=str,
)
def test_an_update_needs_at_least_one_change(changes):
    body = sample(MessageType.SITE_UPDATE_REQUEST, changes=changes)

    assert problems(body) == {"payload.changes": "an update needs at least one change"}


@pytest.mark.parametrize(
    "changes",
    [
        {"theme": "astra"},
        {"status": "ACTIVE"},
        {"scale": {"desiredCount": 1}},
        {"plugins": {"disable": ["akismet"]}},
        {"configuration": {"phpVersion": "8.3"}},
    ],
    ids=str,
)
def test_any_one_change_is_enough(changes):
    assert read(sample(MessageType.SITE_UPDATE_REQUEST, changes=changes))


def test_a_site_can_only_be_suspended_or_activated():
    body = sample(MessageType.SITE_UPDATE_REQUEST, changes={"status": "DELETED"})

    assert problems(body) == {"payload.changes.status": "must be 'SUSPENDED' or 'ACTIVE'"}


def test_a_promotion_to_prod_needs_a_ticket_and_one_to_sit_does_not():
    body = sample(MessageType.SITE_PROMOTION_REQUEST)
    del body["payload"]["changeTicket"]

    assert problems(body) == {"payload.changeTicket": "a promotion to prod needs a change ticket"}
    body["payload"] |= {"sourceEnvironment": "dev", "targetEnvironment": "sit"}
    assert read(body).payload.change_ticket is None


@pytest.mark.parametrize(("source", "target"), [("dev", "dev"), ("prod", "sit"), ("dev", "prod")])
def test_the_path_of_a_promotion_is_not_judged_here(source, target):
    body = sample(
        MessageType.SITE_PROMOTION_REQUEST, sourceEnvironment=source, targetEnvironment=target
    )

    assert read(body).payload.target_environment == target


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({}, "operationId"),
        ({"siteId": "site-1"}, "toRelease"),
        ({"toRelease": 3}, "operationId"),
        ({"operationId": OPERATION, "environment": "prod"}, "incidentId"),
        ({"operationId": OPERATION, "environment": "prod", "incidentId": "INC1"}, "proof"),
        ({"siteId": "site-1", "toRelease": 0}, "toRelease"),
        ({"siteId": "site-1", "toRelease": "latest"}, "toRelease"),
    ],
    ids=str,
)
def test_a_rollback_says_what_it_lacks(payload, field):
    body = sample(MessageType.PROMOTION_ROLLBACK_REQUEST)
    body["payload"] = {"reason": "Broken.", **payload}

    assert list(problems(body)) == [f"payload.{field}"]


def test_the_domain_can_ask_what_a_rollback_lacks_where_it_runs():
    body = sample(MessageType.PROMOTION_ROLLBACK_REQUEST)
    body["payload"] = {"reason": "Broken.", "operationId": OPERATION}

    payload = read(body).payload

    assert payload.missing_in(Environment.PROD) == ("incidentId", "proof")
    assert payload.missing_in(Environment.SIT) == ()


@pytest.mark.parametrize("level", [0, 4, "1", True, 1.5])
def test_the_isolation_level_is_1_2_or_3(level):
    body = sample(MessageType.SITE_CREATION_REQUEST, isolationLevel=level)

    assert list(problems(body)) == ["payload.isolationLevel"]


def test_only_these_statuses_are_the_end_of_an_operation():
    ends = {status.value for status in OperationStatus if status.is_terminal}

    assert ends == {"COMPLETED", "FAILED", "ROLLED_BACK", "CANCELLED", "REJECTED"}
