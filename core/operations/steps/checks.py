"""The checks: the source before it moves, then the release as a visitor sees it, twice."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from core.domain.job_facts import VerifyFacts
from core.domain.jobs import VerifyExpectation, VerifyJob, VerifySourceJob
from core.domain.names import host
from core.domain.operation import Json
from core.engine.outcome import Done, Failed, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.jobs import job_fields, run_job
from core.operations.steps.move import Move
from events.payloads import Selection
from events.requests import SitePromotionPayload
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
    return _check(context, "public", [context.ports.load_balancer.address()])


def judged(facts: VerifyFacts, sentence: str = "{failed} of {all} checks failed.") -> Done | Failed:
    """Return the outcome of checks; `sentence` says what failed, with {failed} and {all}."""
    if not facts.passed:
        return _failed(facts, sentence)
    names: list[Json] = [check.name for check in facts.checks]
    return Done(facts={"passed": True, "checks": len(names), "names": names})


CHECK_SOURCE = Step(name="check_source", run=check_source)
CHECK_BEFORE = Step(name="check_before", run=check_before)
CHECK_AFTER = Step(name="check_after", run=check_after)


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
            expected=_expected(context) if "plan" in context.facts else None,
            comprehensive=promotion is not None and promotion.comprehensive_checks,
        ),
    )
    if not isinstance(answer, dict):
        return answer
    return judged(VerifyFacts.model_validate(answer))


def _failed(facts: VerifyFacts, sentence: str) -> Failed:
    failed = [check for check in facts.checks if not check.passed]
    said = sentence.format(failed=len(failed), all=len(facts.checks))
    evidence = " ".join(f"{check.name}: {check.evidence}" for check in failed)
    return Failed(
        code=ErrorCode.PROM_002,
        why=f"{said} {evidence}"[:1000],
        details={"failed": [check.name for check in failed]},
    )


def _expected(context: StepContext) -> VerifyExpectation:
    """Return what the release must have in common with the source.

    Where only a part was selected, the rest is the target's own: then nothing but the source's
    host is looked for. Posts that are protected are not the source's either.
    """
    move, policy = Move(context), context.policy
    source_domain = policy.environments[move.source_environment].domain
    foreign_hosts = [host(move.census.subdomain, source_domain)]
    payload = context.request.payload
    if isinstance(payload, SitePromotionPayload) and payload.selection != Selection():
        return VerifyExpectation(foreign_hosts=foreign_hosts)
    own_posts = _is_protected(context, "posts")
    return VerifyExpectation(
        theme=move.census.theme,
        plugins=move.census.plugins,
        permalinks=move.census.permalinks,
        posts=None if own_posts else move.census.posts,
        foreign_hosts=foreign_hosts,
        front_page=None if own_posts else move.census.front_page,
        php_version=move.census.php_version,
    )


def _is_protected(context: StepContext, table: str) -> bool:
    """Tell whether a table (without its prefix) is carried over from the target's live release."""
    payload, promotion = context.request.payload, context.policy.promotion
    if not isinstance(payload, SitePromotionPayload) or promotion is None:
        return False
    if Move(context).live_release is None:
        return False
    named = (*promotion.protection.tables, *payload.protect.tables)
    patterns = [
        pattern for name in named for pattern in promotion.protection.groups.get(name, (name,))
    ]
    return any(
        fnmatchcase(table, pattern) or fnmatchcase(f"wp_{table}", pattern) for pattern in patterns
    )
