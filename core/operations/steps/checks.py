"""The checks: a release is looked at as a visitor would, before it is live and after."""

from __future__ import annotations

from typing import Literal

from core.domain.job_facts import VerifyFacts
from core.domain.jobs import VerifyExpectation, VerifyJob
from core.domain.names import host
from core.engine.outcome import Done, Failed, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.jobs import job_fields, run_job
from core.operations.steps.move import Move
from events.vocabulary import ErrorCode


def check_before(context: StepContext) -> Outcome:
    """Check the release at its own address, under its future name: nobody sees it yet."""
    addresses = context.facts["start_release"]["addresses"]
    known = [str(a) for a in addresses] if isinstance(addresses, list) else []
    return _check(context, "release", known)


def check_after(context: StepContext) -> Outcome:
    """Check the site through the load balancer, as visitors now reach it."""
    return _check(context, "public", [context.ports.load_balancer.address()])


CHECK_BEFORE = Step(name="check_before", run=check_before)
CHECK_AFTER = Step(name="check_after", run=check_after)


def _check(
    context: StepContext, through: Literal["release", "public"], addresses: list[str]
) -> Outcome:
    move = Move(context)
    answer = run_job(
        context,
        VerifyJob(
            **job_fields(context),
            site_url=move.site_url,
            through=through,
            addresses=addresses,
            database=move.database,
            content_root=move.release.content_root,
            expected=_expected(context) if "plan" in context.facts else None,
        ),
    )
    if not isinstance(answer, dict):
        return answer
    facts = VerifyFacts.model_validate(answer)
    if facts.passed:
        return Done(facts={"checks": len(facts.checks)})
    failed = [f"{c.name}: {c.evidence}" for c in facts.checks if not c.passed]
    return Failed(
        code=ErrorCode.PROM_002,
        why=f"{len(failed)} of {len(facts.checks)} checks failed. {' '.join(failed)}"[:1000],
        details={"failed": [c.name for c in facts.checks if not c.passed]},
    )


def _expected(context: StepContext) -> VerifyExpectation:
    move, policy = Move(context), context.policy
    source_domain = policy.environments[move.source_environment].domain
    return VerifyExpectation(
        theme=move.census.theme,
        plugins=move.census.plugins,
        permalinks=move.census.permalinks,
        posts=move.census.posts,
        foreign_hosts=[host(move.census.subdomain, source_domain)],
    )
