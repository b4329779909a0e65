"""Before a site is removed: noted as it is, marked, and brought to rest. All of it goes back."""

from __future__ import annotations

from dataclasses import replace

from core.domain.operation import Json
from core.domain.site import Release, ReleaseStatus
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.own_site import OwnSite
from events.vocabulary import ErrorCode, SiteStatus

DELETABLE = frozenset({SiteStatus.ACTIVE, SiteStatus.SUSPENDED})
"""What may become DEPROVISIONING; a site that failed to be created has left nothing behind."""


def note_site(context: StepContext) -> Outcome:
    """Note, under the site's lock, how everything stands: it is the way back."""
    own = OwnSite(context)
    site, ports = own.site, context.ports
    if site.status not in DELETABLE or site.live_release is None:
        return Failed(code=ErrorCode.SITE_005, why=f"Site {site.site_id} is {site.status}.")
    foreign = [f"r{r.number} ({r.schema})" for r in own.releases if _is_foreign(own, r)]
    if foreign:
        return Failed(
            code=ErrorCode.SITE_005,
            why="The fleet removes what it has named itself, and nothing else. Named from before: "
            f"{', '.join(foreign)}. Promote or clone the site once, and retire that release.",
        )
    live = own.names.release(site.live_release)
    record = next((r for r in own.releases if r.number == site.live_release), None)
    state = ports.containers.state(live, (record.target_group_arn if record else None) or "")
    name, rule = ports.dns.find(own.host), ports.load_balancer.find_rule(own.host)
    facts: dict[str, Json] = {
        "status": site.status,
        "live_release": site.live_release,
        "desired_count": state.desired_count,
        "dns_target": name.target if name else None,
        "aliases": list(rule.aliases) if rule else [],
    }
    return Done(facts=facts, summary={"siteUrl": own.site_url, "release": site.live_release})


def deprovision(context: StepContext) -> Outcome:
    """Mark the site: from here on nobody else begins anything with it."""
    return _mark(context, SiteStatus.DEPROVISIONING)


def provision_again(context: StepContext) -> Outcome:
    """Undo: the site has the status again that it had."""
    noted = context.facts.get("note_site")
    return Done() if noted is None else _mark(context, SiteStatus(str(noted["status"])))


def rest_site(context: StepContext) -> Outcome:
    """Stop the site's containers and wait until the last has gone.

    Nothing is written from here on, so that the backup holds everything, and can be compared with
    the site row by row.
    """
    own, containers = OwnSite(context), context.ports.containers
    containers.scale_down(own.live)
    state = containers.state(own.live, own.live_record.target_group_arn or "")
    if state.running_count:
        why = f"{state.running_count} containers of the site to stop"
        return Wait(seconds=context.poll_seconds, why=why)
    return Done()


def wake_site(context: StepContext) -> Outcome:
    """Undo: start the site's containers again, and wait until they answer."""
    own, containers = OwnSite(context), context.ports.containers
    count = int(str(own.noted("desired_count")))
    if not count:  # it was suspended
        return Done()
    containers.ensure_running(own.live, count)
    state = containers.state(own.live, own.live_record.target_group_arn or "")
    if state.steady:
        return Done()
    return Wait(seconds=context.poll_seconds, why=state.reason)


NOTE_SITE = Step(name="note_site", run=note_site)
DEPROVISION = Step(name="deprovision", run=deprovision, undo=provision_again)
REST_SITE = Step(name="rest_site", run=rest_site, undo=wake_site)


def _mark(context: StepContext, status: SiteStatus) -> Outcome:
    site = OwnSite(context).site
    if site.status is not status:
        marked = replace(site, status=status, version=site.version + 1, updated_at=context.now)
        context.ports.sites.put(marked, expected_version=site.version)
    return Done()


def _is_foreign(own: OwnSite, release: Release) -> bool:
    """Tell whether a release has the names of a site from before the fleet."""
    names = own.names.release(release.number)
    named_so = (release.schema, release.content_root) == (names.schema, names.content_root)
    return release.status is not ReleaseStatus.DISCARDED and not named_so
