"""Container jobs as seen by a step: start once, wait, read the result, never trust silence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypedDict

from core.domain.errors import TransientError
from core.domain.job_facts import JobResult
from core.domain.job_models import ObjectLocation
from core.domain.jobs import JobDescription
from core.domain.names import JobReference
from core.engine.outcome import Failed, Wait
from core.engine.step import StepContext
from core.operations.steps.move import Move
from core.ports.jobs import JobTask, Where
from events.vocabulary import ErrorCode


class JobFields(TypedDict):
    """What every job description carries."""

    operation_id: str
    step: str
    attempt: int
    tenant_id: str
    site_id: str
    correlation_id: str
    result: ObjectLocation


def job_fields(context: StepContext) -> JobFields:
    """Return the common fields of this step's job."""
    operation, reference = context.operation, context.job
    return JobFields(
        operation_id=operation.operation_id,
        step=reference.step,
        attempt=reference.attempt,
        tenant_id=operation.tenant_id,
        site_id=operation.site_id,
        correlation_id=operation.correlation_id,
        result=context.ports.transfer.location(reference.result_key),
    )


def run_job(
    context: StepContext, description: JobDescription, where: Where = Where.HERE
) -> dict[str, Any] | Wait | Failed:
    """Return the job's facts, or Wait while it runs, or Failed when it cannot succeed.

    Raises TransientError when the job may succeed at another attempt.
    """
    reference, transfer = context.job, context.ports.transfer
    result = transfer.result(reference)
    if result is not None:
        return _read(context, result)
    task = context.ports.jobs.find(where, reference)
    if task is None:
        return _start(context, description, where)
    if not task.stopped:
        return replace(_wait(context), overdue=_hangs(context, task))
    late = transfer.result(reference)
    return _read(context, late) if late is not None else _lost(context, task)


def stop_job(context: StepContext, where: Where = Where.HERE) -> Wait | None:
    """Stop what a step's forward attempts left running; Wait until it has stopped.

    Undo must not work beside the job that it takes back.
    """
    operation = context.operation
    forward = JobReference(
        operation_id=operation.operation_id, step=operation.step or "", attempt=operation.attempt
    )
    task = context.ports.jobs.stop(where, forward, "the operation is being undone")
    if task is None or task.stopped:
        return None
    return Wait(seconds=context.poll_seconds, why="the step's own job to stop")


def leave_job(context: StepContext) -> None:
    """Stop the step's job in this account, without waiting for it."""
    stop_job(context)


def leave_source(context: StepContext) -> None:
    """Stop the step's job where the source is, without waiting for it."""
    stop_job(context, Move(context).source_account)


def _start(
    context: StepContext, description: JobDescription, where: Where
) -> Wait | dict[str, Any] | Failed:
    reference = context.job
    if reference.attempt > 0:
        former = context.ports.jobs.stop(where, reference, "another attempt takes its place")
        if former is not None and not former.stopped:
            return Wait(seconds=context.poll_seconds, why="the former attempt's job to stop")
    context.ports.transfer.put_description(reference, description)
    location = context.ports.transfer.location(reference.description_key)
    context.ports.jobs.start(
        where,
        reference,
        location,
        tenant_id=description.tenant_id,
        site_id=description.site_id,
    )
    return _wait(context)


def _wait(context: StepContext) -> Wait:
    return Wait(seconds=context.poll_seconds, why=f"the job {context.job.step} to finish")


def _hangs(context: StepContext, task: JobTask) -> bool:
    """Tell whether a job hangs, in a step that may wait for days for something else."""
    longest = context.policy.job_deadline(context.job.step)
    if longest is None or task.started_at is None:
        return False
    return context.now - task.started_at > longest


def _read(context: StepContext, result: JobResult) -> dict[str, Any] | Failed:
    if result.error is None:
        return dict(result.facts)
    if result.error.retryable and not _is_last(context):
        raise TransientError(f"The job {context.job.step} failed: {result.error.message}")
    return Failed(code=_code(result.error.code), why=result.error.message)


def _lost(context: StepContext, task: JobTask) -> Failed:
    reason = task.stopped_reason or "no reason given"
    why = f"The job {context.job.step} stopped without a result ({reason})."
    if not _is_last(context):
        raise TransientError(why, retry_after_seconds=1)
    return Failed(
        code=ErrorCode.SYS_001,
        why=f"{why} It was tried {context.operation.attempt + 1} times; see the task's log.",
    )


def _is_last(context: StepContext) -> bool:
    return context.operation.attempt + 1 >= context.policy.max_job_attempts


def _code(text: str) -> ErrorCode:
    return ErrorCode(text) if text in {code.value for code in ErrorCode} else ErrorCode.SYS_001
