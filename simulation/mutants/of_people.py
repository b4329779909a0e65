"""Mutants of what people send: requests, repeats, cancels, retries, and what is refused."""

from __future__ import annotations

from typing import Final

from simulation.mutants.mutant import Mutant

INTAKE = "core/engine/intake.py"
GATEKEEPER = "core/engine/gatekeeper.py"
REFUSAL = "core/engine/refusal.py"
STORE = "core/adapters/memory/operations.py"

OF_PEOPLE: Final = (
    Mutant(
        name="repeated request accepted twice",
        file=GATEKEEPER,
        old="                environment, tenant_id, request.message_type, "
        "effective_idempotency_key(request)\n",
        new="                environment, tenant_id, request.message_type, "
        "self._engine.ids.new_id()\n",
        why="An id is taken from where ids come from.",
    ),
    Mutant(
        name="same key, other payload is taken for a repeat",
        file=GATEKEEPER,
        old="        if existing.request_hash != wanted.request_hash:\n",
        new="        if existing.request_hash == '':\n",
        why="The key alone decides, one would think; the second sender never hears otherwise.",
    ),
    Mutant(
        name="refused without a reason",
        file=REFUSAL,
        old='                    "reason": reason[:MOST_REASON_CHARACTERS],\n',
        new="",
        why="The reason is in the event; SQS allows ten attributes only.",
    ),
    Mutant(
        name="refused without an answer",
        file=REFUSAL,
        old="        self._engine.bus.publish([event])\n",
        new="",
        why="The dead letter says everything; but its sender cannot read it.",
    ),
    Mutant(
        name="repeat gets no answer",
        file=INTAKE,
        old="        self._answer(existing, wanted.replay_of)\n",
        new="",
        why="The operation is there already: there is nothing to do.",
    ),
    Mutant(
        name="cancel forgotten",
        file=INTAKE,
        old="        operation = store.request_cancel(operation_id, reason, now)\n",
        new="        operation = store.get(operation_id)\n",
        why="A read in the place of a write.",
    ),
    Mutant(
        name="commit does not see a cancel",
        file=STORE,
        old="        if stored.cancel_requested != operation.cancel_requested:\n",
        new="        if stored.cancel_requested and stored.cancel_reason is None:\n",
        why="A second condition on a write that has one already.",
    ),
    Mutant(
        name="end that a person brought is told once or never",
        file=INTAKE,
        old="        self._recorder.publish(operation)\n"
        "        self._answer(operation, message.replay_of)\n"
        "        return _answered(operation)\n",
        new="        self._answer(operation, message.replay_of)\n"
        "        return _answered(operation)\n",
        why="The person is answered; that nobody else was told shows only after a crash.",
    ),
    Mutant(
        name="what a person took up is not looked after",
        file=STORE,
        old="            due_at=request.lease_until if request.by_person else operation.due_at,\n",
        new="",
        why="A claim moves nothing; the record that follows sets the time.",
    ),
    Mutant(
        name="retry of a way back is refused",
        file=STORE,
        old="operation.status is OperationStatus.ROLLBACK_FAILED and not request.by_person",
        new="operation.status is OperationStatus.ROLLBACK_FAILED",
        why="What has given up is not claimed; that a person may is forgotten.",
    ),
    Mutant(
        name="duration from two clocks",
        file="core/engine/derive.py",
        old="        duration = max(0.0, elapsed)",
        new="        duration = elapsed",
        why="Time goes forward, on one machine.",
    ),
)
