"""The checks of a site with their evidence: steps keep the names, the job's result the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import ValidationError

from core.domain.errors import SitefleetError
from core.domain.job_facts import JobResult, VerifyFacts
from core.domain.job_models import Check
from core.domain.names import JobReference
from core.domain.operation import StepRecord
from events.vocabulary import Phase
from ops.connection import Connection
from ops.promotion.blocks import Block, TableRow, Tone

TITLES: Final[Mapping[str, str]] = {
    "check_source": "Source tested",
    "check_before": "Tested before the switch",
    "check_after": "Tested after the switch",
    "check_former": "Former release tested before the switch",
    "check_back": "Tested after the switch back",
}
"""Steps that check a site, and what their checks are called."""
_UNKNOWN: Final = "see the job's result, which is no longer kept or not yours to read"


def read_checks(
    connection: Connection, steps: Sequence[StepRecord]
) -> dict[str, tuple[Check, ...]]:
    """Return the checks of each step that ran some, with the evidence as far as it is kept."""
    return {
        record.step: _checks(connection, record)
        for record in steps
        if record.phase is Phase.FORWARD and record.step in TITLES
    }


def checks_block(step: str, checks: Sequence[Check]) -> Block:
    """Return a step's checks: what failed comes first."""
    failed = sum(not check.passed for check in checks)
    verdict = f"{failed} of {len(checks)} failed" if failed else f"all {len(checks)} passed"
    return Block(
        title=f"{TITLES[step]}: {verdict}",
        titles=("CHECK", "", "EVIDENCE"),
        rows=tuple(
            TableRow(
                cells=(check.name, "pass" if check.passed else "FAIL", check.evidence),
                tone=Tone.PLAIN if check.passed else Tone.BAD,
            )
            for check in sorted(checks, key=lambda check: check.passed)
        ),
    )


# --- inside ---------------------------------------------------------------------------------


def _checks(connection: Connection, record: StepRecord) -> tuple[Check, ...]:
    reported = _reported(connection, record)
    if reported is not None:
        return tuple(reported.checks)
    passed = record.facts.get("names")
    failed = record.failure.details.get("failed") if record.failure is not None else None
    return (*_named(passed, passed=True), *_named(failed, passed=False))


def _reported(connection: Connection, record: StepRecord) -> VerifyFacts | None:
    """Return what the job reported; None where nobody keeps it, or this caller may not read it."""
    reference = JobReference(
        operation_id=record.operation_id, step=record.step, attempt=record.attempt
    )
    try:
        text = connection.document(reference.result_key)
        if text is None:
            return None
        return VerifyFacts.model_validate(JobResult.model_validate_json(text).facts)
    except (SitefleetError, ValidationError):
        return None


def _named(names: object, *, passed: bool) -> list[Check]:
    known = [str(name) for name in names] if isinstance(names, list) else []
    return [Check(name=name, passed=passed, evidence=_UNKNOWN) for name in known]
