"""The steps of a rollback on request: a kept release becomes live again, nothing is rebuilt."""

from __future__ import annotations

from dataclasses import replace

from core.domain.job_facts import SalvageFacts, VerifyFacts
from core.domain.job_models import Database
from core.domain.jobs import SalvageJob, VerifyExpectation, VerifyJob
from core.domain.names import ReleaseNames, marks_key, salvage_key
from core.domain.operation import Json
from core.domain.site import ReleaseStatus
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.checks import judged
from core.operations.steps.jobs import job_fields, leave_job, run_job
from core.operations.steps.way_back import WayBack
from core.ports.platform import DnsRecord
from events.vocabulary import ErrorCode


def start_former(context: StepContext) -> Outcome:
    """Start the kept release's service where it rests, and wait until it is steady."""
    back, containers = WayBack(context), context.ports.containers
    containers.ensure_running(back.former, back.site.desired_count)
    state = containers.state(back.former, back.target_group_of(back.former))
    if state.failed:
        return Failed(
            code=ErrorCode.SYS_001,
            why=f"The containers of release {back.former.number} do not start: {state.reason}",
        )
    if not state.steady:
        return Wait(seconds=context.poll_seconds, why=state.reason)
    return Done(facts={"addresses": list(state.addresses)})


def rest_again(context: StepContext) -> Outcome:
    """Undo: let the kept release rest again; visitors are not there."""
    context.ports.containers.scale_down(WayBack(context).former)
    return Done()


def check_former(context: StepContext) -> Outcome:
    """Check the kept release at its own address before visitors are sent to it."""
    addresses = context.facts["start_former"]["addresses"]
    known = [str(a) for a in addresses] if isinstance(addresses, list) else []
    back = WayBack(context)
    return _verify(context, back.former, "release", known)


def record_name(context: StepContext) -> Outcome:
    """Note the name's record as it is, before it is changed."""
    record = context.ports.dns.find(WayBack(context).host)
    return Done(facts={"former_target": record.target if record else None})


def point_back(context: StepContext) -> Outcome:
    """Point the site's rule at the kept release: one ModifyRule."""
    return _point(context, WayBack(context).former)


def point_forward(context: StepContext) -> Outcome:
    """Undo: point the rule at the release that was live when the rollback was asked for."""
    return _point(context, WayBack(context).failed)


def update_name(context: StepContext) -> Outcome:
    """Point the site's name at the load balancer where it differs, and wait until it is known."""
    dns, name = context.ports.dns, WayBack(context).host
    change = dns.point_at_load_balancer(name)
    if change is not None and not dns.in_sync(change):
        return Wait(seconds=context.poll_seconds, why=f"the name servers to know {name}")
    return Done(facts={"name": name})


def restore_name(context: StepContext) -> Outcome:
    """Undo: put the former record back."""
    name = WayBack(context).host
    former = context.facts["record_name"].get("former_target")
    record = DnsRecord(name=name, target=str(former)) if former else None
    context.ports.dns.restore(name, record)
    return Done()


def salvage_rows(context: StepContext) -> Outcome:
    """Export what was written to the release that was taken back; count it."""
    back, transfer = WayBack(context), context.ports.transfer
    if not transfer.exists(marks_key(back.failed)):
        return Done(facts={"rows": {}, "why": "The release has no marks: it was never cut over."})
    answer = run_job(
        context,
        SalvageJob(
            **job_fields(context),
            database=Database(secret_id=back.names.database_secret, schema_name=back.failed.schema),
            marks=transfer.location(marks_key(back.failed)),
            drain_seconds=context.policy.promotion_rules.protection.drain_seconds,
            destination=transfer.location(salvage_key(context.operation.operation_id)),
        ),
    )
    if not isinstance(answer, dict):
        return answer
    facts = SalvageFacts.model_validate(answer)
    return Done(
        facts=facts.model_dump(mode="json"), summary={"salvagedRows": sum(facts.rows.values())}
    )


def check_back(context: StepContext) -> Outcome:
    """Check the site through the load balancer, as visitors now reach it."""
    back = WayBack(context)
    address = context.ports.load_balancer.address(back.host)
    return _verify(context, back.former, "public", [address])


def record_rollback(context: StepContext) -> Outcome:
    """Write which release is live; the one taken back is kept, to be looked at."""
    back, sites = WayBack(context), context.ports.sites
    statuses = {
        back.former.number: ReleaseStatus.LIVE,
        back.failed.number: ReleaseStatus.SUPERSEDED,
    }
    for names in (back.former, back.failed):
        record = back.record_of(names)
        status = statuses[names.number]
        if record.status is not status:
            sites.put_release(replace(record, status=status, updated_at=context.now))
    site = back.site
    if site.live_release != back.former.number:
        live = replace(
            site,
            live_release=back.former.number,
            version=site.version + 1,
            updated_at=context.now,
        )
        sites.put(live, expected_version=site.version)
    digest = back.record_of(back.former).image_digest
    if digest is not None:
        context.ports.images.tag(digest, f"{context.policy.environment}-latest")
    live_release: dict[str, Json] = {"live_release": back.former.number}
    return Done(facts=live_release)


def rest_failed(context: StepContext) -> Outcome:
    """Let the service of the release that was taken back rest; it is kept, not removed."""
    context.ports.containers.scale_down(WayBack(context).failed)
    return Done()


START_FORMER = Step(name="start_former", run=start_former, undo=rest_again)
CHECK_FORMER = Step(name="check_former", run=check_former, leave=leave_job)
RECORD_NAME = Step(name="record_name", run=record_name)
POINT_BACK = Step(name="point_back", run=point_back, undo=point_forward, cuts_over=True)
UPDATE_NAME = Step(name="update_name", run=update_name, undo=restore_name)
SALVAGE_ROWS = Step(name="salvage_rows", run=salvage_rows, leave=leave_job)
CHECK_BACK = Step(name="check_back", run=check_back, leave=leave_job)
RECORD_ROLLBACK = Step(name="record_rollback", run=record_rollback)
REST_FAILED = Step(name="rest_failed", run=rest_failed)


def _point(context: StepContext, release: ReleaseNames) -> Outcome:
    back, balancer = WayBack(context), context.ports.load_balancer
    target_group = back.target_group_of(release)
    rule = balancer.find_rule(back.host)
    if rule is None:
        rule = balancer.create_rule(
            back.host,
            target_group,
            context.policy.site_tags(release.site.tenant_id, release.site.site_id),
        )
    elif rule.target_group_arn != target_group:
        rule = balancer.point_rule(rule, target_group)
    return Done(facts={"rule_arn": rule.arn, "release": release.number})


def _verify(
    context: StepContext, release: ReleaseNames, through: str, addresses: list[str]
) -> Outcome:
    back = WayBack(context)
    answer = run_job(
        context,
        VerifyJob(
            **job_fields(context),
            site_url=back.site_url,
            through="release" if through == "release" else "public",
            addresses=addresses,
            database=Database(secret_id=back.names.database_secret, schema_name=release.schema),
            content_root=release.content_root,
            expected=VerifyExpectation(),
        ),
    )
    if not isinstance(answer, dict):
        return answer
    return judged(
        VerifyFacts.model_validate(answer),
        f"Release r{release.number} fails {{failed}} of its {{all}} checks.",
    )
