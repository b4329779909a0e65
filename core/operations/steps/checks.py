"""The checks: the source before it moves, then the release as a visitor sees it, twice."""

from __future__ import annotations

from typing import Literal

from core.domain.job_facts import VerifyFacts
from core.domain.jobs import VerifyExpectation, VerifyJob, VerifySourceJob
from core.domain.operation import Json
from core.engine.outcome import Done, Failed, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.expectation import expectation
from core.operations.steps.jobs import job_fields, leave_job, leave_source, run_job
from core.operations.steps.move import Move
from events.vocabulary import ErrorCode


def check_source(context: StepContext) -> Outcome:
    """Check the source's live release where it is: what does not work there is not moved."""
    move = Move(context)
    common = job_fields(context)
    common["site_id"] = move.source_site_id
    answer = run_job(
        context,
        VerifySourceJob(**common, environment=move.source_environment, release=move.census.release),
        move.source_account,
    )
    if not isinstance(answer, dict):
        return answer
    if move.census.front_page is None:
        return Failed(
            code=ErrorCode.PROM_002,
            why=f"The front page of the source in {move.source_environment} could not be seen "
            "when the plan was made, so the release could not be compared with it. Promote again.",
        )
    return judged(
        VerifyFacts.model_validate(answer),
        f"The source in {move.source_environment} fails {{failed}} of its {{all}} checks; nothing "
        "was changed. Correct the site there and promote again.",
    )


def check_before(context: StepContext) -> Outcome:
    """Check the release at its own address, under its future name: nobody sees it yet."""
    addresses = context.facts["start_release"]["addresses"]
    known = [str(a) for a in addresses] if isinstance(addresses, list) else []
    return _check(context, "release", known)


def check_after(context: StepContext) -> Outcome:
    """Check the site through the load balancer, as visitors now reach it."""
    return _check(context, "public", [context.ports.load_balancer.address(Move(context).host)])


def judged(facts: VerifyFacts, sentence: str = "{failed} of {all} checks failed.") -> Done | Failed:
    """Return the outcome of checks; `sentence` says what failed, with {failed} and {all}."""
    if not facts.passed:
        return _failed(facts, sentence)
    names: list[Json] = [check.name for check in facts.checks]
    return Done(facts={"passed": True, "checks": len(names), "names": names, **_measured(facts)})


CHECK_SOURCE = Step(name="check_source", run=check_source, leave=leave_source)
CHECK_BEFORE = Step(name="check_before", run=check_before, leave=leave_job)
CHECK_AFTER = Step(name="check_after", run=check_after, leave=leave_job)


# --- private -------------------------------------------------------------------------------


def _check(
    context: StepContext, through: Literal["release", "public"], addresses: list[str]
) -> Outcome:
    move, promotion = Move(context), context.policy.promotion
    answer = run_job(
        context,
        VerifyJob(
            **job_fields(context),
            site_url=move.site_url,
            through=through,
            addresses=addresses,
            database=move.database,
            content_root=move.release.content_root,
            expected=_expected(context),
            comprehensive=promotion is not None and promotion.comprehensive_checks,
        ),
    )
    if not isinstance(answer, dict):
        return answer
    return judged(VerifyFacts.model_validate(answer))


def _expected(context: StepContext) -> VerifyExpectation | None:
    """Return what is compared; a restored site has a past, and no source that is still there."""
    if Move(context).is_restore:
        return VerifyExpectation()
    return expectation(context) if "plan" in context.facts else None


def _failed(facts: VerifyFacts, sentence: str) -> Failed:
    failed = [check for check in facts.checks if not check.passed]
    said = sentence.format(failed=len(failed), all=len(facts.checks))
    evidence = " ".join(f"{check.name}: {check.evidence}" for check in failed)
    return Failed(
        code=ErrorCode.PROM_002,
        why=f"{said} {evidence}"[:1000],
        details={"failed": [check.name for check in failed]},
        facts=_measured(facts),
    )


def _measured(facts: VerifyFacts) -> dict[str, Json]:
    """Return how WordPress' REST interface answered, for the metrics of these names."""
    told: dict[str, Json] = {}
    if facts.wordpress_api_ms is not None:
        told["wordpress_api_ms"] = facts.wordpress_api_ms
    if facts.wordpress_requests:
        told["wordpress_requests"] = facts.wordpress_requests
        told["wordpress_timeouts"] = facts.wordpress_timeouts
    return told
