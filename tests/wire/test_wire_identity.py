"""Ids follow from what they name, for ever: golden values, and no two facts share one."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from events import identity
from events.formats import Environment
from events.vocabulary import DetailType, MessageType, Phase

OPERATION = "5937998f-e926-5e80-8fab-4041ab087800"
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)


def test_the_operation_id_never_changes():
    """These values stand in finished operations' records: a change would run them again."""
    assert str(identity.NAMESPACE) == "4f3e3a53-2d2b-5c43-9d8c-6a1a5f2c7b10"
    assert (
        identity.operation_id("prod", "tenant-1", "SITE_PROMOTION_REQUEST", "key-1")
        == "a0d82a32-a16e-524e-a72c-5ba9e6112037"
    )


def test_the_event_id_never_changes():
    assert (
        identity.event_id(OPERATION, "forward", "export", 0, "SiteStepCompleted")
        == "9fcb7cc0-be6d-50a9-bc4e-49be85ab34bc"
    )
    assert (
        identity.event_id(OPERATION, "forward", None, 0, "SiteOperationAccepted")
        == "484e8c68-19ca-5cfc-9434-3cf6ee0ce197"
    )


def test_a_sender_can_compute_the_operation_id_as_documented():
    expected = uuid.uuid5(
        uuid.UUID("4f3e3a53-2d2b-5c43-9d8c-6a1a5f2c7b10"),
        '["prod","tenant-1","SITE_PROMOTION_REQUEST","key-1"]',
    )

    given_as_members = identity.operation_id(
        Environment.PROD, "tenant-1", MessageType.SITE_PROMOTION_REQUEST, "key-1"
    )

    assert given_as_members == str(expected)
    assert expected.version == 5


def test_enum_members_and_their_texts_give_the_same_event_id():
    by_member = identity.event_id(OPERATION, Phase.UNDO, "x", 1, DetailType.STEP_COMPLETED)

    assert by_member == identity.event_id(OPERATION, "undo", "x", 1, "SiteStepCompleted")


def test_each_part_of_a_fact_counts():
    facts = [
        ("a" * 36, "forward", "export", 0, "SiteStepCompleted"),
        ("b" * 36, "forward", "export", 0, "SiteStepCompleted"),
        ("a" * 36, "undo", "export", 0, "SiteStepCompleted"),
        ("a" * 36, "forward", "import", 0, "SiteStepCompleted"),
        ("a" * 36, "forward", None, 0, "SiteStepCompleted"),
        ("a" * 36, "forward", "", 0, "SiteStepCompleted"),
        ("a" * 36, "forward", "export", 1, "SiteStepCompleted"),
        ("a" * 36, "forward", "export", 0, "SiteStepFailed"),
    ]

    assert len({identity.event_id(*fact) for fact in facts}) == len(facts)


@given(st.tuples(TEXT, TEXT, TEXT, TEXT), st.tuples(TEXT, TEXT, TEXT, TEXT))
def test_the_join_is_unambiguous(one, other):
    assert (identity.operation_id(*one) == identity.operation_id(*other)) == (one == other)


def test_parts_that_a_plain_join_would_confuse_stay_apart():
    assert identity.operation_id("dev", "a", "b", "c") != identity.operation_id(
        "dev", 'a","b', "b", "c"
    )
    assert identity.operation_id("dev", "a#b", "c", "d") != identity.operation_id(
        "dev", "a", "b#c", "d"
    )


def test_a_rejected_body_has_an_id_of_its_own():
    first = identity.rejection_id("dev", "ab" * 32)

    assert first == identity.rejection_id("dev", "ab" * 32)
    assert first != identity.rejection_id("sit", "ab" * 32)
    assert first != identity.rejection_id("dev", "cd" * 32)
