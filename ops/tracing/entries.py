"""One request as a list of moments: pure, from what was read about its operations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.domain.approval import Decision
from core.domain.names import JobReference
from core.domain.notices import Notice
from core.domain.operation import AttemptFailure, Fact, Operation, StepRecord
from core.engine.transitions import TERMINAL_EVENTS
from events.formats import Environment
from events.vocabulary import DetailType, Phase
from ops.letters import SeenLetter
from ops.timeline import Mark, timeline
from ops.wording import duration

type Facts = dict[str, Any]


class Kind(StrEnum):
    """What a moment of a trace is."""

    SENT = "sent"
    ACCEPTED = "accepted"
    STEP = "step"
    ATTEMPT = "attempt"  # a failed one
    JOB = "job"
    DECISION = "decision"
    ENDED = "ended"
    ANNOUNCED = "announced"
    MAIL = "mail"
    LETTER = "dead letter"


@dataclass(frozen=True, kw_only=True)
class TracedJob:
    """One attempt of a step's job, as the transfer bucket and ECS know it."""

    reference: JobReference
    started_at: datetime
    reported_at: datetime | None = None
    """When its result was written; None while there is none."""
    task_id: str | None = None
    """None where ECS has forgotten the task, or it runs in another account."""


@dataclass(frozen=True, kw_only=True)
class TracedOperation:
    """One operation with everything that is stored about it."""

    operation: Operation
    request: Mapping[str, Any]
    steps: Sequence[StepRecord] = ()
    failures: Sequence[AttemptFailure] = ()
    decisions: Sequence[Decision] = ()
    jobs: Sequence[TracedJob] = ()


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Everything found in one environment."""

    environment: Environment
    correlation_id: str
    operations: Sequence[TracedOperation] = ()
    notices: Sequence[Notice] = ()
    letters: Sequence[SeenLetter] = ()
    gaps: Sequence[str] = ()
    """What could not be read, and why."""

    @property
    def is_empty(self) -> bool:
        return not (self.operations or self.notices or self.letters)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One moment."""

    at: datetime
    kind: Kind
    text: str
    operation_id: str | None = None
    seconds: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """For programs: ids, codes, attempts."""


def entries_of(trace: Trace, now: datetime) -> list[Entry]:
    """Return all moments in order of time."""
    found: list[Entry] = []
    for traced in trace.operations:
        found += [*_request(traced), *_steps(traced, now), *_failures(traced)]
        found += [*_jobs(traced), *_decisions(traced), *_ended(traced)]
    found += [_notice(notice) for notice in trace.notices]
    found += [_letter(letter) for letter in trace.letters]
    return sorted(found, key=lambda entry: entry.at)


# --- inside ---------------------------------------------------------------------------------


def _request(traced: TracedOperation) -> Iterator[Entry]:
    operation, request = traced.operation, traced.request
    kind = str(request.get("messageType") or "request")
    by = f" by {operation.requested_by}" if operation.requested_by else ""
    sent_at = _moment(request.get("timestamp"))
    if sent_at is not None:
        key = request.get("idempotencyKey")
        facts: Facts = {
            "messageType": kind,
            "idempotencyKey": key,
            "requestedBy": operation.requested_by,
        }
        yield _entry(traced, sent_at, Kind.SENT, f"{kind}{by}", facts=facts)
    accepted = Fact(
        detail_type=DetailType.OPERATION_ACCEPTED, phase=Phase.FORWARD, step=None, attempt=0
    )
    text = f"as operation {operation.operation_id}, {len(operation.plan)} steps"
    facts = {"operationType": operation.operation_type, "eventId": operation.event_id_of(accepted)}
    yield _entry(traced, operation.created_at, Kind.ACCEPTED, text, facts=facts)


def _steps(traced: TracedOperation, now: datetime) -> Iterator[Entry]:
    operation = traced.operation
    for row in timeline(operation, traced.steps, now):
        if row.since is None:
            continue
        undo = "undo " if row.phase is Phase.UNDO else ""
        tried = f", attempt {row.failed_attempts + 1}" if row.failed_attempts else ""
        note = f": {row.note}" if row.note else ""
        facts: Facts = {"step": row.step, "phase": row.phase, "mark": row.mark}
        facts |= {"attempts": row.failed_attempts + 1, "note": row.note}
        failed = row.mark is Mark.FAILED
        if row.mark in {Mark.DONE, Mark.UNDONE, Mark.FAILED}:
            facts |= _event(operation, row.phase, row.step, row.failed_attempts, failed=failed)
        text = f"{undo}{row.step} {row.mark}{tried}{note}"
        yield _entry(traced, row.since, Kind.STEP, text, seconds=row.seconds, facts=facts)


def _event(operation: Operation, phase: Phase, step: str, attempt: int, *, failed: bool) -> Facts:
    kind = DetailType.STEP_FAILED if failed else DetailType.STEP_COMPLETED
    fact = Fact(detail_type=kind, phase=phase, step=step, attempt=attempt)
    return {"detailType": kind, "eventId": operation.event_id_of(fact)}


def _failures(traced: TracedOperation) -> Iterator[Entry]:
    for failure in traced.failures:
        text = f"{failure.step or '-'} attempt {failure.attempt + 1} failed: "
        text += f"{failure.exception_type}: {failure.message}"
        facts: Facts = {"step": failure.step, "attempt": failure.attempt + 1}
        facts |= {"exceptionType": failure.exception_type, "message": failure.message}
        facts |= {"messageId": failure.message_id}
        yield _entry(traced, failure.occurred_at, Kind.ATTEMPT, text, facts=facts)


def _jobs(traced: TracedOperation) -> Iterator[Entry]:
    for job in traced.jobs:
        reference = job.reference
        task = f", task {job.task_id}" if job.task_id else ""
        reported = "reported" if job.reported_at else "no result yet"
        seconds = (job.reported_at - job.started_at).total_seconds() if job.reported_at else None
        text = f"{reference.step} attempt {reference.attempt + 1}: {reported}{task}"
        facts: Facts = {
            "step": reference.step,
            "attempt": reference.attempt + 1,
            "taskId": job.task_id,
        }
        facts |= {"startedBy": reference.started_by, "result": reference.result_key}
        yield _entry(traced, job.started_at, Kind.JOB, text, seconds=seconds, facts=facts)


def _decisions(traced: TracedOperation) -> Iterator[Entry]:
    for decision in traced.decisions:
        said = "approved" if decision.approves else "rejected"
        comment = f": {decision.comment}" if decision.comment else ""
        text = f"{decision.person} {said} as {decision.role}{comment}"
        facts: Facts = {
            "role": decision.role,
            "person": decision.person,
            "approves": decision.approves,
        }
        facts |= {"principal": decision.principal, "comment": decision.comment}
        yield _entry(traced, decision.decided_at, Kind.DECISION, text, facts=facts)


def _ended(traced: TracedOperation) -> Iterator[Entry]:
    operation = traced.operation
    if operation.completed_at is None:
        return
    failure = operation.failure
    why = f": {failure.code} {failure.message}" if failure else ""
    took = duration((operation.completed_at - operation.created_at).total_seconds())
    facts: Facts = {"status": operation.status, "events": _last_events(operation)}
    text = f"{operation.status} after {took}{why}"
    yield _entry(traced, operation.completed_at, Kind.ENDED, text, facts=facts)


def _last_events(operation: Operation) -> list[dict[str, str]]:
    end = TERMINAL_EVENTS.get(operation.status)
    kinds = [operation.head.detail_type, *([end] if end else [])]
    facts = [replace(operation.head, detail_type=kind) for kind in kinds]
    return [{"detailType": f.detail_type, "eventId": operation.event_id_of(f)} for f in facts]


def _notice(notice: Notice) -> Entry:
    facts: Facts = {"eventId": notice.event_id, "eventType": notice.event_type}
    facts |= {"outcome": notice.outcome, "severity": notice.severity}
    facts |= {"audience": notice.audience, "replayOf": notice.replay_of}
    again = f" (a replay of {notice.replay_of})" if notice.replay_of else ""
    text, kind = f"{notice.event_type}, {notice.outcome}, {notice.severity}{again}", Kind.ANNOUNCED
    if notice.audience is not None:
        sent = "sent to" if notice.reached else "not sent, no address for"
        text, kind = f"{notice.event_type}: {sent} {notice.audience}", Kind.MAIL
    return Entry(
        at=notice.announced_at,
        kind=kind,
        text=text,
        operation_id=notice.operation_id,
        facts=facts,
    )


def _letter(letter: SeenLetter) -> Entry:
    facts: Facts = {
        "queue": letter.queue,
        "messageId": letter.message_id,
        "errorCode": letter.error_code,
    }
    facts |= {"reason": letter.reason}
    return Entry(
        at=letter.sent_at,
        kind=Kind.LETTER,
        text=f"in {letter.queue}: {letter.error_code or 'exhausted'} {letter.reason}".rstrip(),
        operation_id=letter.operation_id,
        facts=facts,
    )


def _entry(
    traced: TracedOperation,
    at: datetime,
    kind: Kind,
    text: str,
    *,
    seconds: float | None = None,
    facts: Mapping[str, Any],
) -> Entry:
    return Entry(
        at=at,
        kind=kind,
        text=text,
        operation_id=traced.operation.operation_id,
        seconds=seconds,
        facts=facts,
    )


def _moment(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else None


def read_request(body: str) -> Mapping[str, Any]:
    """Return the stored request; empty where it cannot be read."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
