"""One strange letter keeps no other from being read, foretold or sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from dead import a_fleet, put

from core.domain.errors import SitefleetError
from core.domain.letter_moving import moved_attributes
from core.domain.letters import Attribute, Box
from core.domain.replays import UNSENT, EntryState, Fate, ReplayFilter, ReplayStatus
from core.ports.dead_letters import Depth
from events.vocabulary import NotificationType
from simulation.operator import Operator
from simulation.requests import creation

MANY = {f"a{number}": "v" for number in range(8)}


def a_letter(fleet, number: int, **attributes: str):
    site_id = f"site-{number}"
    body = creation(site_id, tenantId="tenant-1", subdomain=site_id, correlation=site_id)
    return put(fleet, body, source="creation", attributes=attributes, tenant_id="tenant-1")


@pytest.fixture
def operator() -> Operator:
    fleet = a_fleet()
    for number in range(3):
        a_letter(fleet, number)
    return Operator(fleet=fleet)


def states(operator: Operator, replay_id: str) -> Counter[EntryState]:
    return Counter(e.state for e in operator.journal.entries(replay_id))


@pytest.mark.parametrize("count", ["one", "1.0", "1e3", "-1", "", "²", "9" * 5000])
def test_a_count_that_is_none_counts_nothing(operator: Operator, count: str):
    strange = a_letter(operator.fleet, 9, replayCount=count)
    [letter] = operator.desk.collect(ReplayFilter(message_ids=(strange.message_id,)))
    assert letter.replay_count == 0
    assert len(operator.plan()) == 3
    operator.desk.give_back([letter])
    assert len(operator.plan()) == 4


def test_a_time_without_a_zone_is_no_mark(operator: Operator):
    [taken, *others] = operator.desk.collect(ReplayFilter())
    operator.desk.give_back([taken, *others])
    naive = replace(taken.raw, source=None, sent_at=taken.raw.sent_at.replace(tzinfo=None))
    stamps = {name: a.value for name, a in moved_attributes(naive, {}).items()}
    put(operator.fleet, taken.raw.body, attributes=stamps)
    assert len(operator.plan()) == 4


@pytest.mark.parametrize("broken", ["_read", "_means"])
def test_what_cannot_be_read_hides_nothing(operator: Operator, monkeypatch, broken: str):
    def breaks(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(operator.desk, broken, breaks)
    with pytest.raises(ZeroDivisionError):
        operator.desk.collect(ReplayFilter())
    assert operator.queues.depth(Box.OPERATIONS) == Depth(visible=3, hidden=0)


def test_a_queue_that_breaks_in_the_middle_hides_nothing_of_the_one_before(operator: Operator):
    receive = operator.queues.receive

    def breaks(box, *, hide_seconds):
        if box is Box.UNDELIVERABLE:
            raise SitefleetError("SQS does not answer.")
        return receive(box, hide_seconds=hide_seconds)

    operator.queues.receive = breaks
    with pytest.raises(SitefleetError, match="does not answer"):
        operator.desk.collect(ReplayFilter())
    assert operator.queues.depth(Box.OPERATIONS) == Depth(visible=3, hidden=0)


# --- what cannot be sent ----------------------------------------------------------------------


def test_a_letter_without_room_for_marks_is_foretold_and_the_others_are_sent(operator: Operator):
    crowded = a_letter(operator.fleet, 9, **MANY)
    foretold = {one.letter.message_id: one.forecast for one in operator.plan()}
    told = foretold[crowded.message_id]
    assert told.fate is Fate.UNSENDABLE
    assert "8 attributes of its own" in told.sentence
    assert "sitefleet dlq export" in told.sentence
    replay = operator.replay()
    assert states(operator, replay.replay_id) == {EntryState.DONE: 3}
    assert [m.message_id for m in operator.fleet.world.dead_letters] == [crowded.message_id]


def test_seven_attributes_are_room_enough(operator: Operator):
    a_letter(operator.fleet, 9, **{name: MANY[name] for name in list(MANY)[:7]})
    replay = operator.replay()
    assert states(operator, replay.replay_id) == {EntryState.DONE: 4}


def refuse(operator: Operator, message_id: str) -> None:
    """Let SQS refuse one letter's message for good."""
    send = operator.queues.send

    def sent(to, message):
        if message.attributes["replayOf"].value == message_id:
            raise SitefleetError("Attribute a is binary, and its value no base64.")
        return send(to, message)

    operator.queues.send = sent


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_message_that_its_queue_never_takes_ends_for_itself(operator: Operator, place: int):
    """As the canary, in a step, and as the last one."""
    refused = operator.fleet.world.dead_letters[place].message_id
    refuse(operator, refused)
    replay = operator.replay()
    assert replay.status is ReplayStatus.FINISHED
    entries = {e.message_id: e for e in operator.journal.entries(replay.replay_id)}
    bad = entries.pop(refused)
    assert (bad.state, bad.new_message_id) == (EntryState.UNSENDABLE, None)
    assert "no base64" in bad.outcome
    assert {e.state for e in entries.values()} == {EntryState.DONE}
    assert [m.message_id for m in operator.fleet.world.dead_letters] == [refused]
    assert operator.queues.depth(Box.OPERATIONS).hidden == 0
    [told] = [
        n
        for n in operator.fleet.world.notifications
        if n.event_type is NotificationType.DLQ_REPLAY_FINISHED
    ]
    assert (told.payload.replayed, told.payload.failed, told.outcome) == (3, 1, "failed")


def test_a_letter_that_lost_its_room_since_the_plan_ends_for_itself(operator: Operator):
    """The plan was made by a version that did not know of it, say."""
    crowded = a_letter(operator.fleet, 9)
    replay = operator.begin()
    for message in operator.fleet.world.dead_letters:
        if message.message_id == crowded.message_id:
            message.attributes.update(MANY)
    operator.finish(replay.replay_id)
    assert states(operator, replay.replay_id) == {EntryState.DONE: 3, EntryState.UNSENDABLE: 1}
    [bad] = [e for e in operator.journal.entries(replay.replay_id) if e.state in UNSENT]
    assert "sitefleet dlq export" in bad.outcome


def test_another_replay_can_begin_after_one_that_could_not_send(operator: Operator):
    refuse(operator, operator.fleet.world.dead_letters[1].message_id)
    operator.replay()
    operator._sleep(timedelta(minutes=10).total_seconds())
    again = operator.replay()
    assert states(operator, again.replay_id) == {EntryState.UNSENDABLE: 1}


def test_an_attribute_of_what_sqs_moved_names_no_operation():
    fleet = a_fleet()
    forged = "550e8400-e29b-41d4-a716-446655440000"
    put(fleet, "not json", source="creation", attributes={"operationId": forged})
    [letter] = Operator(fleet=fleet).desk.collect(ReplayFilter())
    assert letter.operation_id is None
    assert letter.raw.attributes["operationId"] == Attribute(value=forged)
