"""Mutants of steps, their undo, their jobs and their deadlines."""

from __future__ import annotations

from typing import Final

from simulation.mutants.mutant import Mutant

TRANSITIONS = "core/engine/transitions.py"
STEP_JOBS = "core/operations/steps/jobs.py"

OF_STEPS: Final = (
    Mutant(
        name="failed step is not undone itself",
        file=TRANSITIONS,
        old="    return _next_undo(turned, workflow, now, below=operation.cursor + 1)\n",
        new="    return _next_undo(turned, workflow, now, below=operation.cursor)\n",
        why="It has failed, so there seems to be nothing to take back.",
    ),
    Mutant(
        name="undo stops short of the first steps",
        file=TRANSITIONS,
        old="    for index in range(min(below, len(operation.plan)) - 1, -1, -1):\n",
        new="    for index in range(min(below, len(operation.plan)) - 1, 1, -1):\n",
        why="Counting down in a range is easily off at its end.",
    ),
    Mutant(
        name="undone after the cut-over ends FAILED",
        file=TRANSITIONS,
        old="OperationStatus.ROLLED_BACK if operation.cut_over else OperationStatus.FAILED",
        new="OperationStatus.FAILED",
        why="It has failed; that visitors saw something of it is another question.",
    ),
    Mutant(
        name="step that puts something live is not noted",
        file=TRANSITIONS,
        old="        cut_over=operation.cut_over "
        "or (cuts_over and operation.phase is Phase.FORWARD),\n",
        new="        cut_over=operation.cut_over,\n",
        why="The flag of a failing step is there; the one of a step that is done is forgotten.",
    ),
    Mutant(
        name="result that failed is prepared as done",
        file="core/engine/stepping.py",
        old="            return replace(record, status=StepStatus.FAILED, failure=failure, "
        "facts=outcome.facts)\n",
        new="            return replace(record, failure=failure, facts=outcome.facts)\n",
        why="The record is made once for both outcomes; the status of one is forgotten.",
    ),
    Mutant(
        name="facts of a prepared result are lost",
        file="core/engine/stepping.py",
        old="            return Done(facts=record.facts, summary=record.summary)\n",
        new="            return Done(facts=record.facts)\n",
        why="The summary came later than the facts, and recovery is rarely run.",
    ),
    Mutant(
        name="deadline never checked",
        file="core/engine/recorder.py",
        old="        return operation.step_since is not None "
        "and now - operation.step_since > deadline\n",
        new="        return operation.step_since is None and deadline is not None\n",
        why="A condition turned round.",
    ),
    Mutant(
        name="deadline begins anew with each claim",
        file="core/adapters/memory/operations.py",
        old="            step_since=request.now if request.by_person "
        "else operation.step_since or request.now,\n",
        new="            step_since=request.now,\n",
        why="The step begins when it is claimed, it seems.",
    ),
    Mutant(
        name="job started without looking",
        file=STEP_JOBS,
        old="    task = context.ports.jobs.find(where, reference)\n    if task is None:\n",
        new="    task = context.ports.jobs.find(where, reference)\n"
        "    if task is None or not task.stopped and context.operation.wait_number == 0:\n",
        why="On the first look there can be no task yet; after a crash there can.",
    ),
    Mutant(
        name="former attempt's job runs on",
        file=STEP_JOBS,
        old="    if reference.attempt > 0:\n",
        new="    if reference.attempt < 0:\n",
        why="A comparison turned round.",
    ),
    Mutant(
        name="undo beside the job that it takes back",
        file=STEP_JOBS,
        old="    if task is None or task.stopped:\n        return None\n",
        new="    if task is None or not task.stopped:\n        return None\n",
        why="A condition turned round: it waits for what has stopped.",
    ),
    Mutant(
        name="site changed without its lock",
        file="core/operations/steps/reservation.py",
        old="        return Done()\n    if context.policy.waits_when_busy(",
        new="        return Done()\n    if holder:\n        return Done()\n"
        "    if context.policy.waits_when_busy(",
        why="Somebody holds the lock; one takes it to be oneself.",
    ),
)
