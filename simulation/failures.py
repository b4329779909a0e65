"""Failures on purpose: a workflow whose step does its work and then says that it cannot be done.

The hard case for the way back: everything that the step has done is there to be undone, and none
of the facts that it would have recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from core.bootstrap import WORKFLOWS
from core.engine.outcome import Done, Failed, Outcome
from core.engine.step import Step, StepContext
from core.engine.workflow import Workflow
from events.vocabulary import ErrorCode, OperationType

WHY = "Failed on purpose."


def failing_at(workflow: Workflow, name: str) -> Workflow:
    """Return the workflow with one step that fails once its work is done."""
    steps = tuple(_failing(step) if step.name == name else step for step in workflow.steps)
    return replace(workflow, steps=steps)


def workflows_failing_at(
    operation_type: OperationType, name: str
) -> Mapping[OperationType, Workflow]:
    """Return every workflow, one of them failing."""
    return {**WORKFLOWS, operation_type: failing_at(WORKFLOWS[operation_type], name)}


def _failing(step: Step) -> Step:
    def work_and_fail(context: StepContext) -> Outcome:
        outcome = step.run(context)
        if not isinstance(outcome, Done):
            return outcome
        return Failed(code=ErrorCode.SYS_001, why=WHY, cut_over=step.cuts_over)

    return replace(step, run=work_and_fail)
