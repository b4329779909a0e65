"""One seed from its draw to its verdict."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial

import structlog
import structlog.testing

from core.adapters.memory.boundary import Boundary
from core.bootstrap import WORKFLOWS
from core.domain.letters import REPLAY_OF
from core.domain.operation import Operation
from core.domain.policy import Policy
from core.ports.messaging import QueueName
from core.ports.sites import Tenant
from events.vocabulary import DetailType
from simulation.fleet import policy_of
from simulation.scenario import state_after
from simulation.seeds.draw import Draw, draw
from simulation.seeds.faults import Fault, Faults
from simulation.seeds.fleet import SeededFleet
from simulation.seeds.messages import Senders, Sent, stands_still
from simulation.seeds.promises import Finished, broken_promises, silent
from simulation.seeds.sometimes import Rare, of_logs
from simulation.seeds.story import Story, short
from simulation.seeds.targets import Targets
from simulation.seeds.watch import Watch
from simulation.stand_ins import STAND_INS

MOST_STEPS = 4000
VISITS = 3
"""How often people look after what stands still while things still go wrong."""
ROUNDS = 6
"""How often they do so afterwards, at most."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one seed came to."""

    seed: int
    broken: tuple[str, ...]
    digest: str
    operations: int
    messages: int
    calls: int
    faults: Counter[Fault]
    rare: Counter[Rare]
    lines: tuple[str, ...]

    def without_story(self) -> Verdict:
        """Return it with nothing but its numbers."""
        return replace(self, lines=())


class SeedRun:
    """One run; `verdict()` carries it out."""

    def __init__(self, seed: int) -> None:
        self.drawn = draw(seed)
        with structlog.testing.capture_logs():
            self.fleet = _fleet(self.drawn)
        self.senders = Senders(drawn=self.drawn, operations=self._operations)
        self.finished = Finished(fleet=self.fleet)

    def verdict(self) -> Verdict:
        """Run, and hold the end against the promises."""
        with structlog.testing.capture_logs() as logs:
            self._run()
        fleet = self.fleet
        broken = broken_promises(self.finished)
        for line in broken:
            fleet.story.tell(f"BROKEN {line}")
        return Verdict(
            seed=self.drawn.seed,
            broken=tuple(broken),
            digest=fleet.story.digest,
            operations=len(self._operations()),
            messages=len(self.finished.sent),
            calls=len(fleet.boundary.calls),
            faults=fleet.faults.counts,
            rare=fleet.watch.rare + of_logs(logs) + self._answers(),
            lines=(_title(self.drawn), *fleet.story.lines),
        )

    # --- inside -----------------------------------------------------------------------------

    def _run(self) -> None:
        for arrival in self.drawn.arrivals:
            self.fleet.at(arrival.after_seconds, partial(self._send, arrival.kind))
        for visit in range(1, VISITS + 1):
            seconds = self.fleet.faults.seconds(1800, 5400) * visit
            self.fleet.at(seconds, self._visit)
        if Fault.CLOCK_FORWARD in self.drawn.chosen:
            self.fleet.at(self.fleet.faults.seconds(60, 3600), self._jump)
        self._rest()
        self._check_reported()
        self.fleet.faults.calm = True
        for number in range(ROUNDS):
            if not self._help_along(round_number=number):
                break
            self._rest()
        self._deliver_all_again()

    def _rest(self) -> None:
        try:
            self.fleet.run(most_steps=MOST_STEPS)
        except AssertionError as error:
            self.fleet.watch.broken.append(f"the_fleet_comes_to_rest: {error}")

    def _operations(self) -> list[Operation]:
        known = self.fleet.ended_before
        return [o for name, o in self.fleet.store.operations.items() if name not in known]

    def _send(self, kind: str) -> None:
        queue, body, about = self.senders.write(kind)
        self.fleet.story.tell(f"somebody sends a {kind}")
        message_id = self._put(queue, body)
        sent = Sent(message_id=message_id, queue=queue, body=body, kind=kind, about=about)
        self.finished.sent.append(sent)

    def _put(self, queue: QueueName, body: str) -> str:
        self.fleet.send(queue, body)
        return self.fleet.world.queues[queue][-1].message_id

    def _visit(self) -> None:
        self._help_along(round_number=1)

    def _help_along(self, *, round_number: int) -> bool:
        """Let people retry or cancel what stands still; False when there is nothing to do."""
        did = self._replay_silent_letters()
        for operation in self._operations():
            if stands_still(operation):
                queue, body = self.senders.help_along(operation, gently=round_number % 2 == 0)
                self.fleet.story.tell(f"a person helps {short(operation.operation_id)} along")
                self._put(queue, body)
                did = True
        return did

    def _replay_silent_letters(self) -> bool:
        """Send again what SQS moved to the dead letters by itself, as an operator does."""
        letters = self.fleet.world.dead_letters
        found = [letter for letter in letters if silent(letter)]
        for letter in found:
            letters.remove(letter)
            if letter.message_id in self.fleet.left_alone:
                self.fleet.watch.broken.append(f"dead_letters_say_why: {letter.body[:200]}")
            self.fleet.watch.see(Rare.BURIED_UNREAD)
            queue = self.fleet.queue_of[letter.message_id]
            again = self._put(queue, letter.body)
            first = letter.attributes.get(REPLAY_OF, letter.message_id)
            self.fleet.world.queues[queue][-1].attributes = {REPLAY_OF: first}
            self.finished.replays[first] = again
        return bool(found)

    def _check_reported(self) -> None:
        """Liveness: at rest, whatever has not ended is reported as standing still."""
        told = {
            event.metadata.operation_id
            for event in self.fleet.world.events
            if event.detail_type
            in {DetailType.OPERATION_STALLED, DetailType.OPERATION_ROLLBACK_FAILED}
        }
        for operation in self._operations():
            if operation.is_terminal or (
                stands_still(operation) and operation.operation_id in told
            ):
                continue
            self.fleet.watch.broken.append(
                f"nothing_stands_still_unreported: {operation.operation_type} "
                f"{operation.operation_id} is {operation.status} in {operation.phase} "
                f"{operation.step} since {operation.updated_at}, turn {operation.turn}"
            )

    def _jump(self) -> None:
        if self.fleet.workers or not self.fleet.faults.strikes(Fault.CLOCK_FORWARD):
            return
        hours = self.fleet.faults.seconds(1, 6)
        self.fleet.clock.advance(hours * 3600)
        self.fleet.story.tell(f"FAULT {Fault.CLOCK_FORWARD}: {hours} h")

    def _deliver_all_again(self) -> None:
        """Every event once more, at the end: nothing may follow from it."""
        self.fleet.story.tell("every event is delivered once more")
        for event in list(self.fleet.world.events):
            self.fleet.deliver_again(event)
        told = len(self.fleet.world.notifications)
        self._rest()
        self.fleet.watch.check_ended()
        more = self.fleet.world.notifications[told:]
        if more:
            kinds = sorted({f"{n.event_type} {n.event_id}" for n in more})
            self.fleet.watch.broken.append(f"a_repeat_announces_nothing: {kinds}")

    def _answers(self) -> Counter[Rare]:
        told = Counter(event.detail_type for event in self.fleet.world.events)
        letters = self.fleet.world.dead_letters
        exhausted = sum("exceptionType" in letter.attributes for letter in letters)
        answers = told[DetailType.OPERATION_STATUS]
        return Counter({Rare.STATUS_ANSWER: answers, Rare.EXHAUSTED: exhausted})


def _fleet(drawn: Draw) -> SeededFleet:
    state = copy.deepcopy(state_after(drawn.environment, drawn.earlier))
    for tenant in drawn.tenants:
        state.world.tenants[tenant] = Tenant(tenant_id=tenant, status="REGISTERED")
    watch = Watch(store=state.store)
    fleet = SeededFleet(
        environment=drawn.environment,
        boundary=Boundary(),
        state=state,
        times=drawn.times,
        workflows=STAND_INS if drawn.stand_ins else WORKFLOWS,
        other_policy=_policy(drawn),
        drawn=drawn,
        faults=Faults(seed=drawn.seed, clock=state.clock, chosen=drawn.chosen),
        story=Story(clock=state.clock),
        watch=watch,
    )
    fleet.people.against = drawn.against
    fleet.ended_before = frozenset(state.store.operations)
    targets = Targets(fleet=fleet, stand_ins=drawn.stand_ins)
    watch.deadline = fleet.policy.deadline
    watch.on_lock, watch.on_end = targets.locked, targets.ended
    return fleet


def _policy(drawn: Draw) -> Policy | None:
    if drawn.most_running is None:
        return None
    cap = {"max_running_operations_per_tenant": drawn.most_running}
    return policy_of(drawn.environment).model_copy(update=cap)


def _title(drawn: Draw) -> str:
    kinds = ", ".join(sorted(drawn.chosen)) or "none"
    return (
        f"Seed {drawn.seed}: {drawn.environment}, {len(drawn.tenants)} tenants, "
        f"{len(drawn.arrivals)} messages{', stand-ins' if drawn.stand_ins else ''}; "
        f"may go wrong: {kinds}"
    )
