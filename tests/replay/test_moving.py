"""A letter that a person has moved is what it was; what SQS has moved is not believed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.domain.letter_moving import MOVED_LETTER, moved_attributes
from core.domain.letter_reading import open_letter, original_attributes, read_letter
from core.domain.letters import MOST_ATTRIBUTES, Attribute, Box, LetterKind, Origin, RawLetter
from core.domain.operation import AttemptFailure

NOW = datetime(2026, 11, 29, 5, 0, tzinfo=UTC)
OPERATION = "550e8400-e29b-41d4-a716-446655440000"
ABANDONED = RawLetter(
    message_id="first",
    box=Box.OPERATIONS,
    body=json.dumps({"messageType": "STEP_POLL", "operationId": OPERATION}),
    attributes={f"a{number}": Attribute(value="AAH+", data_type="Binary") for number in range(10)},
    sent_at=NOW,
    source=Origin.DELETION,
    group="tenant-1",
    receipt="r-1",
)
FAILED = AttemptFailure(
    message_id="first",
    operation_id=OPERATION,
    step="mark_deleted",
    attempt=4,
    exception_type="KeyError",
    message="'zone'",
    occurred_at=NOW,
)
REFUSED = replace(
    ABANDONED,
    source=None,
    attributes={
        "reason": Attribute(value="It is bad."),
        "errorCode": Attribute(value="SITE_001"),
        "originQueue": Attribute(value="update"),
        "messageId": Attribute(value="first"),
    },
)


def moved(raw: RawLetter, number: int = 1) -> RawLetter:
    why = {"parkedReason": "why", "parkedBy": "thandi"}
    return replace(
        raw,
        message_id=f"moved-{number}",
        box=Box.PARKED,
        attributes=moved_attributes(raw, why),
        source=None,
        sent_at=NOW + timedelta(days=number),
    )


@pytest.mark.parametrize("raw", [ABANDONED, REFUSED], ids=["abandoned", "refused"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_moved_letter_reads_as_before(raw, times):
    before, here = read_letter(open_letter(raw), [FAILED]), raw
    for number in range(times):
        here = moved(here, number + 1)
        assert len(here.attributes) <= MOST_ATTRIBUTES
    after = read_letter(open_letter(here), [FAILED])
    assert replace(after, raw=raw, content=before.content) == before
    assert after.message_id == f"moved-{times}"
    assert original_attributes(here) == original_attributes(raw)


def test_what_sqs_moved_says_nothing_about_itself():
    said = {
        "reason": "Trust me.",
        "originQueue": "notifier",
        "exceptionType": "TransientError",
        "RULE_ARN": "r",
        "TARGET_ARN": "arn:aws:sqs:af-south-1:536580886816:bbws-wp-site-notifier-dev",
        MOVED_LETTER: moved_attributes(replace(REFUSED, source=Origin.NOTIFIER), {})[
            MOVED_LETTER
        ].value,
    }
    forged = {name: Attribute(value=value) for name, value in said.items()}
    letter = read_letter(open_letter(replace(ABANDONED, attributes=forged)))
    assert (letter.kind, letter.origin) == (LetterKind.ABANDONED, Origin.DELETION)
    assert "Trust me." not in letter.reason
    assert letter.first_message_id == "first"
    assert original_attributes(letter.raw) == forged


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", "{}", '{"messageId": "x", "source": "moon"}']
)
def test_a_broken_mark_is_no_mark(text):
    raw = replace(REFUSED, attributes={**REFUSED.attributes, MOVED_LETTER: Attribute(value=text)})
    assert read_letter(open_letter(raw)).reason == "It is bad."
