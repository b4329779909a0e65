"""The site as it is before an update: noted once the lock is held, so that it stays true."""

from __future__ import annotations

from core.domain.changes import check_transition, check_version
from core.domain.errors import RefusedError
from core.domain.operation import Json
from core.domain.site import Release, Site
from core.engine.outcome import Done, Failed, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.changing import Changing
from core.operations.steps.room import no_room
from events.vocabulary import ErrorCode

BUILDS = frozenset({"start_trial", "start_release"})
"""Steps that make a target group beside the live release's."""


def survey_site(context: StepContext) -> Outcome:
    """Look at the site again under its lock, and note everything that the way back needs.

    Between accepting and locking another operation may have changed it: then this one ends here.
    """
    change = Changing(context)
    site = change.site
    try:
        check_version(site, change.payload.expected_version)
        check_transition(site, change.changes)
    except RefusedError as refused:
        return Failed(code=refused.code, why=refused.message)
    if site.read_only and change.payload.override is None:
        return Failed(
            code=ErrorCode.SITE_005,
            why=f"Site {site.site_id} has become read-only. Send the request with an override.",
        )
    if BUILDS.intersection(context.operation.plan):
        full = no_room(context, site.isolation_level, has_rule=True)
        if full is not None:
            return full
    return Done(facts=_noted(site, _live(context, site)), summary={"siteUrl": change.site_url})


SURVEY_SITE = Step(name="survey_site", run=survey_site)


def _live(context: StepContext, site: Site) -> Release | None:
    number = site.live_release or 0
    return context.ports.sites.get_release(site.tenant_id, site.site_id, number)


def _noted(site: Site, live: Release | None) -> dict[str, Json]:
    return {
        "version": site.version,
        "status": site.status.value,
        "live_release": site.live_release,
        "desired_count": site.desired_count,
        "cpu_units": site.cpu_units,
        "memory_mib": site.memory_mib,
        "wordpress_version": site.wordpress_version,
        "php_version": site.php_version,
        "domain": site.domain,
        "image_digest": live.image_digest if live else None,
        "task_definition_arn": live.task_definition_arn if live else None,
        "target_group_arn": live.target_group_arn if live else None,
    }
