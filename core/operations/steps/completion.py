"""The end of a build: the records say what is live, and the transfer is cleared away."""

from __future__ import annotations

from dataclasses import replace

from core.domain.errors import NotFoundError
from core.domain.names import transfer_prefix
from core.domain.operation import Json
from core.domain.site import ReleaseStatus, Site
from core.engine.outcome import Done, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.image import latest_tag, offered_image, restore_latest
from core.operations.steps.move import Move
from events.vocabulary import OperationType, SiteStatus


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
    if not move.is_restore:  # the image of a restored site may be an old one
        image = context.facts.get("replicate_image") or context.facts["choose_image"]
        context.ports.images.tag(str(image["image_digest"]), latest_tag(context))
    return Done(facts={"live_release": number})


def take_back_record(context: StepContext) -> Outcome:
    """Undo: the records say again what was live before this operation."""
    move, sites = Move(context), context.ports.sites
    former, mine = move.live_release, move.release
    was = {mine.number: ReleaseStatus.BUILDING}
    if former is not None:
        was[former.number] = ReleaseStatus.LIVE
    for release in sites.list_releases(move.tenant_id, move.site_id):
        status = was.get(release.number, release.status)
        if release.status is not status:
            sites.put_release(replace(release, status=status, updated_at=context.now))
    restore_latest(context)
    site = sites.get(move.tenant_id, move.site_id)
    if site is not None and site.live_release == mine.number:
        sites.put(_not_live(context, site), expected_version=site.version)
    return Done()


def rest_former(context: StepContext) -> Outcome:
    """Let the former release's service rest: the monitor window is over, it stays kept."""
    former = Move(context).live_release
    if former is not None:
        context.ports.containers.scale_down(former)
    return Done(facts={"resting": former.number if former else None})


def wake_former(context: StepContext) -> Outcome:
    """Undo: start the former release's service again before the pointer goes back to it."""
    move, containers = Move(context), context.ports.containers
    former = move.live_release
    if former is None:
        return Done()
    record = context.ports.sites.get_release(move.tenant_id, move.site_id, former.number)
    containers.ensure_running(former, move.desired_count)
    state = containers.state(former, (record.target_group_arn if record else None) or "")
    if state.steady:
        return Done()
    return Wait(seconds=context.poll_seconds, why=state.reason)


COMPLETE = Step(name="complete", run=complete, undo=take_back_record)
REST_FORMER = Step(name="rest_former", run=rest_former, undo=wake_former)


def _live(context: StepContext, site: Site, number: int) -> Site:
    wordpress_version, php_version = _versions(context)
    return replace(
        site,
        status=SiteStatus.ACTIVE,
        live_release=number,
        read_only=_is_read_only(context),
        version=site.version + 1,
        failure_reason=None,
        wordpress_version=wordpress_version,
        php_version=php_version,
        updated_at=context.now,
    )


def _not_live(context: StepContext, site: Site) -> Site:
    former, was = Move(context).live_release, context.facts["reserve_release"]
    return replace(
        site,
        status=SiteStatus.ACTIVE if former else SiteStatus.PROVISIONING,
        live_release=former.number if former else None,
        read_only=was.get("read_only", site.read_only) is True,
        wordpress_version=_text(was.get("wordpress_version", site.wordpress_version)),
        php_version=_text(was.get("php_version", site.php_version)),
        version=site.version + 1,
        updated_at=context.now,
    )


def _text(value: Json) -> str | None:
    return None if value is None else str(value)


def _is_read_only(context: StepContext) -> bool:
    if Move(context).is_restore:
        return Move(context).backup.read_only
    promoted = context.operation.operation_type is OperationType.SITE_PROMOTION
    return promoted and context.policy.promotion_rules.read_only_after


def _versions(context: StepContext) -> tuple[str | None, str | None]:
    installed = context.facts.get("install_wordpress")
    if installed is not None:
        return str(installed["wordpress_version"]), str(installed["php_version"])
    origin, image = Move(context).origin, offered_image(context)
    chosen = context.facts.get("choose_image", {}).get("image_digest", origin.image_digest)
    if image is not None and chosen != origin.image_digest:
        return image.wordpress_version, image.php_version
    return origin.wordpress_version, origin.php_version
