"""The replayer function's turns: replays that outlive it, commands that come twice, schedules."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from dead import Switch, a_fleet, a_site, copies, put, stalled_by

from core.adapters.memory.boundary import Crashed
from core.domain.errors import SitefleetError
from core.domain.letters import Box
from core.domain.replay_commands import Action, CommandError, ReplayCommand, read_command, text_of
from core.domain.replays import EntryState, ReplayFilter, ReplayStatus
from core.ports.dead_letters import Depth
from core.replay.remote import RemoteReplays
from simulation.operator import Operator

TURN = timedelta(seconds=30)
"""Short enough that a replay needs several."""


@dataclass
class Queue:
    """The replayer's own queue."""

    bodies: list[str] = field(default_factory=list)
    delays: list[int] = field(default_factory=list)

    def send(self, body: str, *, delay_seconds: int = 0) -> str:
        self.bodies.append(body)
        self.delays.append(delay_seconds)
        return f"message-{len(self.bodies)}"


@dataclass
class Stage:
    """A fleet with thirty stalled creations, an operator's tools, and the function."""

    operator: Operator
    queue: Queue
    remote: RemoteReplays
    turns: int = 0

    def turn(self, body: str, message_id: str = "m-1", *, owner: str | None = None) -> None:
        """One run of the function."""
        self.turns += 1
        until = self.operator.fleet.clock.now() + TURN
        self.remote.handle(message_id, body, owner=owner or f"turn-{self.turns}", until=until)

    def run(self, body: str) -> None:
        """Let the function take its turns until nothing is on its queue."""
        self.turn(body)
        while self.queue.bodies:
            self.operator._sleep(self.queue.delays.pop(0))
            self.turn(self.queue.bodies.pop(0))

    @property
    def dead(self) -> int:
        return len(self.operator.fleet.world.dead_letters)


@pytest.fixture
def stage() -> Stage:
    switch = Switch()
    fleet = a_fleet(switch)
    a_site(fleet, "tenant-1", "site-first", correlation="first")
    fleet.run()
    operation = stalled_by(fleet, switch, "lock_site", "The table is throttled.", "site-x")
    assert len(list(copies(fleet, operation, 29))) == 29
    operator = Operator(fleet=fleet)
    queue = Queue()
    remote = RemoteReplays(
        replayer=operator.replayer,
        desk=operator.desk,
        journal=operator.journal,
        commands=queue,
    )
    return Stage(operator=operator, queue=queue, remote=remote)


def command(action: Action = Action.REPLAY, **changes: object) -> str:
    given = {"requested_by": "thandi", "reason": "The table is back.", **changes}
    return text_of(ReplayCommand(action=action, **given))  # type: ignore[arg-type]


def test_a_replay_outlives_the_function(stage: Stage):
    stage.run(command(replay_id="replay-from-afar", pace={"per_second": 0.5}))
    replay = stage.operator.journal.replays["replay-from-afar"]
    assert replay.status is ReplayStatus.FINISHED
    assert replay.counts == {EntryState.DONE: 30}
    assert (replay.requested_by, replay.reason) == ("thandi", "The table is back.")
    assert stage.turns > 3
    assert stage.dead == 0


def test_the_same_command_twice_is_one_replay(stage: Stage):
    """The function was killed after it had begun: its message comes again."""
    body = command(pace={"per_second": 1})
    stage.turn(body)
    stage.queue.bodies.clear()
    stage.queue.delays.clear()
    stage.run(body)
    stage.run(body)
    [replay] = stage.operator.journal.replays.values()
    assert replay.replay_id == "m-1"
    assert replay.counts == {EntryState.DONE: 30}


def test_a_turn_that_finds_another_at_work_waits_for_it(stage: Stage):
    body = command(pace={"per_second": 1})
    stage.turn(body)
    journal, now = stage.operator.journal, stage.operator.fleet.clock.now()
    journal.claim("m-1", owner="somebody", now=now, lease_until=now + timedelta(seconds=100))
    stage.queue.bodies.clear()
    stage.queue.delays.clear()
    stage.turn('{"messageType": "REPLAY_CONTINUE", "replayId": "m-1"}')
    assert stage.queue.delays == [120]
    assert read_command(stage.queue.bodies[0]).replay_id == "m-1"
    before = stage.dead
    stage.run(stage.queue.bodies.pop())
    assert before > 0
    assert stage.dead == 0


def test_a_command_whose_begin_died_inherits_nothing_from_it(stage: Stage, monkeypatch):
    """The function was killed before the replay was open, and a letter was parked meanwhile."""
    body, journal = command(), stage.operator.journal
    with monkeypatch.context() as patch:
        patch.setattr(journal, "_open", _dies)
        with pytest.raises(Crashed):
            stage.turn(body)
    stage.operator._sleep(400)
    del stage.operator.fleet.world.dead_letters[0]
    stage.run(body)
    [replay] = journal.replays.values()
    assert (replay.total, replay.counts) == (29, {EntryState.DONE: 29})
    assert len(journal.entries(replay.replay_id)) == 29


def _dies(*_: object) -> None:
    raise Crashed("before it was open")


def test_a_second_command_finds_the_first_one_open(stage: Stage):
    stage.turn(command(pace={"per_second": 1}))
    sent = len(stage.queue.bodies)
    stage.turn(command(), message_id="m-2")
    assert list(stage.operator.journal.replays) == ["m-1"]
    assert len(stage.queue.bodies) == sent


def test_resume_goes_on_with_the_open_one_and_else_does_nothing(stage: Stage):
    stage.run(command(Action.RESUME))
    assert stage.operator.journal.replays == {}
    opened = stage.operator.begin()
    stage.run(command(Action.RESUME))
    assert stage.operator.journal.replays[opened.replay_id].status is ReplayStatus.FINISHED


def test_filters_and_boxes_are_those_of_the_command(stage: Stage):
    stage.run(command(filters={"tenant_id": "tenant-2", "limit": 2}))
    [replay] = stage.operator.journal.replays.values()
    assert replay.filters == ReplayFilter(tenant_id="tenant-2", limit=2)
    assert replay.counts == {EntryState.DONE: 2}
    assert stage.dead == 28
    stage.run(command(boxes=("undeliverable",), replay_id="replay-2"))
    assert len(stage.operator.journal.replays) == 1


def test_a_schedule_sends_what_passes_by_itself_once_each_and_no_more_than_allowed(stage: Stage):
    fleet = stage.operator.fleet
    put(fleet, "not json", source="creation")
    refused = {"reason": "It is bad.", "errorCode": "SITE_001", "originQueue": "creation"}
    put(fleet, '{"messageType": "SITE_CREATION_REQUEST"}', attributes=refused)
    stage.run(command(Action.SCHEDULED, filters={"limit": 20}))
    assert stage.dead == 12
    stage.run(command(Action.SCHEDULED, filters={"limit": 20}, replay_id="replay-2"))
    assert stage.dead == 2
    stage.run(command(Action.SCHEDULED, filters={"limit": 20}, replay_id="replay-3"))
    assert stage.dead == 2
    assert {r.total for r in stage.operator.journal.replays.values()} == {20, 10}


def test_letters_are_shown_again_when_nothing_can_be_foretold(stage: Stage, monkeypatch):
    def broken(_letters):
        raise SitefleetError("The tenants table does not answer.")

    monkeypatch.setattr(stage.operator.desk, "foretell", broken)
    for action in (Action.REPLAY, Action.SCHEDULED):
        with pytest.raises(SitefleetError, match="tenants table"):
            stage.turn(command(action))
        assert stage.operator.queues.depth(Box.OPERATIONS) == Depth(visible=30, hidden=0)


def test_a_schedule_sends_nothing_a_second_time():
    """What came back once waits for a person."""
    switch = Switch()
    fleet = a_fleet(switch)
    stalled_by(fleet, switch, "lock_site", "The table is throttled.", "site-x")
    switch.broken = {"lock_site": "The table is throttled."}
    operator = Operator(fleet=fleet)
    queue = Queue()
    stage = Stage(
        operator=operator,
        queue=queue,
        remote=RemoteReplays(
            replayer=operator.replayer,
            desk=operator.desk,
            journal=operator.journal,
            commands=queue,
        ),
    )
    stage.run(command(Action.SCHEDULED))
    assert [r.counts for r in operator.journal.replays.values()] == [{EntryState.FAILED_AGAIN: 1}]
    fleet.run()
    assert stage.dead == 1
    stage.run(command(Action.SCHEDULED, replay_id="replay-2"))
    assert len(operator.journal.replays) == 1
    assert stage.dead == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("no json", "Invalid JSON"),
        ("{}", "messageType"),
        ('{"messageType": "REPLAY_COMMAND", "action": "replay"}', "requestedBy"),
        (json.dumps({**json.loads(command()), "filters": {"limit": 0}}), "filters.limit"),
        (json.dumps({**json.loads(command()), "canary": False}), "canary"),
        (json.dumps({**json.loads(command()), "pace": {"perSecond": 0.05}}), "pace.perSecond"),
    ],
)
def test_what_is_no_command_is_told_and_done_with(stage: Stage, body: str, said: str):
    with pytest.raises(CommandError, match=said):
        read_command(body)
    stage.turn(body)
    assert stage.operator.journal.replays == {}
    assert stage.dead == 30


def test_a_command_is_read_as_it_was_sent():
    every = ReplayCommand(
        action=Action.REPLAY,
        requested_by="thandi",
        reason="why",
        replay_id="replay-1",
        filters={"queue": "update", "older_than_seconds": 60, "message_ids": ("a", "b")},
        boxes=("parked",),
        pace={"per_second": 2.5},
    )
    assert read_command(text_of(every)) == every
    filters = every.filters.read()
    assert type(every.filters).of(filters) == every.filters
