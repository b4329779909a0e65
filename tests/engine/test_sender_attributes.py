"""What a dead letter keeps of its message's own attributes, and what is read of them again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.domain.letter_moving import MOVED_LETTER, moved_attributes
from core.domain.letter_reading import open_letter, original_attributes, read_letter
from core.domain.letters import Attribute, Box, Origin, RawLetter
from core.engine.message import QueueMessage, dead_letter_of
from core.ports.messaging import QueueName
from core.replay.transient import passes_by_itself
from events.redaction import REMOVED

NOW = datetime(2026, 11, 29, 5, 0, tzinfo=UTC)
SECRET_NAMES = ("authorization", "Proof", "x-amz-security-token")
OWN = {
    "traceparent": Attribute(value="00-1-2-01"),
    "note": Attribute(value="The proof is in the authorization header."),
    "replayOf": Attribute(value="m-old"),
    "replayCount": Attribute(value="1", data_type="Number"),
}
EXHAUSTED = {"reason": "It broke.", "exceptionType": "TransientError", "originQueue": "creation"}


def letter_of(own: dict[str, Attribute]) -> RawLetter:
    """Return the letter that the fleet makes of a message with these attributes."""
    message = QueueMessage(
        message_id="m-1", body="x", receive_count=5, queue=QueueName.CREATION, attributes=own
    )
    return raw_of(dead_letter_of(message, EXHAUSTED).attributes)


def raw_of(attributes) -> RawLetter:
    return RawLetter(
        message_id="m-2",
        box=Box.OPERATIONS,
        body="x",
        attributes={name: Attribute(value=value) for name, value in attributes.items()},
        sent_at=NOW,
        receipt="r-1",
    )


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_secret_is_removed_and_every_other_attribute_kept(name):
    raw = letter_of({**OWN, name: Attribute(value="Bearer SECRET")})
    assert "SECRET" not in str(raw.attributes)
    assert original_attributes(raw) == {**OWN, name: Attribute(value=REMOVED)}


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_letter_that_came_back_from_a_replay_does_not_pass_by_itself(name):
    letter = read_letter(open_letter(letter_of({**OWN, name: Attribute(value="x")})))
    assert (letter.replay_count, letter.first_message_id) == (1, "m-old")
    assert not passes_by_itself(letter)
    assert passes_by_itself(read_letter(open_letter(letter_of({}))))


@pytest.mark.parametrize("odd", [REMOVED, 3, None, [], ["String"], ["String", 3], {"a": 1}])
def test_an_entry_that_is_no_pair_does_not_take_the_others_with_it(odd):
    """Letters of earlier releases have such entries, and files that went through an export."""
    kept = {"authorization": odd, "replayCount": ["Number", "2"]}
    raw = raw_of({**EXHAUSTED, "senderAttributes": json.dumps(kept)})
    assert original_attributes(raw) == {"replayCount": Attribute(value="2", data_type="Number")}


@pytest.mark.parametrize("text", ["", "no json", "[1]", "3", "[" * 100_000])
def test_what_cannot_be_read_is_nothing(text):
    assert original_attributes(raw_of({**EXHAUSTED, "senderAttributes": text})) == {}


def test_a_moved_letter_with_an_odd_attribute_is_still_what_it_was():
    before = replace(letter_of(OWN), source=Origin.UPDATE, sent_at=NOW.replace(year=2025))
    [(_, kept)] = moved_attributes(before, {}).items()
    mark = json.loads(kept.value)
    mark["attributes"]["authorization"] = REMOVED
    after = read_letter(open_letter(raw_of({MOVED_LETTER: json.dumps(mark)})))
    assert (after.origin, after.failed_at, after.first_message_id) == (
        Origin.UPDATE,
        before.sent_at,
        "m-2",
    )
