"""An operator of the simulated fleet: reads its dead letters and replays them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from core.adapters.memory.boundary import Boundary
from core.adapters.memory.dead_letters import MemoryDeadLetters
from core.adapters.memory.failures import MemoryFailures
from core.adapters.memory.replay_journal import MemoryReplayJournal
from core.adapters.memory.world import StoredMessage
from core.domain.letters import Origin
from core.domain.replays import Pace, Replay, ReplayFilter
from core.replay.announcing import announcer
from core.replay.desk import Foretold, LetterDesk
from core.replay.replayer import Replayer, Rest, Wishes
from core.replay.work import Tools
from simulation.fleet import SimulatedFleet

A_LONG_TIME = timedelta(days=2)


@dataclass(kw_only=True)
class Operator:
    """Each `advance` is another process; time passes for the fleet while it sleeps."""

    fleet: SimulatedFleet
    boundary: Boundary = field(default_factory=Boundary)

    def __post_init__(self) -> None:
        fleet, wrap = self.fleet, self.boundary.wrap
        self.journal = MemoryReplayJournal()
        self.queues = MemoryDeadLetters(fleet.world, deliver=self._deliver)
        letters = wrap("letters", self.queues)
        self.desk = LetterDesk(
            letters=letters, failures=MemoryFailures(fleet.store), engine=fleet.engine
        )
        self.replayer = Replayer(
            Tools(
                letters=letters,
                journal=wrap("journal", self.journal),
                outcomes=wrap("outcomes", fleet.outcomes),
                desk=self.desk,
                announce=announcer(fleet.engine, fleet.topic),
                clock=fleet.clock,
                ids=fleet.world.ids,
                sleep=self._sleep,
            )
        )

    def plan(self, filters: ReplayFilter | None = None) -> list[Foretold]:
        """Look at the letters and what their replay will do; they are given back."""
        letters = self.desk.collect(filters or ReplayFilter())
        foretold = self.desk.foretell(letters)
        self.desk.give_back(letters)
        return foretold

    def begin(self, filters: ReplayFilter | None = None, **wishes: object) -> Replay:
        """Open a replay; `wishes`: a pace, whether refused letters are sent."""
        wanted = filters or ReplayFilter()
        foretold = self.desk.foretell(self.desk.collect(wanted))
        asked = {"pace": Pace(per_second=1000), **wishes}
        return self.replayer.begin(
            Wishes(requested_by="operator", reason="test", filters=wanted, **asked),  # type: ignore[arg-type]  # by field name
            foretold,
        )

    def replay(self, filters: ReplayFilter | None = None, **wishes: object) -> Replay:
        """Replay to the end; return how it ended."""
        replay = self.begin(filters, **wishes)
        return self.finish(replay.replay_id)

    def finish(self, replay_id: str) -> Replay:
        """Go on with a replay until it has finished; a lease in the way is waited for."""
        while True:
            until = self.fleet.clock.now() + A_LONG_TIME
            rest = self.replayer.advance(
                replay_id, owner=self.fleet.world.ids.new_id(), until=until
            )
            if rest is Rest.FINISHED:
                return self.journal.replays[replay_id]
            self._sleep(1)

    def _sleep(self, seconds: float) -> None:
        end = self.fleet.clock.now() + timedelta(seconds=seconds)
        while self.fleet.clock.now() < end:
            if not self.fleet.step():
                self.fleet.clock.advance_to(end)

    def _deliver(self, origin: Origin, message: StoredMessage) -> None:
        self.fleet.receive_by_hand(origin, message)
