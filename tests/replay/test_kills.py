"""A replay killed at each of its calls: nothing is lost, at most one message comes twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from dead import Switch, a_fleet, a_site, copies, put, stalled_by
from killing import CAREFUL, Killed, Stop, stops

from core.adapters.memory.boundary import Moment
from core.domain.replays import EntryState, ReplayStatus
from core.replay.work import DOUBTFUL
from events.vocabulary import OperationStatus
from simulation.requests import creation

POISON = {"P": "The table is throttled.", "Q": "The table does not answer."}
"""Two groups: of the first one the canary goes well, the step after it does not."""


def repeats(fleet, number: int) -> None:
    """Requests that come again for a site that is there."""
    for _ in range(number):
        repeat = creation(
            "site-done", tenantId="tenant-1", subdomain="site-done", correlation="done"
        )
        put(fleet, repeat, source="creation", tenant_id="tenant-1")


@pytest.fixture(scope="module")
def before():
    """A stalled operation, and a site whose request and first events come again."""
    switch = Switch()
    fleet = a_fleet(switch)
    a_site(fleet, "tenant-1", "site-done", correlation="done")
    fleet.run()
    stalled_by(fleet, switch, "complete", "The table is throttled.", "site-x")
    repeats(fleet, 4)
    for event in fleet.world.events[:2]:
        put(fleet, event.queue_body(), source="creation", tenant_id="tenant-1")
    return fleet.saved()


@pytest.fixture(scope="module")
def poisoned():
    """Two groups that fail again, and one that does not; the canary that is spared."""
    switch = Switch()
    fleet = a_fleet(switch)
    a_site(fleet, "tenant-1", "site-done", correlation="done")
    fleet.run()
    spared: list[str] = []
    for (name, said), more in zip(POISON.items(), (6, 2), strict=True):
        operation = stalled_by(fleet, switch, "lock_site", said, f"site-{name.lower()}")
        spared.append(operation.operation_id)
        assert len(list(copies(fleet, operation, more))) == more
    repeats(fleet, 3)
    return fleet.saved(), spared[0]


def outcome(killed: Killed) -> dict[str, object]:
    fleet = killed.fleet
    return {
        "operations": {o.site_id: o.status for o in fleet.store.operations.values()},
        "letters": [m.body for m in fleet.world.dead_letters],
        "tasks": Counter(task.reference.started_by for task in fleet.world.tasks),
        "queues": {name: len(messages) for name, messages in fleet.world.queues.items()},
    }


def undisturbed(state, switch: Switch | None = None) -> tuple[Killed, Iterator[tuple[Stop, str]]]:
    """Return a replay that nobody kills, and every place where it can be."""
    whole = Killed(state, switch)
    return whole, stops(whole.process(whole.replay))


def test_killed_at_every_call(before):
    whole, places = undisturbed(before)
    expected = outcome(whole)
    assert set(expected["operations"].values()) == {OperationStatus.COMPLETED}
    assert expected["letters"] == []
    assert set(whole.sent.values()) == {1}
    holes, doubled = [], 0
    for stop, name in places:
        killed = Killed(before)
        killed.process(killed.replay, stop)
        killed.process(killed.resume)
        doubled += killed.twice
        if outcome(killed) != expected or killed.twice > 1:
            holes.append((stop, name, killed.twice, outcome(killed)))
    assert holes == []
    assert doubled > 0, "the one possible duplicate was never reached"


# --- groups that stop -------------------------------------------------------------------------


def breaking(spared: str) -> Switch:
    switch = Switch()
    switch.broken, switch.spared = {"lock_site": "The table is throttled."}, {spared}
    return switch


def verdict(killed: Killed) -> dict[str, EntryState]:
    """Return how the last replay ended, per letter."""
    replay = max(killed.operator.journal.replays.values(), key=lambda r: r.created_at)
    assert replay.status is ReplayStatus.FINISHED
    return {e.message_id: e.state for e in killed.operator.journal.entries(replay.replay_id)}


def good(ended: dict[str, EntryState]) -> set[str]:
    return {message_id for message_id, state in ended.items() if state is EntryState.DONE}


def test_groups_that_stop_are_stopped_wherever_it_is_killed(poisoned):
    """Each replay comes to its end, and sends nothing more than it would have.

    It may send less: what failed in the part of a step before the kill stops the rest of it.
    """
    state, spared = poisoned
    whole, places = undisturbed(state, breaking(spared))
    expected = verdict(whole)
    assert Counter(expected.values()) == {
        EntryState.DONE: 4,
        EntryState.FAILED_AGAIN: 3 + 1,
        EntryState.STOPPED: 3 + 2,
    }
    holes = []
    for stop, name in places:
        killed = Killed(state, breaking(spared))
        killed.process(killed.replay, stop)
        killed.process(killed.resume)
        ended, more = verdict(killed), set(killed.sent) - set(whole.sent)
        states = set(ended.values()) - set(expected.values())
        if good(ended) != good(expected) or states or more or killed.twice > 1:
            holes.append((stop, name, killed.twice, len(more), Counter(ended.values())))
    assert holes == []


# --- abandoned --------------------------------------------------------------------------------


def replayed_after(killed: Killed, stop: Stop, close: Callable[[], object]) -> None:
    """Kill a replay, close it, and replay what is left."""
    killed.process(killed.replay, stop)
    close()
    killed.wait()
    killed.process(killed.resume)


def planned_but_sent(killed: Killed, sent: Counter[str]) -> list[str]:
    """Return letters that were sent, though the audit of the closed replay says otherwise."""
    journal = killed.operator.journal
    closed = [r for r in journal.replays.values() if r.status is ReplayStatus.ABANDONED]
    entries = [e for replay in closed for e in journal.entries(replay.replay_id)]
    for replay in closed:
        assert (replay.sending, replay.unconfirmed, replay.lease_owner) == (None, {}, None)
        assert sum(replay.counts.values()) == replay.total
    return [
        e.message_id
        for e in entries
        if e.state is EntryState.PLANNED and sent[e.message_id] and e.outcome != DOUBTFUL
    ]


def test_abandoned_after_a_kill_nothing_is_sent_twice(before):
    """But for the one that was being sent: whether it was, nobody knows."""
    whole, places = undisturbed(before)
    expected, holes, doubled = outcome(whole), [], 0
    for stop, name in places:
        killed = Killed(before)
        sent: Counter[str] = Counter()

        def close(killed: Killed = killed, sent: Counter[str] = sent) -> None:
            sent.update(killed.sent)
            killed.process(killed.abandon)

        replayed_after(killed, stop, close)
        doubled += killed.twice
        wrong = planned_but_sent(killed, sent)
        if outcome(killed) != expected or wrong or killed.twice > 1:
            holes.append((stop, name, killed.twice, wrong, outcome(killed)["letters"]))
    assert holes == []
    assert doubled > 0, "the one possible duplicate was never reached"


@pytest.mark.parametrize("every", [11, pytest.param(1, marks=pytest.mark.long)])
def test_abandoning_may_be_killed_as_well(before, every):
    """Closed again by another process, it is as if it had been closed at once."""
    whole, places = undisturbed(before)
    sends = [stop for stop, name in places if name == f"letters.send {Moment.AFTER}"]
    first = sends[len(sends) // 2]
    one = Killed(before)
    one.process(one.replay, first)
    expected, holes = outcome(whole), []
    for stop, name in islice(stops(one.process(one.abandon)), 0, None, every):
        killed = Killed(before)

        def close(killed: Killed = killed, stop: Stop = stop) -> None:
            killed.process(killed.abandon, stop)
            killed.process(killed.abandon)

        replayed_after(killed, first, close)
        if outcome(killed) != expected or killed.twice != 1:
            holes.append((stop, name, killed.twice, outcome(killed)["letters"]))
    assert holes == []


def test_a_replay_that_was_left_tidily_is_closed_at_once(before):
    """No letter was being sent: none is waited for, and none is touched."""
    killed = Killed(before)
    replay = killed.operator.begin(**CAREFUL)
    now = killed.fleet.clock.now()
    calls = killed.process(lambda: killed.operator.replayer.abandon(replay.replay_id, owner="me"))
    assert killed.fleet.clock.now() == now
    assert [call.port for call in calls if call.port == "letters"] == ["letters"]
    assert len(killed.fleet.world.dead_letters) == replay.total
