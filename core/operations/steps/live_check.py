"""Looking at a live site: the checks through its public name; nothing is changed."""

from __future__ import annotations

from core.domain.job_facts import VerifyFacts
from core.domain.job_models import Database
from core.domain.jobs import VerifyExpectation, VerifyJob
from core.domain.names import SiteNames, host
from core.engine.outcome import Done, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.checks import judged
from core.operations.steps.jobs import job_fields, leave_job, run_job
from events.vocabulary import SiteStatus


def check_live(context: StepContext) -> Outcome:
    """Check whatever release is live, as visitors reach it."""
    operation, ports = context.operation, context.ports
    site = ports.sites.get(operation.tenant_id, operation.site_id)
    if site is None or site.live_release is None or site.status is not SiteStatus.ACTIVE:
        leave_job(context)  # an earlier attempt may have begun to look before the site was closed
        return Done(facts={"looked": False, "why": "The site is not active; nothing to look at."})
    names = SiteNames(
        environment=operation.environment,
        tenant_id=operation.tenant_id,
        site_id=operation.site_id,
    )
    release, domain = names.release(site.live_release), context.policy.here.domain
    answer = run_job(
        context,
        VerifyJob(
            **job_fields(context),
            site_url=site.url(domain),
            through="public",
            addresses=[ports.load_balancer.address(host(site.subdomain, domain))],
            database=Database(secret_id=names.database_secret, schema_name=release.schema),
            content_root=release.content_root,
            expected=VerifyExpectation(),
        ),
    )
    if not isinstance(answer, dict):
        return answer
    return judged(
        VerifyFacts.model_validate(answer),
        f"The live site (release r{release.number}) fails {{failed}} of its {{all}} checks.",
    )


CHECK_LIVE = Step(name="check_live", run=check_live, leave=leave_job)
