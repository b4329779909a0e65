"""How careful a replay is: canaries, steps, groups that are stopped, stamps, one at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from dead import Switch, a_fleet, a_site, copies, put, stalled_by

from core.domain.errors import LostClaimError
from core.domain.replay_steps import step_size
from core.domain.replays import EntryState, Pace, ReplayFilter
from core.replay.replayer import NotStartedError, Replayer, Rest
from events.vocabulary import NotificationType, OperationStatus
from simulation.operator import Operator

POISON = 1000


@pytest.fixture
def poisoned():
    switch = Switch()
    fleet = a_fleet(switch)
    operation = stalled_by(fleet, switch, "lock_site", "The table is throttled.", "site-x")
    fleet.store.operations.pop(operation.operation_id)
    made = list(copies(fleet, operation, POISON))
    fleet.world.dead_letters[:] = [
        m for m in fleet.world.dead_letters if m.attributes["operationId"] != operation.operation_id
    ]
    switch.broken = {"lock_site": "The table is throttled."}
    return Operator(fleet=fleet), switch, made


def sent(operator: Operator, replay_id: str) -> int:
    return sum(1 for e in operator.journal.entries(replay_id) if e.state is not EntryState.STOPPED)


def test_a_group_whose_canary_fails_again_sends_nothing_more(poisoned):
    operator, _, made = poisoned
    replay = operator.replay()
    assert sent(operator, replay.replay_id) == 1
    assert len(operator.fleet.world.dead_letters) == len(made)
    assert replay.stopped_groups


def test_a_group_that_fails_after_its_canary_stops_after_one_step(poisoned):
    operator, switch, made = poisoned
    first = operator.plan(ReplayFilter(limit=1))[0].letter
    switch.spared = {first.operation_id}
    replay = operator.replay()
    assert sent(operator, replay.replay_id) == 1 + Pace().first_step
    assert len(operator.fleet.world.dead_letters) == len(made) - 1


def test_a_canary_of_which_nobody_tells_anything_holds_its_group_back(poisoned):
    """Its worker died, say: that is no success."""
    operator, switch, _ = poisoned
    switch.broken = {}
    operator.fleet.outcomes.tell = lambda _told: None
    replay = operator.replay(ReplayFilter(limit=20))
    assert sent(operator, replay.replay_id) == 1
    states = {e.state for e in operator.journal.entries(replay.replay_id)}
    assert states == {EntryState.RUNNING, EntryState.STOPPED}
    (told,) = [
        n
        for n in operator.fleet.world.notifications
        if n.event_type is NotificationType.DLQ_REPLAY_FINISHED
    ]
    assert (told.payload.replayed, told.payload.failed, told.outcome) == (1, 1, "failed")


def test_nobody_else_sees_the_letters_of_a_replay_that_takes_long(poisoned):
    """SQS shows a letter again after its time: a long replay takes its letters anew before."""
    operator, switch, _ = poisoned
    switch.broken = {}
    wanted = ReplayFilter(tenant_id="tenant-3", limit=30)
    replay = operator.begin(wanted, pace=Pace(per_second=0.05, outcome_seconds=3600))
    mine = {e.message_id for e in operator.journal.entries(replay.replay_id)}
    seen, sleep = set(), operator._sleep

    def look_beside(seconds):
        world = operator.fleet.world
        now = world.clock.now()
        seen.update(m.message_id for m in world.dead_letters if m.visible_at <= now)
        sleep(seconds)

    operator.replayer._tools = replace(operator.replayer._tools, sleep=look_beside)
    operator.finish(replay.replay_id)
    assert seen
    assert seen & mine == set()


def test_a_group_that_succeeds_grows_step_by_step():
    sizes, gone_out = [], 0
    while gone_out < POISON:
        sizes.append(step_size(gone_out, Pace()))
        gone_out += sizes[-1]
    assert sizes == [1, 10, 20, 40, 80, 160, 200, 200, 200, 200]


def test_a_healed_group_is_done_and_says_so_once(poisoned):
    operator, switch, _ = poisoned
    switch.broken = {}
    replay = operator.replay(ReplayFilter(tenant_id="tenant-2", limit=15))
    entries = operator.journal.entries(replay.replay_id)
    assert {e.state for e in entries} == {EntryState.DONE}
    told = [
        n
        for n in operator.fleet.world.notifications
        if n.event_type is NotificationType.DLQ_REPLAY_FINISHED
    ]
    assert [(n.payload.replayed, n.payload.failed) for n in told] == [(15, 0)]
    operator.fleet.run(most_steps=60_000)
    ids = {e.operation_id for e in entries}
    ended = {o.status for name, o in operator.fleet.store.operations.items() if name in ids}
    assert ended == {OperationStatus.COMPLETED}
    marked = [e for e in operator.fleet.world.events if e.metadata.replay_of]
    assert {e.metadata.replay_of for e in marked} == {e.message_id for e in entries}


def test_one_replay_at_a_time_and_an_abandoned_one_leaves_its_letters(poisoned):
    operator, _, made = poisoned
    replay = operator.begin(ReplayFilter(limit=3))
    with pytest.raises(NotStartedError, match="Finish it first"):
        operator.begin(ReplayFilter(limit=2))
    operator.replayer.abandon(replay.replay_id, owner="operator")
    assert len(operator.fleet.world.dead_letters) == len(made)
    operator.begin(ReplayFilter(limit=2))


def test_two_processes_do_not_work_on_one_replay(poisoned):
    operator, _, _ = poisoned
    replay = operator.begin(ReplayFilter(limit=3))
    now = operator.fleet.clock.now()
    operator.journal.claim(
        replay.replay_id, owner="a", now=now, lease_until=now + timedelta(seconds=60)
    )
    until = now + timedelta(seconds=30)
    assert operator.replayer.advance(replay.replay_id, owner="b", until=until) is Rest.HELD


@pytest.mark.parametrize("at", range(2, 9))
def test_a_process_that_slept_writes_nothing_over_its_successor(at: int):
    """The laptop's lid is closed in the middle of a step; a colleague resumes, and finishes."""
    switch = Switch()
    fleet = a_fleet(switch)
    operation = stalled_by(fleet, switch, "lock_site", "The table is throttled.", "site-x")
    assert len(list(copies(fleet, operation, 9))) == 9
    operator = Operator(fleet=fleet)
    replay, sleep, slept = operator.begin(), operator._sleep, []

    def lid(seconds):
        slept.append(seconds)
        if len(slept) == at:
            sleep(400)
            operator.finish(replay.replay_id)
            sleep(600)
        sleep(seconds)

    tools = replace(operator.replayer._tools, sleep=lid)
    until = fleet.clock.now() + timedelta(minutes=10)
    with pytest.raises(LostClaimError):
        Replayer(tools).advance(replay.replay_id, owner="lid", until=until)
    assert operator.journal.replays[replay.replay_id].counts == {EntryState.DONE: 10}
    entries = operator.journal.entries(replay.replay_id)
    assert {e.state for e in entries} == {EntryState.DONE}


def test_what_the_sender_set_is_kept_and_replays_are_counted():
    switch = Switch()
    fleet = a_fleet(switch)
    a_site(fleet, "tenant-1", "site-done", correlation="done")
    fleet.run()
    attributes = {"traceparent": "00-1-2-01", "replayCount": "2", "replayOf": "m-old"}
    put(fleet, "not json", source="creation", attributes=attributes, tenant_id="tenant-1")
    operator = Operator(fleet=fleet)
    operator.replay(sends_refused=True)
    (again,) = fleet.world.dead_letters
    (letter,) = operator.plan()
    assert again.attributes["errorCode"] == "SITE_001"
    assert letter.letter.replay_count == 3
    assert '"traceparent":["String","00-1-2-01"]' in again.attributes["senderAttributes"]
