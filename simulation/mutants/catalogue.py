"""The catalogue of mutants: bugs that engines of this kind have had."""

from __future__ import annotations

from typing import Final

from simulation.mutants.mutant import Mutant
from simulation.mutants.of_people import OF_PEOPLE
from simulation.mutants.of_steps import OF_STEPS

RECORDER = "core/engine/recorder.py"
RUNNER = "core/engine/runner.py"
SWEEPER = "core/engine/sweeper.py"
NOTIFIER = "core/engine/notifier.py"
OPERATION = "core/domain/operation.py"
STORE = "core/adapters/memory/operations.py"
LINES = "core/adapters/memory/operation_lines.py"

OF_THE_PROTOCOL: Final = (
    Mutant(
        name="publish before record",
        file=RECORDER,
        old="        committed = self._engine.store.commit(armed)\n",
        new="        self.publish(armed)\n        committed = self._engine.store.commit(armed)\n",
        why="The event is at hand, and the write might fail: tell first, then write.",
    ),
    Mutant(
        name="acknowledge before publish",
        file=RUNNER,
        old="            self._recorder.publish(after)\n",
        new="            try:\n                self._recorder.publish(after)\n"
        "            except Exception:\n                return _worked(operation, after)\n",
        why="The work is recorded, so a bus that is down should not bring the message back.",
    ),
    Mutant(
        name="commit without fence",
        file=STORE,
        old="        if stored.fence != operation.fence or stored.lease_owner is None:\n",
        new="        if stored.lease_owner is None:\n",
        why="A lease is held, so whose it is seems not to matter.",
    ),
    Mutant(
        name="claim over a lease",
        file=STORE,
        old="    if leased and operation.lease_owner != request.owner:\n",
        new="    if leased and operation.lease_owner is None:\n",
        why="An owner that is missing looks like the case to refuse.",
    ),
    Mutant(
        name="claim of what has ended",
        file=STORE,
        old="    if operation.is_terminal or operation.turn is Turn.WAITING:\n",
        new="    if operation.turn is Turn.WAITING:\n",
        why="The head event decides already; the status seems a second check of the same.",
    ),
    Mutant(
        name="poll numbers ignored",
        file=STORE,
        old="    return (operation.event_id, operation.wait_number) == "
        "(request.event_id, request.wait_number)\n",
        new="    return operation.event_id == request.event_id\n",
        why="Looking once more does no harm, it seems.",
    ),
    Mutant(
        name="event id from the fence",
        file=OPERATION,
        old="fact.phase, fact.step, fact.attempt, fact.detail_type\n",
        new="fact.phase, fact.step, self.fence, fact.detail_type\n",
        why="The fence is a number that rises, too, and the attempt rarely does.",
    ),
    Mutant(
        name="event id without the phase",
        file=OPERATION,
        old="fact.phase, fact.step, fact.attempt, fact.detail_type\n",
        new='"forward", fact.step, fact.attempt, fact.detail_type\n',
        why="A step has a name already; that its undo has the same is easily forgotten.",
    ),
    Mutant(
        name="lost events are not published again",
        file=RUNNER,
        old="        if finished.republish is not None:\n",
        new="        if finished.republish is not None and finished.repoll is not None:\n",
        why="The sweeper sends again what is lost; but it does not look at what has ended.",
    ),
    Mutant(
        name="no cause on a record",
        file="core/engine/transitions.py",
        old="        head=fact,\n        cause_event_id=operation.event_id,\n",
        new="        head=fact,\n        cause_event_id=operation.cause_event_id,\n",
        why="A field that one does not touch is copied.",
    ),
    Mutant(
        name="last receive left to SQS",
        file=RECORDER,
        old="        if message.receive_count < self._engine.timing.max_receive_count:\n",
        new="        if message.receive_count <= self._engine.timing.max_receive_count:\n",
        why="Off by one: the fifth receive is the last, not the one before it.",
    ),
    Mutant(
        name="lock kept after a failure",
        file=STORE,
        old="gives_lock = wanted.is_terminal and",
        new="gives_lock = wanted.status is OperationStatus.COMPLETED and",
        why="The happy path is the one that is tried.",
    ),
    Mutant(
        name="lock stays with who has ended",
        file=LINES,
        old="        self.locks[site], self.locked_since[site] = first, operation.updated_at\n",
        new="        self.locked_since[site] = operation.updated_at\n",
        why="The waiter is marked as the holder; the lock's own item is forgotten.",
    ),
    Mutant(
        name="lock handed to who has ended",
        file=LINES,
        old="        for name in [n for n in waiting if not _can_use(self.operations[n])]:\n",
        new="        for name in [n for n in waiting if n not in self.operations]:\n",
        why="Whoever is cancelled leaves the line by itself, mostly.",
    ),
    Mutant(
        name="turn kept while people are waited for",
        file=OPERATION,
        old="self.turn is Turn.TAKEN and (self.is_terminal or self.waits_for_people)",
        new="self.turn is Turn.TAKEN and self.is_terminal",
        why="A turn is given back at the end; what stands still has not ended.",
    ),
    Mutant(
        name="turn given back twice",
        file=STORE,
        old="moved = operation.without_turn() if operation.gives_turn_back else operation\n",
        new="moved = operation\n",
        why="The count is what matters; the mark on the operation looks like a copy of it.",
    ),
    Mutant(
        name="sweeper re-arms without publishing",
        file=SWEEPER,
        old="        else:\n            self._recorder.publish(operation)\n",
        new="",
        why="What has not begun is on its way, one would think.",
    ),
    Mutant(
        name="sweeper waits for a lease that has run out",
        file=SWEEPER,
        old="        if operation.lease_until is not None and operation.lease_until > now:\n",
        new="        if operation.lease_until is not None:\n",
        why="Who has a lease is at work; that it has run out is another condition.",
    ),
    Mutant(
        name="sweeper forgets the lines of tenants",
        file=SWEEPER,
        old="        self._start_in_turn()\n        return len(due)\n",
        new="        return len(due)\n",
        why="Whoever ends starts the next one; the sweeper seems one too many.",
    ),
    Mutant(
        name="notifier marks before announcing",
        file=NOTIFIER,
        old="        self._topic.announce(notification)\n"
        "        self._store.announced(_notice(notification, meta, self._clock.now()))\n",
        new="        self._store.announced(_notice(notification, meta, self._clock.now()))\n"
        "        self._topic.announce(notification)\n",
        why="So that nobody announces twice; a crash in between announces never.",
    ),
    Mutant(
        name="notifier asks no mark",
        file=NOTIFIER,
        old="        if mark is Mark.DONE:\n",
        new="        if mark is None:\n",
        why="The answer of a conditional write is read the wrong way.",
    ),
)
"""Claims, records, events, locks, turns, the sweeper and the notifier."""

MUTANTS: Final = (*OF_THE_PROTOCOL, *OF_STEPS, *OF_PEOPLE)
