"""Run: one step, unless an earlier attempt has already prepared its result."""

from __future__ import annotations

from dataclasses import replace

import structlog

from core.domain.errors import LostClaimError, SitefleetError, TransientError
from core.domain.operation import Facts, Failure, Operation, StepRecord
from core.engine.engine import Engine
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import StepContext
from core.ports.operation_store import History
from events.decode import decode
from events.progress import FleetEvent, StepPoll, WakeUp
from events.requests import Request
from events.vocabulary import ErrorCode, Phase, StepStatus

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def run_step(engine: Engine, operation: Operation) -> Outcome:
    """Return the outcome of the step at the cursor; a final one is prepared in the store.

    A redelivered message that finds a prepared result gets that result: the step's effects happen
    once.
    """
    history = engine.store.history(operation.operation_id)
    prepared = _prepared(operation, history)
    if prepared is not None:
        return prepared
    outcome = _run(engine, operation, history)
    if not isinstance(outcome, Wait):
        engine.store.prepare(_record(engine, operation, outcome))
    return outcome


def _run(engine: Engine, operation: Operation, history: History) -> Outcome:
    step = engine.step(operation)
    work = step.run if operation.phase is Phase.FORWARD else step.undo
    context = context_of(engine, operation, history)
    log.info("running_step")
    try:
        outcome = work(context) if work is not None else Done()
    except (TransientError, LostClaimError):
        raise
    except SitefleetError as error:
        outcome = Failed(code=error.code, why=str(error))
    if isinstance(outcome, Failed) and is_beyond_undo(engine, operation):
        return replace(outcome, details={**outcome.details, **_parts(engine, context)})
    return outcome


def leave_step(engine: Engine, operation: Operation) -> None:
    """Let a step that is cancelled stop what it has running; what it cannot stop is left behind."""
    leave = engine.step(operation).leave
    if leave is None:
        return
    try:
        leave(context_of(engine, operation, engine.store.history(operation.operation_id)))
    except SitefleetError as error:
        log.warning("leaving_job_behind", why=str(error))


def context_of(engine: Engine, operation: Operation, history: History) -> StepContext:
    """Return what the step at the cursor may know and use."""
    return StepContext(
        operation=operation,
        request=stored_request(operation, history),
        facts={s.step: s.facts for s in history.steps if s.phase is Phase.FORWARD},
        records=history.steps,
        ports=engine.ports,
        policy=engine.policy,
        now=engine.now(),
    )


def is_beyond_undo(engine: Engine, operation: Operation) -> bool:
    """Tell whether a failure now ends in ROLLBACK_FAILED: there is no further way back."""
    return operation.phase is Phase.UNDO or (
        operation.cut_over and engine.workflow(operation).resumes_after_cut_over
    )


def beyond_repair(
    engine: Engine, operation: Operation, history: History, error: Exception
) -> Failed:
    """Return the failure of a way back that broke again and again, with the state of each part."""
    code = error.code if isinstance(error, SitefleetError) else ErrorCode.SYS_001
    why = f"Step {operation.step} could not be done: {error}"
    return Failed(
        code=code, why=why, details=_parts(engine, context_of(engine, operation, history))
    )


def _parts(engine: Engine, context: StepContext) -> Facts:
    """Return the state of each part, for the person who has to act; never a second failure."""
    describe = engine.workflow(context.operation).parts
    try:
        return {"parts": dict(describe(context))} if describe is not None else {}
    except SitefleetError as error:
        return {"parts": {"unknown": str(error)}}


def _prepared(operation: Operation, history: History) -> Outcome | None:
    for record in history.steps:
        if (record.phase, record.step) != (operation.phase, operation.step):
            continue
        if record.status in {StepStatus.COMPLETED, StepStatus.UNDONE}:
            return Done(facts=record.facts, summary=record.summary)
        if record.attempt == operation.attempt and record.failure is not None:
            failure = record.failure
            return Failed(
                code=ErrorCode(failure.code),
                why=failure.message,
                details=failure.details,
                facts=record.facts,
                ends_as=failure.ends_as,
            )
    return None


def stored_request(operation: Operation, history: History) -> Request:
    """Return the request that was stored at accept."""
    message = decode(history.request_body)
    if isinstance(message, FleetEvent | StepPoll | WakeUp):
        raise SitefleetError(
            f"What is stored as the request of {operation.operation_id} is none. "
            "The operations table was changed by hand; cancel the operation."
        )
    return message


def _record(engine: Engine, operation: Operation, outcome: Done | Failed) -> StepRecord:
    now = engine.now()
    record = StepRecord(
        operation_id=operation.operation_id,
        phase=operation.phase,
        step=operation.step or "",
        attempt=operation.attempt,
        fence=operation.fence,
        status=StepStatus.COMPLETED if operation.phase is Phase.FORWARD else StepStatus.UNDONE,
        started_at=operation.step_since or now,
        completed_at=now,
    )
    match outcome:
        case Done():
            return replace(record, facts=outcome.facts, summary=outcome.summary)
        case Failed():
            failure = Failure(
                code=outcome.code,
                message=outcome.why,
                step=operation.step,
                details=outcome.details,
                ends_as=outcome.ends_as,
            )
            return replace(record, status=StepStatus.FAILED, failure=failure, facts=outcome.facts)
