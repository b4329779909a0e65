"""An operator whose processes are killed at a call, with everything they would have done after."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from dead import Switch

from core.adapters.memory.boundary import AnswerLostError, Boundary, Call, Crashed, Moment, ignore
from core.domain.errors import SitefleetError
from core.domain.replays import Pace, Replay, ReplayStatus
from core.replay.replayer import NotStartedError, Rest
from simulation.fleet import SimulatedFleet
from simulation.operator import Operator

CAREFUL = {"pace": Pace(per_second=1000, first_step=3)}
TURN = timedelta(minutes=14)
MOST_TURNS = 8
"""What is not finished after so many turns is not finished by any."""


@dataclass(frozen=True)
class Stop:
    """Where a process ends; calls are counted from its first one."""

    call: int
    moment: Moment


class Killed:
    """One operator and the processes that work for it, one after the other."""

    def __init__(self, state, switch: Switch | None = None) -> None:
        self.fleet = SimulatedFleet(environment=state.world.environment, state=copy.deepcopy(state))
        if switch is not None:
            self.fleet.workflows = switch.workflows()
            self.fleet._wire()
        self.operator = Operator(fleet=self.fleet)
        self.sent: Counter[str] = Counter()
        self._count_sends()
        self._stop: Stop | None = None
        self._dead, self._base = False, 0

    @property
    def twice(self) -> int:
        """How many messages too many were sent."""
        return self.sent.total() - len(self.sent)

    @property
    def boundary(self) -> Boundary:
        return self.operator.boundary

    def process(self, work: Callable[[], object], stop: Stop | None = None) -> list[Call]:
        """Let one process work until it is done or dies; return its calls."""
        self._dead, self._stop, self._base = False, stop, len(self.boundary.calls)
        self.boundary.before, self.boundary.after = self._before, self._after
        try:
            work()
        except (Crashed, SitefleetError):
            if stop is None:
                raise
        finally:
            self.boundary.before = self.boundary.after = ignore
        return self.boundary.calls[self._base :]

    def replay(self) -> None:
        """Begin, and go on to the end."""
        self.finish(self.operator.begin(**CAREFUL).replay_id)

    def resume(self) -> None:
        """Another process, later: it goes on with what is open, or begins what has not ended."""
        journal = self.operator.journal
        if any(r.status is ReplayStatus.FINISHED for r in journal.replays.values()):
            return
        opened = journal.open_replay()
        if opened is None:
            self.wait()
            opened = self._begun_anew()
        if opened is not None:
            self.finish(opened.replay_id)

    def abandon(self) -> None:
        """Another process, when the dead one's lease has ended: it closes what is open."""
        opened = self.operator.journal.open_replay()
        if opened is not None:
            self.operator._sleep(121)
            self.operator.replayer.abandon(opened.replay_id, owner="who closes")

    def wait(self) -> None:
        """Until what a dead process had taken shows again."""
        self.operator._sleep(400)

    def finish(self, replay_id: str) -> None:
        """Take turns until it is finished."""
        for number in range(MOST_TURNS):
            until = self.fleet.clock.now() + TURN
            owner = f"{len(self.boundary.calls)}/{number}"
            if self.operator.replayer.advance(replay_id, owner=owner, until=until) is Rest.FINISHED:
                return
            self.operator._sleep(130)
        assert self.operator.journal.replays[replay_id].status is ReplayStatus.FINISHED

    def _begun_anew(self) -> Replay | None:
        try:
            return self.operator.begin(**CAREFUL)
        except NotStartedError:  # all was sent before it was closed
            return None

    def _count_sends(self) -> None:
        original = self.operator.queues.send

        def send(to, message):
            self.sent[message.attributes["replayOf"].value] += 1
            return original(to, message)

        self.operator.queues.send = send

    def _before(self, call: Call) -> None:
        if self._dead:
            raise Crashed("it is dead")
        if self._is_stop(call, Moment.BEFORE):
            self._die(call)

    def _after(self, call: Call) -> None:
        if self._is_stop(call, Moment.ANSWER_LOST):
            raise AnswerLostError(str(call))
        if self._is_stop(call, Moment.AFTER):
            self._die(call)

    def _is_stop(self, call: Call, moment: Moment) -> bool:
        stop = self._stop
        return stop is not None and (call.number - self._base, moment) == (stop.call, stop.moment)

    def _die(self, call: Call) -> None:
        self._dead = True
        raise Crashed(str(call))


def stops(calls: list[Call]) -> Iterator[tuple[Stop, str]]:
    """Yield every place to die at, with its name.

    Of calls that only look for an outcome again and again, the first and the last.
    """
    names = ["", *(f"{call.port}.{call.method}" for call in calls), ""]
    for number, (before, after) in enumerate(zip(names, names[2:], strict=False), 1):
        if names[number] == "outcomes.told" and before == after == names[number]:
            continue
        for moment in Moment:
            yield Stop(number, moment), f"{names[number]} {moment}"
