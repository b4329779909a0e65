"""The record of a promotion or a rollback: opened at its start, sealed at its end."""

from __future__ import annotations

from core.engine.outcome import Done, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.export import guard_account
from events.formats import format_timestamp


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


OPEN_RECORD = Step(name="open_record", run=open_record)
