"""The end of a build: the records say what is live, and the transfer is cleared away."""

from __future__ import annotations

from dataclasses import replace

from core.domain.errors import NotFoundError
from core.domain.names import transfer_prefix
from core.domain.site import ReleaseStatus, Site
from core.engine.outcome import Done, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.move import Move
from events.vocabulary import SiteStatus


def complete(context: StepContext) -> Outcome:
    """Write the release LIVE, the former one SUPERSEDED and the site ACTIVE."""
    move, sites = Move(context), context.ports.sites
    number = move.release.number
    for release in sites.list_releases(move.tenant_id, move.site_id):
        status = ReleaseStatus.LIVE if release.number == number else ReleaseStatus.SUPERSEDED
        is_over = release.status is ReleaseStatus.DISCARDED
        if not is_over and release.status is not status:
            sites.put_release(replace(release, status=status, updated_at=context.now))
    site = sites.get(move.tenant_id, move.site_id)
    if site is None:
        raise NotFoundError(f"The record of site {move.site_id} is gone.")
    if site.live_release != number or site.status is not SiteStatus.ACTIVE:
        sites.put(_live(context, site, number), expected_version=site.version)
    context.ports.transfer.delete_prefix(f"{transfer_prefix(context.operation.operation_id)}/")
    image = context.facts.get("replicate_image") or context.facts["choose_image"]
    context.ports.images.tag(str(image["image_digest"]), f"{context.policy.environment}-latest")
    return Done(facts={"live_release": number})


COMPLETE = Step(name="complete", run=complete)


def _live(context: StepContext, site: Site, number: int) -> Site:
    wordpress_version, php_version = _versions(context)
    return replace(
        site,
        status=SiteStatus.ACTIVE,
        live_release=number,
        version=site.version + 1,
        failure_reason=None,
        wordpress_version=wordpress_version,
        php_version=php_version,
        updated_at=context.now,
    )


def _versions(context: StepContext) -> tuple[str, str]:
    installed = context.facts.get("install_wordpress")
    if installed is not None:
        return str(installed["wordpress_version"]), str(installed["php_version"])
    census = Move(context).census
    return census.wordpress_version, census.php_version
