"""The checks after the changes of an update, before its record is written."""

from __future__ import annotations

from core.domain.job_facts import VerifyFacts
from core.domain.jobs import VerifyExpectation, VerifyJob
from core.engine.outcome import Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.changing import Changing
from core.operations.steps.checks import judged
from core.operations.steps.jobs import job_fields, leave_job, run_job
from events.vocabulary import SiteStatus


def check_changed(context: StepContext) -> Outcome:
    """Check the changed site as visitors reach it; a suspended one at its containers' address."""
    change, ports = Changing(context), context.ports
    suspended = change.before("status") == SiteStatus.SUSPENDED
    addresses = [ports.load_balancer.address()]
    if suspended:
        addresses = list(ports.containers.state(change.release, change.target_group_arn).addresses)
    answer = run_job(
        context,
        VerifyJob(
            **job_fields(context),
            site_url=change.site_url,
            through="release" if suspended else "public",
            addresses=addresses,
            database=change.database,
            content_root=change.release.content_root,
            expected=VerifyExpectation(),
        ),
    )
    if not isinstance(answer, dict):
        return answer
    return judged(
        VerifyFacts.model_validate(answer),
        "After the update the site fails {failed} of its {all} checks; it goes back.",
    )


CHECK_CHANGED = Step(name="check_changed", run=check_changed, leave=leave_job)
