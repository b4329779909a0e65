"""The record of a promotion, rollback, deletion or restore: opened first, sealed at the end."""

from __future__ import annotations

from core.domain.errors import WrongAccountError
from core.domain.evidence import build_document, deployment_record, seal
from core.domain.evidence_records import EvidenceSources
from core.domain.names import evidence_key
from core.engine.outcome import Done, Outcome
from core.engine.step import Step, StepContext
from core.engine.transitions import undone_status
from core.operations.steps.export import guard_account
from events.formats import format_timestamp
from events.vocabulary import OperationStatus


def open_record(context: StepContext) -> Outcome:
    """Check whose credentials these are, before anything else; note when the work began."""
    guard_account(context)
    opened_at = context.operation.step_since or context.now
    return Done(
        facts={
            "opened_at": format_timestamp(opened_at),
            "account_id": context.policy.here.account_id,
        }
    )


def seal_record(context: StepContext) -> Outcome:
    """Keep the evidence of an operation that has succeeded; nothing but the end comes after it."""
    return _seal(context, OperationStatus.COMPLETED)


def seal_undone(context: StepContext) -> Outcome:
    """Undo, the last one of all: keep the evidence of an operation that was taken back.

    With credentials of another account nothing was done, and nothing is written either.
    """
    try:
        guard_account(context)
    except WrongAccountError as error:
        return Done(facts={"sealed": False, "why": str(error)})
    return _seal(context, undone_status(context.operation))


OPEN_RECORD = Step(name="open_record", run=open_record, undo=seal_undone)
SEAL_RECORD = Step(name="seal_record", run=seal_record)


def _seal(context: StepContext, outcome: OperationStatus) -> Outcome:
    operation, ports = context.operation, context.ports
    sources = EvidenceSources(
        operation=operation,
        payload=context.request.payload.model_dump(mode="json", by_alias=True, exclude_none=True),
        records=context.records,
        decisions=ports.decisions.of(operation.operation_id),
        outcome=outcome,
        sealed_at=operation.step_since or context.now,
        policy_version=context.policy.version,
    )
    document = build_document(sources)
    sealed = seal(document)
    ports.documents.put(evidence_key(operation.operation_id), sealed.text)
    if not sources.concerns_backup:
        ports.deployments.put(deployment_record(document, sealed.sha256))
    return Done(facts={"sha256": sealed.sha256, "key": evidence_key(operation.operation_id)})
