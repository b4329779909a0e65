"""The whole fleet of one environment on memory twins: queues, bus, jobs, sweeper, one clock.

Every port call goes through one boundary, so that a run can be stopped at any of them; whatever
is stopped, the queues hand the message out again, as SQS does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

from core.adapters.memory.boundary import Boundary, Crashed
from core.adapters.memory.clock import ManualClock, SeededIds
from core.adapters.memory.dead_letters import attributes_of
from core.adapters.memory.event_bus import MemoryBus
from core.adapters.memory.jobs import MemoryJobs, Play
from core.adapters.memory.meter import MemoryMeter
from core.adapters.memory.operations import MemoryOperationStore
from core.adapters.memory.replay_outcomes import MemoryReplayOutcomes
from core.adapters.memory.topic import MemoryTopic
from core.adapters.memory.work_queues import MemoryQueues
from core.adapters.memory.world import StoredMessage, World
from core.bootstrap import WORKFLOWS, load_policy
from core.domain.letters import Origin
from core.domain.policy import Policy
from core.domain.replays import Fate
from core.engine.consumer import Consumer
from core.engine.engine import Engine, Timing
from core.engine.message import Acknowledged, QueueMessage
from core.engine.notifier import Notifier
from core.engine.sweeper import Sweeper
from core.engine.telling import tell
from core.engine.workflow import Workflow
from core.ports.clock import Clock
from core.ports.messaging import QueueName
from core.ports.operation_store import OperationStore
from events.filters import OPERATION_QUEUES
from events.formats import Environment
from events.notifications import notification_for
from events.progress import FleetEvent
from events.vocabulary import DetailType, OperationType
from simulation.effects import Effects
from simulation.jobs import JobPlayer
from simulation.mailing import MailDesk
from simulation.people import People
from simulation.ports import memory_ports
from simulation.reports import Reporter, SettleTimes

LEASE_SECONDS = 90
VISIBILITY_SECONDS = 360
MAX_RECEIVES = 5
SWEEP_SECONDS = 60
FOR_EVER = timedelta(days=3650)
ROUTED_BACK = {
    DetailType.OPERATION_ACCEPTED,
    DetailType.STEP_COMPLETED,
    DetailType.STEP_FAILED,
}


@cache
def policy_of(environment: Environment) -> Policy:
    """Return the environment's own policy, as it is deployed."""
    return load_policy(environment.value)


@dataclass(kw_only=True)
class FleetState:
    """What outlives a process: to be copied, so that many runs start from the same state."""

    clock: ManualClock
    world: World
    store: MemoryOperationStore
    effects: Effects


@dataclass(kw_only=True)
class SimulatedFleet:
    """One environment's fleet; `step()` lets the next thing happen."""

    environment: Environment
    boundary: Boundary = field(default_factory=Boundary)
    source: World | None = None
    seed: int = 0
    times: SettleTimes = field(default_factory=SettleTimes)
    loses_wake_ups: bool = False
    """Whether nothing that AWS reports ever arrives: the polls are all there is."""
    state: FleetState | None = None
    """Where it goes on from; None: an empty environment."""
    other_store: OperationStore | None = None
    """Another operation store than the memory twin: to count what the real one calls."""
    workflows: Mapping[OperationType, Workflow] = field(default_factory=lambda: WORKFLOWS)
    """What it carries out; others than the real ones: to let a step fail on purpose."""
    other_policy: Policy | None = None
    """Another policy than the environment's own."""

    def __post_init__(self) -> None:
        if self.state is None:
            self.state = self._empty()
        self.clock, self.world = self.state.clock, self.state.world
        self.store, self.effects = self.state.store, self.state.effects
        self.operation_store: OperationStore = self.other_store or self.store
        self.policy = self.other_policy or policy_of(self.environment)
        self.jobs = self._jobs(JobPlayer(self.policy, self.effects, self.world).play)
        self.queues = MemoryQueues(
            self.world, visibility_seconds=VISIBILITY_SECONDS, max_receive_count=MAX_RECEIVES
        )
        self.outcomes = MemoryReplayOutcomes()
        self.people = People(policy=self.policy, clock=self.clock)
        self.world.callers = self.people.callers()
        self.reporter = Reporter(world=self.world, jobs=self.jobs, times=self.times)
        self.reports: list[str] = []
        self.notifier_queue: list[FleetEvent] = []
        self._next_sweep = self.clock.now() + timedelta(seconds=SWEEP_SECONDS)
        self._wire()

    def _empty(self) -> FleetState:
        clock = ManualClock()
        ids = SeededIds(self.seed)
        world = World(environment=self.environment, clock=clock, ids=ids, source=self.source)
        if self.source is not None:
            self.source.clock = clock
        return FleetState(clock=clock, world=world, store=MemoryOperationStore(), effects=Effects())

    def _jobs(self, play: Play) -> MemoryJobs:
        return MemoryJobs(self.world, play)

    def _worker_clock(self) -> Clock:
        """What the workers take for the time."""
        return self.clock

    def _refuse(self, _event: FleetEvent) -> str | None:
        """Tell with which error code the bus does not take an event; None: it does."""
        return None

    def _wire(self) -> None:
        wrap = self.boundary.wrap
        store = wrap("operations", self.operation_store)
        meter = wrap("meter", MemoryMeter(self.world))
        self.mail_desk = MailDesk(self.world, store, self.policy, wrap=wrap)
        self.topic = MemoryTopic(self.world, deliver=self.mail_desk.deliver)
        self.engine = Engine(
            store=store,
            bus=wrap("bus", MemoryBus(self.world, deliver=self._deliver, refuse=self._refuse)),
            queues=wrap("queues", self.queues),
            outcomes=wrap("outcomes", self.outcomes),
            ids=self.world.ids,
            ports=replace(
                memory_ports(
                    self.world, self.operation_store, self.jobs, times=self.times, wrap=wrap
                ),
                clock=self._worker_clock(),
            ),
            policy=self.policy,
            timing=Timing(lease_seconds=LEASE_SECONDS, max_receive_count=MAX_RECEIVES),
            workflows=self.workflows,
        )
        self.consumer = Consumer(self.engine)
        self.sweeper = Sweeper(self.engine, meter)
        self.notifier = Notifier(
            store=store,
            topic=wrap("topic", self.topic),
            queues=self.queues,
            meter=meter,
            clock=self.clock,
        )

    def keep_operations_in(self, store: OperationStore) -> None:
        """Go on with another operation store, which holds the same operations."""
        self.operation_store = store
        self._wire()

    def saved(self) -> FleetState:
        """Return the state, for others to start from."""
        return FleetState(
            clock=self.clock, world=self.world, store=self.store, effects=self.effects
        )

    # --- the outside ------------------------------------------------------------------------

    def send(
        self, queue: QueueName, body: str, *, tenant_id: str = "tenant-1", after_seconds: int = 0
    ) -> None:
        """Drop a message on a queue, as an upstream service does."""
        self.queues.send(queue, body, delay_seconds=after_seconds, tenant_id=tenant_id)

    def deliver_again(self, event: FleetEvent) -> None:
        """Deliver an event once more, as EventBridge and SQS may at any time."""
        self._deliver(event)

    def receive_by_hand(self, origin: Origin, message: StoredMessage) -> None:
        """Let a queue that is no workflow queue handle one message, as its consumer does."""
        seen = QueueMessage(
            message_id=message.message_id,
            body=message.body,
            receive_count=1,
            queue=None,
            attributes=attributes_of(message),
        )
        handles = {
            Origin.NOTIFIER: self.notifier.handle,
            Origin.WAKE_UP: self.consumer.handle,
            Origin.MAILER: self.mail_desk.mailer.handle,
            Origin.SWEEPER: self._swept,
        }
        tell(self.engine.outcomes, self.clock, seen, handles[origin](seen))

    def _swept(self, _tick: QueueMessage) -> Acknowledged:
        self.sweeper.sweep()
        return Acknowledged(fate=Fate.NOTHING, why="The fleet was swept.")

    def _deliver(self, event: FleetEvent) -> None:
        """The bus's rules."""
        if event.detail_type in ROUTED_BACK:
            queue = QueueName(OPERATION_QUEUES[event.metadata.operation_type])
            self.send(queue, event.queue_body(), tenant_id=event.metadata.tenant_id)
        if notification_for(event) is not None:
            self.notifier_queue.append(event)
        if event.detail_type is DetailType.OPERATION_AWAITING_APPROVAL:
            queue = QueueName(OPERATION_QUEUES[event.metadata.operation_type])
            for body in self.people.decisions(event):
                self.send(queue, body)

    # --- letting things happen --------------------------------------------------------------

    def run(self, *, most_steps: int = 3000) -> int:
        """Let things happen until nothing is left to do; return how many things did."""
        for number in range(most_steps):
            if not self.step():
                return number
        raise AssertionError(f"The fleet did not come to rest in {most_steps} steps.")

    def step(self) -> bool:
        """Let the next thing happen: a wake-up, a message, a job, the sweeper; else time passes."""
        if self.reports:
            self._wake(self.reports.pop(0))
            return True
        if self._consume() or self._notify() or self.mail_desk.work():
            return True
        reports = self.reporter.reports()
        self.reports += () if self.loses_wake_ups else reports
        return bool(reports) or self._let_time_pass()

    def _consume(self) -> bool:
        for queue in QueueName:
            for message in self.queues.receive(queue):
                self._handle(queue, message)
                return True
        return False

    def _handle(self, queue: QueueName, message: StoredMessage) -> None:
        receipt = message.receipt or ""
        seen = QueueMessage(
            message_id=message.message_id,
            body=message.body,
            receive_count=message.receive_count,
            queue=queue,
            attributes=attributes_of(message),
        )
        try:
            disposition = self.consumer.handle(seen)
            tell(self.engine.outcomes, self.clock, seen, disposition)
        except Crashed:
            return  # the worker is dead: the message comes again after its visibility timeout
        except Exception:  # noqa: BLE001 - the batch reports the record as failed; SQS keeps it
            return
        if isinstance(disposition, Acknowledged):
            self.queues.delete(queue, receipt)
        else:
            self.queues.change_visibility(queue, receipt, disposition.after_seconds)

    def _wake(self, report: str) -> None:
        message = QueueMessage(
            message_id=self.world.ids.new_id(),
            body=report,
            receive_count=1,
            queue=None,
        )
        try:
            self.consumer.handle(message)
        except (Crashed, Exception):  # noqa: BLE001 - a lost wake-up: the poll is the fallback
            return

    def _notify(self) -> bool:
        if not self.notifier_queue:
            return False
        event = self.notifier_queue[0]
        message = QueueMessage(
            message_id=event.metadata.event_id,
            body=event.queue_body(),
            receive_count=1,
            queue=None,
        )
        try:
            disposition = self.notifier.handle(message)
        except (Crashed, Exception):  # noqa: BLE001 - the message stays on the notifier's queue
            return True
        if isinstance(disposition, Acknowledged):
            self.notifier_queue.pop(0)
        return True

    def _let_time_pass(self) -> bool:
        """Move to the next moment at which something can happen; False at the end of all things."""
        moments = self._moments()
        if not moments:
            return False
        self.clock.advance_to(min(moments))
        if self._next_sweep in moments and self.clock.now() >= self._next_sweep:
            self._sweep()
        return True

    def _moments(self) -> list[datetime]:
        """Return when something can happen next."""
        moments = [m.visible_at for messages in self.world.queues.values() for m in messages]
        coming = self.reporter.next_at()
        moments += [coming] if coming else []
        earliest = self.operation_store.due(self.clock.now() + FOR_EVER, 1)
        if earliest and earliest[0].due_at is not None:
            self._skip_sweeps(earliest[0].due_at)
        if earliest or self._may_start():
            moments.append(self._next_sweep)
        return moments

    def _may_start(self) -> bool:
        """Tell whether somebody waits for a turn that is free: the sweeper must start it."""
        cap, store = self.policy.max_running_operations_per_tenant, self.operation_store
        tenants = store.tenants_in_line(1)
        return any(cap is None or store.line_of(name).running < cap for name in tenants)

    def _skip_sweeps(self, due_at: datetime) -> None:
        """Leave out the ticks at which the sweeper finds nothing: a day's are 1,440."""
        idle = -((self._next_sweep - due_at) // timedelta(seconds=SWEEP_SECONDS))
        self._next_sweep += max(0, idle) * timedelta(seconds=SWEEP_SECONDS)

    def _sweep(self) -> None:
        self._next_sweep = self.clock.now() + timedelta(seconds=SWEEP_SECONDS)
        try:
            self.sweeper.sweep()
            self.sweeper.measure()
        except (Crashed, Exception):  # noqa: BLE001 - the next tick sweeps again
            return
