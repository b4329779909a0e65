"""DeadLetters: looked at without being changed, given back, deleted, sent with what they carry."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from core.adapters.aws.dead_letters import SqsDeadLetters
from core.adapters.memory.dead_letters import MemoryDeadLetters, attributes_of
from core.domain.errors import ConfigurationError, SitefleetError, TransientError
from core.domain.letters import Attribute, Box, Origin
from core.ports.dead_letters import DeadLetters, Depth, Outgoing
from core.ports.messaging import QueueName
from tests.contract.backends import Aws, Backend, Memory

LONG = 600
TYPES = {
    "reason": Attribute(value="It was refused: ünïcode, 日本"),
    "count": Attribute(value="3", data_type="Number"),
    "custom": Attribute(value="x", data_type="String.of-ours"),
    "bytes": Attribute(value="AAH+/w==", data_type="Binary"),
    "image": Attribute(value="iVBORw==", data_type="Binary.png"),
}


def url_of(aws: Aws, place: Origin | Box) -> str:
    return aws.clients.sqs.create_queue(QueueName=f"bbws-wp-site-{place}-dev")["QueueUrl"]


def letters_of(aws: Aws) -> SqsDeadLetters:
    places: tuple[Origin | Box, ...] = (*Origin, *Box)
    return SqsDeadLetters(
        clients=aws.clients, urls={place: url_of(aws, place) for place in places}, wait_seconds=0
    )


@pytest.fixture
def letters(backend: Backend) -> DeadLetters:
    if isinstance(backend, Memory):
        return MemoryDeadLetters(backend.world)
    return letters_of(backend)


def all_of(letters: DeadLetters, box: Box = Box.OPERATIONS, hide_seconds: int = LONG) -> list:
    found = []
    while batch := letters.receive(box, hide_seconds=hide_seconds):
        found += batch
    return found


def test_an_empty_box_is_empty(letters: DeadLetters):
    assert list(letters.receive(Box.PARKED, hide_seconds=LONG)) == []
    assert letters.depth(Box.PARKED) == Depth(visible=0, hidden=0)


def test_a_letter_comes_back_as_it_was_sent(letters: DeadLetters):
    message_id = letters.send(
        Box.OPERATIONS, Outgoing(body="{not json", attributes=TYPES, group="tenant-1")
    )
    [letter] = letters.receive(Box.OPERATIONS, hide_seconds=LONG)
    assert (letter.message_id, letter.box, letter.body) == (
        message_id,
        Box.OPERATIONS,
        "{not json",
    )
    assert dict(letter.attributes) == TYPES
    assert letter.group == "tenant-1"
    assert letter.source is None
    assert letter.receipt not in repr(letter)


def test_a_letter_without_a_group_or_attributes_has_none(letters: DeadLetters):
    letters.send(Box.UNDELIVERABLE, Outgoing(body="plain"))
    [letter] = letters.receive(Box.UNDELIVERABLE, hide_seconds=LONG)
    assert (letter.group, dict(letter.attributes)) == (None, {})


def test_an_attribute_without_a_value_is_left_out(letters: DeadLetters):
    letters.send(Box.PARKED, Outgoing(body="x", attributes={"empty": Attribute(value="")}))
    [letter] = letters.receive(Box.PARKED, hide_seconds=LONG)
    assert dict(letter.attributes) == {}


def test_eleven_attributes_are_refused(letters: DeadLetters):
    eleven = {f"a{number}": Attribute(value="x") for number in range(11)}
    with pytest.raises(SitefleetError, match="10 attributes, not 11"):
        letters.send(Box.PARKED, Outgoing(body="x", attributes=eleven))


def test_what_is_looked_at_is_hidden_and_shown_again(letters: DeadLetters):
    sent = {letters.send(Box.OPERATIONS, Outgoing(body=str(n))) for n in range(23)}
    seen = all_of(letters)
    assert {letter.message_id for letter in seen} == sent
    assert letters.depth(Box.OPERATIONS) == Depth(visible=0, hidden=23)
    letters.give_back(seen)
    assert letters.depth(Box.OPERATIONS) == Depth(visible=23, hidden=0)
    assert {letter.message_id for letter in all_of(letters)} == sent


def test_what_is_kept_does_not_show_when_its_first_time_is_over(
    backend: Backend, letters: DeadLetters
):
    for body in ("kept", "let go"):
        letters.send(Box.OPERATIONS, Outgoing(body=body))
    seen = all_of(letters, hide_seconds=2)
    letters.keep([letter for letter in seen if letter.body == "kept"], hide_seconds=LONG)
    if isinstance(backend, Memory):
        backend.world.clock.advance(3)
    else:
        time.sleep(3)
    assert [letter.body for letter in all_of(letters)] == ["let go"]


def test_giving_back_what_is_visible_or_gone_is_no_error(letters: DeadLetters):
    for body in ("kept", "gone"):
        letters.send(Box.OPERATIONS, Outgoing(body=body))
    seen = all_of(letters)
    letters.delete([letter for letter in seen if letter.body == "gone"])
    letters.give_back(seen)
    letters.give_back(seen)
    assert [letter.body for letter in all_of(letters)] == ["kept"]


def test_letters_of_several_boxes_are_deleted_for_good(letters: DeadLetters):
    for number in range(12):
        letters.send(Box.OPERATIONS, Outgoing(body=f"o{number}"))
    letters.send(Box.PARKED, Outgoing(body="p"))
    seen = all_of(letters) + all_of(letters, Box.PARKED)
    kept = seen[0]
    letters.delete(seen[1:])
    letters.delete(seen[1:])
    letters.give_back([kept])
    assert [letter.body for letter in all_of(letters)] == [kept.body]
    assert all_of(letters, Box.PARKED) == []


def test_a_letter_goes_back_to_a_queue(backend: Backend, letters: DeadLetters):
    letters.send(Origin.UPDATE, Outgoing(body="again", attributes=TYPES, group="tenant-1"))
    if isinstance(backend, Memory):
        [stored] = backend.world.queues[QueueName.UPDATE]
        assert (stored.body, stored.tenant_id) == ("again", "tenant-1")
        assert attributes_of(stored) == TYPES
        return
    answer = backend.clients.sqs.receive_message(
        QueueUrl=url_of(backend, Origin.UPDATE), MessageAttributeNames=["All"]
    )
    [message] = answer["Messages"]
    assert message["Body"] == "again"
    assert message["MessageAttributes"]["bytes"]["BinaryValue"] == b"\x00\x01\xfe\xff"


# --- only SQS ---------------------------------------------------------------------------------


def test_what_sqs_moved_names_the_queue_it_comes_from(emulator: Aws):
    """Moto does not tell."""
    aws = emulator
    sqs, letters = aws.clients.sqs, letters_of(aws)
    dead = sqs.get_queue_attributes(
        QueueUrl=url_of(aws, Box.OPERATIONS), AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    queue = url_of(aws, Origin.DELETION)
    policy = f'{{"deadLetterTargetArn": "{dead}", "maxReceiveCount": "1"}}'
    sqs.set_queue_attributes(
        QueueUrl=queue, Attributes={"VisibilityTimeout": "0", "RedrivePolicy": policy}
    )
    letters.send(Origin.DELETION, Outgoing(body="x", attributes=TYPES, group="tenant-1"))
    assert sqs.receive_message(QueueUrl=queue)["Messages"]
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    [letter] = letters.receive(Box.OPERATIONS, hide_seconds=LONG)
    assert letter.source is Origin.DELETION
    assert letter.group == "tenant-1"
    assert dict(letter.attributes) == TYPES


def test_a_binary_attribute_that_is_no_base64_is_refused(aws: Aws):
    broken = {"bytes": Attribute(value="not base64", data_type="Binary")}
    with pytest.raises(SitefleetError, match="Attribute bytes is binary"):
        letters_of(aws).send(Box.PARKED, Outgoing(body="x", attributes=broken))


def test_a_queue_that_is_not_known_is_said(moto: Aws):
    letters = SqsDeadLetters(clients=moto.clients, urls={})
    with pytest.raises(ConfigurationError, match="queue parked is not known"):
        letters.depth(Box.PARKED)


class Stubborn:
    """A client whose batches leave one entry out, so many times."""

    def __init__(self, client, times: int, code: str) -> None:
        self._client, self.times, self.code, self.calls = client, times, code, []

    def __getattr__(self, name: str):
        if not name.endswith("_batch"):
            return getattr(self._client, name)

        def call(**request):
            ids = [entry["Id"] for entry in request["Entries"]]
            self.calls.append(ids)
            if self.times == 0:
                return getattr(self._client, name)(**request)
            self.times -= 1
            done = [e for e in request["Entries"] if e["Id"] != ids[-1]]
            if done:
                getattr(self._client, name)(**{**request, "Entries": done})
            left = {"Id": ids[-1], "SenderFault": False, "Code": self.code}
            return {"Successful": [], "Failed": [left]}

        return call


@pytest.mark.parametrize("action", ["delete", "give_back"])
def test_an_entry_that_failed_is_tried_again_alone(moto: Aws, action: str):
    letters = letters_of(moto)
    for number in range(10):
        letters.send(Box.OPERATIONS, Outgoing(body=str(number)))
    seen = letters.receive(Box.OPERATIONS, hide_seconds=LONG)
    client = Stubborn(moto.clients.sqs, times=2, code="InternalError")
    moto.clients.__dict__["sqs"] = client
    getattr(letters, action)(seen)
    assert [len(ids) for ids in client.calls] == [10, 1, 1]
    left = letters.depth(Box.OPERATIONS)
    assert left == Depth(visible=10 if action == "give_back" else 0, hidden=0)


def test_an_entry_that_never_goes_is_an_error(moto: Aws):
    letters = letters_of(moto)
    letters.send(Box.OPERATIONS, Outgoing(body="x"))
    seen = letters.receive(Box.OPERATIONS, hide_seconds=LONG)
    moto.clients.__dict__["sqs"] = Stubborn(moto.clients.sqs, times=99, code="InternalError")
    with pytest.raises(TransientError, match="1 operations letters were not deleted: InternalE"):
        letters.delete(seen)
    assert letters.depth(Box.OPERATIONS) == Depth(visible=0, hidden=1)


def test_an_outdated_receipt_is_gone(moto: Aws):
    letters = letters_of(moto)
    letters.send(Box.OPERATIONS, Outgoing(body="x"))
    [letter] = letters.receive(Box.OPERATIONS, hide_seconds=LONG)
    letters.delete([replace(letter, receipt="outdated"), letter])
    assert letters.depth(Box.OPERATIONS) == Depth(visible=0, hidden=0)
