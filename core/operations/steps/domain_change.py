"""Moving a site to another domain: a release with the new addresses, built beside the live one.

The site is closed while its addresses move, so that nothing can be written that the copy lacks.
"""

from __future__ import annotations

from dataclasses import replace

from core.domain.names import names_of_domain, transfer_prefix
from core.domain.operation import Json
from core.domain.site import Release, ReleaseStatus
from core.domain.suspended_page import MOVING_PAGE
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.changing import Changing
from core.operations.steps.move import Move
from core.operations.steps.suspension import lead_back
from events.vocabulary import ErrorCode


def reserve_beside(context: StepContext) -> Outcome:
    """Give the release with the new addresses its number; the site's record stays as it is."""
    change, sites = Changing(context), context.ports.sites
    site = change.site
    releases = sites.list_releases(change.tenant_id, change.site_id)
    mine = _mine(context)
    highest = max([site.last_release, *(release.number for release in releases)])
    number = mine.number if mine else highest + 1
    if mine is None:
        sites.put_release(_record(context, number))
    facts: dict[str, Json] = {
        "release": number,
        "live_release": site.live_release,
        "had_site": True,
        "desired_count": site.desired_count,
        "cpu_units": site.cpu_units,
        "memory_mib": site.memory_mib,
    }
    return Done(facts=facts, summary={"release": number, "siteUrl": Move(context).site_url})


def discard_beside(context: StepContext) -> Outcome:
    """Undo: the release is discarded."""
    mine = _mine(context)
    if mine is not None:
        discarded = replace(mine, status=ReleaseStatus.DISCARDED, updated_at=context.now)
        context.ports.sites.put_release(discarded)
    return Done()


def keep_image(context: StepContext) -> Outcome:
    """Take the image of the live release: only its addresses change."""
    return Done(facts={"image_digest": Changing(context).before("image_digest")})


def close_for_move(context: StepContext) -> Outcome:
    """Answer visitors with a page while the addresses move: one ModifyRule."""
    change, balancer = Changing(context), context.ports.load_balancer
    rule = balancer.find_rule(change.host)
    if rule is None:
        return Failed(
            code=ErrorCode.SYS_001, why=f"The load balancer has no rule for {change.host}."
        )
    balancer.answer_rule(rule, MOVING_PAGE)
    return Done()


def switch_domain(context: StepContext) -> Outcome:
    """Give the site's rule the domain's names and the new release at once: one ModifyRule."""
    domain = Changing(context).changes.domain or ""
    release = Move(context).release
    target_group = str(context.facts["start_release"]["target_group_arn"])
    _lead(context, names_of_domain(domain), target_group)
    now: dict[str, Json] = {"live_release": release.number, "domain": domain}
    return Done(facts={"now": now, "dns_target": context.ports.load_balancer.address()})


def switch_domain_back(context: StepContext) -> Outcome:
    """Undo: the former names and the former release."""
    change = Changing(context)
    former = change.before("domain")
    _lead(context, names_of_domain(str(former)) if former else (), change.target_group_arn)
    return Done()


def rest_former_release(context: StepContext) -> Outcome:
    """Let the former release rest, give its domain back, and clear the transfer away."""
    change, ports = Changing(context), context.ports
    ports.containers.scale_down(change.release)
    ports.transfer.delete_prefix(f"{transfer_prefix(context.operation.operation_id)}/")
    for name in _former_names(change):
        ports.sites.release_subdomain(name, change.tenant_id, change.site_id)
    return Done(facts={"resting": change.release.number})


def wake_former_release(context: StepContext) -> Outcome:
    """Undo: take the former domain again, and wait for the former release's containers."""
    change, ports = Changing(context), context.ports
    for name in _former_names(change):
        ports.sites.claim_subdomain(name, change.tenant_id, change.site_id)
    ports.containers.ensure_running(change.release, change.count_before)
    state = ports.containers.state(change.release, change.target_group_arn)
    return Done() if state.steady else Wait(seconds=context.poll_seconds, why=state.reason)


RESERVE_BESIDE = Step(name="reserve_release", run=reserve_beside, undo=discard_beside)
KEEP_IMAGE = Step(name="choose_image", run=keep_image)
CLOSE_FOR_MOVE = Step(name="close_for_move", run=close_for_move, undo=lead_back, cuts_over=True)
SWITCH_DOMAIN = Step(
    name="switch_domain", run=switch_domain, undo=switch_domain_back, cuts_over=True
)
REST_FORMER_RELEASE = Step(name="rest_former", run=rest_former_release, undo=wake_former_release)


def _mine(context: StepContext) -> Release | None:
    change = Changing(context)
    releases = context.ports.sites.list_releases(change.tenant_id, change.site_id)
    mine = [r for r in releases if r.operation_id == context.operation.operation_id]
    return mine[-1] if mine else None


def _record(context: StepContext, number: int) -> Release:
    change = Changing(context)
    names = change.names.release(number)
    return Release(
        tenant_id=change.tenant_id,
        site_id=change.site_id,
        number=number,
        status=ReleaseStatus.BUILDING,
        operation_id=context.operation.operation_id,
        schema=names.schema,
        content_root=names.content_root,
        created_at=context.now,
        updated_at=context.now,
    )


def _lead(context: StepContext, aliases: tuple[str, ...], target_group_arn: str) -> None:
    change, balancer = Changing(context), context.ports.load_balancer
    rule = balancer.find_rule(change.host)
    if rule is not None and (rule.aliases, rule.target_group_arn) != (aliases, target_group_arn):
        balancer.lead_rule(rule, aliases, target_group_arn)


def _former_names(change: Changing) -> tuple[str, ...]:
    """Return the names that the site gives up: not those that it keeps under the new domain."""
    former, domain = change.before("domain"), change.changes.domain or ""
    if not former or str(former) in names_of_domain(domain):
        return ()
    return names_of_domain(str(former))
