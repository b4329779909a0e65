"""The fleet under a seed: workers beside each other, and everything that may go wrong.

Workers interleave by nesting: at a call of a port a worker may be held up while other workers,
jobs, the sweeper and time go on; then it continues, or it is dead. That is deterministic, and a
seed replays bit for bit.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Final

from core.adapters.memory.boundary import Crashed
from core.adapters.memory.dead_letters import attributes_of
from core.adapters.memory.jobs import Play
from core.adapters.memory.world import StoredMessage
from core.domain.operation import Operation
from core.domain.replays import Fate
from core.engine.message import Acknowledged, Disposition, QueueMessage
from core.ports.clock import Clock
from core.ports.messaging import QueueName
from events.filters import OPERATION_QUEUES
from events.notifications import notification_for
from events.progress import FleetEvent
from events.vocabulary import DetailType
from simulation.fleet import (
    MAX_RECEIVES,
    ROUTED_BACK,
    SWEEP_SECONDS,
    VISIBILITY_SECONDS,
    SimulatedFleet,
)
from simulation.seeds.by_hand import by_hand
from simulation.seeds.draw import Draw
from simulation.seeds.faults import Fault, Faults
from simulation.seeds.inbox import Inbox, Parcel
from simulation.seeds.jobs import SeededJobs
from simulation.seeds.story import Story
from simulation.seeds.watch import Watch, WatchedStore
from simulation.seeds.workers import Disturber, SkewedClock, Worker, afresh

MOST_BESIDE = 40
"""Things that may happen beside a worker that is held up."""
MAIL_AGAIN: Final = timedelta(seconds=30)
"""After so long the mailer's message shows again that could not be handled."""


@dataclass(kw_only=True)
class SeededFleet(SimulatedFleet):
    """See the module's docstring."""

    drawn: Draw
    faults: Faults
    story: Story
    watch: Watch
    ended_before: frozenset[str] = frozenset()
    """Operations of the time before the run."""

    def __post_init__(self) -> None:
        self.random = Random(f"{self.drawn.seed}/order")  # noqa: S311 - a simulation, no secret
        self.workers: list[Worker] = []
        self.notices, self.wake_ups = Inbox(), Inbox()
        self.agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self.queue_of: dict[str, QueueName] = {}
        self.left_alone: set[str] = set()
        """Messages whose last receive ended with "try again": nobody will."""
        lags = partial(self.faults.strikes, Fault.STALE_INDEX)
        self.other_store = WatchedStore(self.watch, lags).as_store()
        disturber = Disturber(
            faults=self.faults,
            story=self.story,
            watch=self.watch,
            workers=self.workers,
            others=self._others,
            cancel=self._cancel,
        )
        self.boundary.before, self.boundary.after = disturber.before, disturber.after
        super().__post_init__()
        self._mail_at = self.clock.now()

    def known_before(self, operation: Operation) -> bool:
        """Tell whether an operation is one of the time before the run."""
        return operation.operation_id in self.ended_before

    # --- parts of the fleet that differ -------------------------------------------------------

    def _jobs(self, play: Play) -> SeededJobs:
        return SeededJobs(
            self.world,
            play,
            seconds=self.drawn.job_seconds,
            faults=self.faults,
            tell=self.story.tell,
        )

    def _worker_clock(self) -> Clock:
        return SkewedClock(self.clock, self.workers)

    def _refuse(self, event: FleetEvent) -> str | None:
        if self.faults.strikes(Fault.PARTIAL_PUT):
            self.story.tell(f"FAULT {Fault.PARTIAL_PUT}: {event.detail_type}")
            return "ThrottlingException"
        return None

    def _deliver(self, event: FleetEvent) -> None:
        """Bring an event where the bus's rules say: late, twice, or not at all."""
        meta = event.metadata
        self.story.event(event)
        if event.detail_type in ROUTED_BACK:
            queue = QueueName(OPERATION_QUEUES[meta.operation_type])
            for _ in range(self._copies(event)):
                self.send(
                    queue, event.queue_body(), tenant_id=meta.tenant_id, after_seconds=self._late()
                )
        if notification_for(event) is not None:
            for _ in range(2 if self.faults.strikes(Fault.DUPLICATE) else 1):
                self.notices.put(
                    event.queue_body(), self.clock.now() + timedelta(seconds=self._late())
                )
        if event.detail_type is DetailType.OPERATION_AWAITING_APPROVAL:
            queue = QueueName(OPERATION_QUEUES[meta.operation_type])
            for body in self.people.decisions(event):
                self.send(queue, body, after_seconds=self._late())
        if self.faults.strikes(Fault.OLD_EVENT):
            self.at(self.faults.seconds(60, 7200), lambda: self._deliver_old(event))

    def _copies(self, event: FleetEvent) -> int:
        if self.faults.strikes(Fault.LOST_EVENT):
            self.story.tell(f"FAULT {Fault.LOST_EVENT}: {event.detail_type} {event.metadata.step}")
            return 0
        return 2 if self.faults.strikes(Fault.DUPLICATE) else 1

    def _late(self) -> int:
        return self.faults.seconds(1, 300) if self.faults.strikes(Fault.DELAYED) else 0

    def _soon(self) -> datetime:
        return self.clock.now() + timedelta(seconds=self._late())

    def _deliver_old(self, event: FleetEvent) -> None:
        self.story.tell(f"FAULT {Fault.OLD_EVENT}: {event.detail_type} {event.metadata.step}")
        self._deliver(event)

    # --- letting things happen ----------------------------------------------------------------

    def at(self, seconds: float, happening: Callable[[], None]) -> None:
        """Let something happen later."""
        moment = self.clock.now() + timedelta(seconds=seconds)
        self.agenda.append((moment, len(self.agenda), happening))

    def step(self) -> bool:
        """Let one of the things happen that can happen now, drawn by the seed; else time passes."""
        ready = self._ready()
        if ready:
            self.random.choice(ready)()
            return True
        return self._pass_time(None)

    def _ready(self) -> list[Callable[[], None]]:
        now = self.clock.now()
        for reference in self.reporter.reports():
            self._report(reference)
        ready: list[Callable[[], None]] = [
            self._receiver(queue, message)
            for queue in QueueName
            for message in self.world.queues[queue]
            if message.visible_at <= now
        ]
        ready += [self._opener(self.notices, p, self._announce) for p in self.notices.visible(now)]
        ready += [self._opener(self.wake_ups, p, self._woken) for p in self.wake_ups.visible(now)]
        ready += [self._happener(entry) for entry in self.agenda if entry[0] <= now]
        if not self.workers and self.mail_desk.waiting and self._mail_at <= now:
            ready.append(self._mail)
        return ready

    def _pass_time(self, until: datetime | None) -> bool:
        moments = self._moments()
        soonest = min(moments, default=None)
        if soonest is None or (until is not None and soonest > until):
            if until is not None:
                self.clock.advance_to(until)
            return False
        self.clock.advance_to(soonest)
        if self._next_sweep in moments and self.clock.now() >= self._next_sweep:
            self._sweep()
        return True

    def _moments(self) -> list[datetime]:
        moments = super()._moments()
        moments += [*self.notices.moments(), *self.wake_ups.moments()]
        moments += [self._mail_at] if self.mail_desk.waiting else []
        return moments + [entry[0] for entry in self.agenda]

    def _report(self, report: str) -> None:
        if self.faults.strikes(Fault.LOST_WAKE_UP):
            self.story.tell(f"FAULT {Fault.LOST_WAKE_UP}")
            return
        for _ in range(2 if self.faults.strikes(Fault.DUPLICATE) else 1):
            self.wake_ups.put(report, self._soon())

    def _happener(self, entry: tuple[datetime, int, Callable[[], None]]) -> Callable[[], None]:
        def happen() -> None:
            self.agenda.remove(entry)
            entry[2]()

        return happen

    def _mail(self) -> None:
        self._as_worker(self._mail_once)

    def _mail_once(self) -> Disposition:
        before = len(self.mail_desk)
        self.mail_desk.work()
        if len(self.mail_desk) == before:  # it comes again, as SQS shows it again
            self._mail_at = self.clock.now() + MAIL_AGAIN
        return Acknowledged(fate=Fate.NOTHING)

    def _sweep(self) -> None:
        self._next_sweep = self.clock.now() + timedelta(seconds=SWEEP_SECONDS)
        if self.faults.strikes(Fault.MISSED_SWEEP):
            self.story.tell(f"FAULT {Fault.MISSED_SWEEP}")
            return
        self.watch.sweeping = True
        self._as_worker(self._sweep_once)
        self.watch.sweeping = False

    def _sweep_once(self) -> Disposition:
        self.sweeper.sweep()
        self.sweeper.measure()
        return Acknowledged(fate=Fate.NOTHING)

    def _cancel(self, operation_id: str) -> None:
        """Let somebody lose patience with an operation."""
        operation = self.store.operations.get(operation_id)
        if operation is None or self.known_before(operation):
            return
        self.story.tell(f"FAULT {Fault.IMPATIENT}")
        queue = QueueName(OPERATION_QUEUES[operation.operation_type])
        self.send(queue, by_hand("OPERATION_CANCEL_REQUEST", operation_id, "impatient"))

    def _others(self, seconds: int) -> None:
        """Let everybody else go on for a while: one worker is held up."""
        until = self.clock.now() + timedelta(seconds=seconds)
        for _ in range(MOST_BESIDE):
            ready = self._ready()
            if ready:
                self.random.choice(ready)()
            elif not self._pass_time(until):
                return
            if self.clock.now() >= until:
                return

    # --- workers --------------------------------------------------------------------------------

    def _receiver(self, queue: QueueName, message: StoredMessage) -> Callable[[], None]:
        def receive() -> None:
            messages = self.world.queues[queue]
            messages.remove(message)
            messages.insert(0, message)
            for received in self.queues.receive(queue):
                self._handle(queue, received)

        return receive

    def _handle(self, queue: QueueName, message: StoredMessage) -> None:
        receipt = message.receipt or ""
        seen = QueueMessage(
            message_id=message.message_id,
            body=message.body,
            receive_count=message.receive_count,
            queue=queue,
            attributes=attributes_of(message),
        )
        self.story.receive(queue, message)
        disposition = self._as_worker(lambda: self.consumer.handle(seen))
        self.story.outcome(disposition)
        self.queue_of[message.message_id] = queue
        if disposition is None:
            return
        if not isinstance(disposition, Acknowledged):
            if seen.receive_count >= MAX_RECEIVES:
                self.left_alone.add(message.message_id)
            self.queues.change_visibility(queue, receipt, disposition.after_seconds)
        elif self.faults.strikes(Fault.NOT_DELETED):
            self.story.tell(f"FAULT {Fault.NOT_DELETED}")
        else:
            self.queues.delete(queue, receipt)

    def _opener(
        self, inbox: Inbox, parcel: Parcel, handle: Callable[[QueueMessage], Disposition]
    ) -> Callable[[], None]:
        def open_it() -> None:
            receipt = inbox.take(parcel, self.clock.now() + timedelta(seconds=VISIBILITY_SECONDS))
            parcel.message_id = parcel.message_id or self.world.ids.new_id()
            message = QueueMessage(
                message_id=parcel.message_id,
                body=parcel.body,
                receive_count=receipt,
                queue=None,
            )
            self.story.tell(f"{'notice' if inbox is self.notices else 'wake-up'} #{receipt}")
            disposition = self._as_worker(lambda: handle(message))
            self.story.outcome(disposition)
            if isinstance(disposition, Acknowledged):
                inbox.delete(parcel, receipt)
            elif disposition is not None:
                seconds = timedelta(seconds=disposition.after_seconds)
                inbox.show(parcel, receipt, self.clock.now() + seconds)

        return open_it

    def _announce(self, message: QueueMessage) -> Disposition:
        return self.notifier.handle(message)

    def _woken(self, message: QueueMessage) -> Disposition:
        return self.consumer.handle(message)

    def _as_worker(self, work: Callable[[], Disposition]) -> Disposition | None:
        """Let a worker do something; None when it died of it or could not."""
        skew = self.faults.seconds(-4, 4) if self.faults.strikes(Fault.CLOCK_SKEW) else 0
        self.workers.append(Worker(since=self.clock.now(), skew=timedelta(seconds=skew)))
        depth = len(self.workers)
        try:
            return contextvars.copy_context().run(afresh, work)
        except Crashed as crash:
            self.story.tell(f"dies: {crash}")
        except Exception as error:  # noqa: BLE001 - the batch reports the record as failed
            self.story.tell(f"raises {type(error).__name__}: {error}")
        finally:
            del self.workers[depth - 1 :]
            self.watch.check_ended()
        return None
