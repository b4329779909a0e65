"""A replay killed at each of its calls: nothing is lost, at most one message comes twice."""

from __future__ import annotations

import copy
from collections import Counter

import pytest
from dead import Switch, a_fleet, a_site, put, stalled_by

from core.adapters.memory.boundary import AnswerLostError, Crashed, Moment
from core.domain.errors import SitefleetError
from core.domain.replays import Pace
from core.replay.replayer import NotStartedError
from events.vocabulary import OperationStatus
from simulation.fleet import SimulatedFleet
from simulation.operator import Operator
from simulation.requests import creation

CAREFUL = {"pace": Pace(per_second=1000, first_step=3)}


@pytest.fixture(scope="module")
def before():
    """A stalled operation, and a site whose request and first events come again."""
    switch = Switch()
    fleet = a_fleet(switch)
    a_site(fleet, "tenant-1", "site-done", correlation="done")
    fleet.run()
    stalled_by(fleet, switch, "complete", "The table is throttled.", "site-x")
    for _ in range(4):
        repeat = creation(
            "site-done", tenantId="tenant-1", subdomain="site-done", correlation="done"
        )
        put(fleet, repeat, source="creation", tenant_id="tenant-1")
    for event in fleet.world.events[:2]:
        put(fleet, event.queue_body(), source="creation", tenant_id="tenant-1")
    return fleet.saved()


class Killed:
    """An operator whose process dies at one call, with everything it would have done after."""

    def __init__(self, state, call: int | None, moment: Moment | None) -> None:
        fleet = SimulatedFleet(environment=state.world.environment, state=copy.deepcopy(state))
        self.operator = Operator(fleet=fleet)
        self.fleet, self.call, self.moment = fleet, call, moment
        self.dead = False
        self.sent: Counter[str] = Counter()
        boundary = self.operator.boundary
        boundary.before, boundary.after = self._before, self._after
        send = self.operator.queues.send
        self.operator.queues.send = lambda to, message: self._count(send, to, message)

    def run(self):
        try:
            replay_id = self.operator.begin(**CAREFUL).replay_id
            self.operator.finish(replay_id)
        except (Crashed, SitefleetError):
            self._come_back()

    def _come_back(self) -> None:
        """Another process, later: it resumes what is open, or begins anew."""
        boundary = self.operator.boundary
        boundary.before = boundary.after = lambda _call: None
        opened = self.operator.journal.open_replay()
        if opened is None:
            self.operator._sleep(400)  # what the dead process had taken shows again
            try:
                opened = self.operator.begin(**CAREFUL)
            except NotStartedError:  # it was finished already
                return
        self.operator.finish(opened.replay_id)

    def _count(self, send, to, message):
        self.sent[message.attributes["replayOf"].value] += 1
        return send(to, message)

    def _before(self, call) -> None:
        if self.dead:
            raise Crashed("it is dead")
        if call.number == self.call and self.moment is Moment.BEFORE:
            self.dead = True
            raise Crashed(str(call))

    def _after(self, call) -> None:
        if call.number != self.call:
            return
        if self.moment is Moment.ANSWER_LOST:
            raise AnswerLostError(str(call))
        if self.moment is Moment.AFTER:
            self.dead = True
            raise Crashed(str(call))


def outcome(killed: Killed) -> dict[str, object]:
    fleet = killed.fleet
    return {
        "operations": {o.site_id: o.status for o in fleet.store.operations.values()},
        "letters": [m.body for m in fleet.world.dead_letters],
        "tasks": Counter(task.reference.started_by for task in fleet.world.tasks),
        "queues": {name: len(messages) for name, messages in fleet.world.queues.items()},
    }


def test_killed_at_every_call(before):
    undisturbed = Killed(before, None, None)
    undisturbed.run()
    calls = len(undisturbed.operator.boundary.calls)
    expected = outcome(undisturbed)
    assert set(expected["operations"].values()) == {OperationStatus.COMPLETED}
    assert expected["letters"] == []
    assert set(undisturbed.sent.values()) == {1}
    holes, doubled = [], 0
    for call in range(1, calls + 1):
        for moment in Moment:
            killed = Killed(before, call, moment)
            killed.run()
            twice = sum(killed.sent.values()) - len(undisturbed.sent)
            doubled += twice
            if outcome(killed) != expected or not 0 <= twice <= 1:
                name = undisturbed.operator.boundary.calls[call - 1]
                holes.append((call, moment, f"{name.port}.{name.method}", twice, outcome(killed)))
    assert holes == []
    assert doubled > 0, "the one possible duplicate was never reached"
