"""Letters that a person moves, while time passes and a colleague looks at them, too."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from dead import a_fleet, put

from core.domain.errors import NotFoundError, TransientError
from core.domain.letters import Box
from core.domain.replays import ReplayFilter
from core.replay.desk import HIDE_SECONDS, REPLAYED
from ops.dlq.holding import Hold
from ops.dlq.looking import take
from ops.dlq.moving import foretell_corrected, park, send_corrected
from simulation.operator import Operator
from simulation.requests import creation

LETTERS = 20
BODY = creation("site-new", tenantId="tenant-1", subdomain="site-new", correlation="new")


@pytest.fixture
def operator() -> Operator:
    fleet = a_fleet()
    for number in range(LETTERS):
        put(fleet, f"no request {number}", source="creation", tenant_id="tenant-1")
    return Operator(fleet=fleet)


@pytest.fixture
def room(operator):
    return SimpleNamespace(letters=operator.queues, desk=operator.desk)


def taken(operator, room, *ids: str):
    return take(room, operator.fleet.clock, ReplayFilter(message_ids=ids), REPLAYED)


def hold_of(operator, room, *ids: str) -> Hold:
    return Hold(room, operator.fleet.clock, taken(operator, room, *ids))


def slowly(operator, before):
    """Let each letter that is parked take some time; `before(number)` is what happens then."""
    send, sent = operator.queues.send, []

    def slow(to, message):
        sent.append(to)
        before(len(sent))
        return send(to, message)

    operator.queues.send = slow


def parked_and_left(operator) -> tuple[int, int]:
    return len(operator.fleet.world.parked), len(operator.fleet.world.dead_letters)


def test_letters_stay_hidden_for_as_long_as_it_takes_to_park_them(operator, room):
    seen, kept, keep = [], [], operator.queues.keep

    def pass_time(_number):
        operator._sleep(20)
        seen.extend(operator.plan())

    def count(letters, *, hide_seconds):
        kept.append(len(letters))
        keep(letters, hide_seconds=hide_seconds)

    slowly(operator, pass_time)
    with hold_of(operator, room) as hold:
        operator.queues.keep = count
        assert park(room, hold, reason="why", by="thandi") == LETTERS
    assert [number for number in kept if number] == [LETTERS - 8, LETTERS - 16]
    assert LETTERS * 20 > HIDE_SECONDS
    assert seen == []
    assert parked_and_left(operator) == (LETTERS, 0)


def test_a_letter_that_somebody_took_meanwhile_is_in_one_place(operator, room):
    """The machine slept: what the colleague holds is theirs, what shows again is taken anew."""
    theirs = []
    with hold_of(operator, room) as hold:
        operator._sleep(HIDE_SECONDS + 1)
        theirs += operator.desk.collect(ReplayFilter(limit=3))
        assert park(room, hold, reason="why", by="thandi") == LETTERS - 3
    assert parked_and_left(operator) == (LETTERS - 3, 3)
    operator.desk.give_back(theirs)
    assert len(operator.plan()) == 3


def test_letters_that_were_not_parked_show_again_at_once(operator, room):
    def break_at_the_third(number):
        if number == 3:
            raise TransientError("SQS does not answer.")

    slowly(operator, break_at_the_third)
    with pytest.raises(TransientError), hold_of(operator, room) as hold:
        park(room, hold, reason="why", by="thandi")
    assert len(operator.plan()) == LETTERS - 2
    assert parked_and_left(operator) == (2, LETTERS - 2)


def test_a_letter_that_is_replayed_while_it_is_corrected_is_not_sent_again(operator, room):
    name = operator.fleet.world.dead_letters[0].message_id
    found = taken(operator, room, name)
    with Hold(room, operator.fleet.clock, found) as hold:
        operator._sleep(HIDE_SECONDS + 1)
        [theirs] = operator.desk.collect(ReplayFilter(message_ids=(name,)))
        foretold = foretell_corrected(room, found.letters[0], BODY, None)
        with pytest.raises(NotFoundError, match=f"sitefleet dlq show {name}"):
            send_corrected(room, hold, foretold, reason="why", by="thandi")
    operator.desk.give_back([theirs])
    assert parked_and_left(operator) == (0, LETTERS)
    assert not any(operator.fleet.world.queues.values())


def test_a_letter_that_shows_again_while_it_is_corrected_is_taken_anew(operator, room):
    """The editor stood open for an hour, and a colleague has only looked."""
    name = operator.fleet.world.dead_letters[0].message_id
    found = taken(operator, room, name)
    with Hold(room, operator.fleet.clock, found) as hold:
        operator._sleep(3600)
        assert len(operator.plan()) == LETTERS
        foretold = foretell_corrected(room, found.letters[0], BODY, None)
        send_corrected(room, hold, foretold, reason="why", by="thandi")
    assert parked_and_left(operator) == (1, LETTERS - 1)
    assert name not in {one.letter.message_id for one in operator.plan()}
    [kept] = operator.desk.collect(ReplayFilter(), (Box.PARKED,))
    assert kept.first_message_id == name
