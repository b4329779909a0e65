"""The site's lock, its record, its subdomain, and the number of the release to build."""

from __future__ import annotations

from dataclasses import replace

from core.domain.site import Release, ReleaseStatus, Site
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.move import Move
from events.requests import SiteCreationPayload
from events.vocabulary import ErrorCode, OperationType, SiteStatus


def lock_site(context: StepContext) -> Outcome:
    """Become the only operation that acts on the site; its last write gives the lock back."""
    holder = context.ports.locks.acquire_lock(context.operation, context.now)
    if holder == context.operation.operation_id:
        return Done()
    return Failed(
        code=ErrorCode.PROM_001,
        why=f"Operation {holder} is at work on this site. Wait for its end, or cancel it "
        f"(sitefleet operations cancel {holder}), then send the request again.",
    )


def reserve_release(context: StepContext) -> Outcome:
    """Take the subdomain, write the site's record and give the new release its number."""
    move, sites = Move(context), context.ports.sites
    if not sites.claim_subdomain(move.subdomain, move.tenant_id, move.site_id):
        return Failed(
            code=ErrorCode.SITE_003,
            why=f"The subdomain {move.subdomain} belongs to another site of this environment."
            f"{_how_to_go_on(move)}",
        )
    site = sites.get(move.tenant_id, move.site_id)
    mine = _reserved_before(context)
    number = mine.number if mine else _next_number(context, site)
    sites.put_release(mine or _release_record(context, number))
    sites.put(_site_record(context, site, number), expected_version=site.version if site else None)
    facts = {
        "release": number,
        "live_release": site.live_release if site else None,
        "had_site": site is not None and site.live_release is not None,
        "read_only": site.read_only if site else False,
        "wordpress_version": site.wordpress_version if site else None,
        "php_version": site.php_version if site else None,
    }
    return Done(facts=facts, summary={"release": number, "siteUrl": move.site_url})


def free_reservation(context: StepContext) -> Outcome:
    """Undo: the release is discarded; a site that never was live is marked FAILED or removed."""
    move, sites = Move(context), context.ports.sites
    mine = _reserved_before(context)
    if mine is not None:
        discarded = replace(mine, status=ReleaseStatus.DISCARDED, updated_at=context.now)
        sites.put_release(discarded)
    site = sites.get(move.tenant_id, move.site_id)
    if site is None or site.status is not SiteStatus.PROVISIONING:
        return Done()
    sites.release_subdomain(site.subdomain, move.tenant_id, move.site_id)
    if move.is_restore:
        deleted = replace(
            site, status=SiteStatus.DELETED, version=site.version + 1, updated_at=context.now
        )
        sites.put(deleted, expected_version=site.version)
        return Done()
    if context.operation.operation_type is OperationType.SITE_PROMOTION:
        sites.delete(move.tenant_id, move.site_id)
        return Done()
    failure = context.operation.failure
    failed = replace(
        site,
        status=SiteStatus.FAILED,
        version=site.version + 1,
        failure_reason=failure.message if failure else None,
        updated_at=context.now,
    )
    sites.put(failed, expected_version=site.version)
    return Done()


def take_site_over(context: StepContext) -> Outcome:
    """Become the only operation that acts on the site, after the one that is at work has ended.

    A promotion that was under way has been cancelled when the rollback was accepted.
    """
    holder = context.ports.locks.acquire_lock(context.operation, context.now)
    if holder == context.operation.operation_id:
        return Done()
    context.ports.locks.enqueue_waiter(
        context.operation, context.operation.step_since or context.now
    )
    return Wait(seconds=context.poll_seconds, why=f"operation {holder} to end and free the site")


LOCK_SITE = Step(name="lock_site", run=lock_site)
TAKE_SITE_OVER = Step(name="take_site_over", run=take_site_over)
RESERVE_RELEASE = Step(name="reserve_release", run=reserve_release, undo=free_reservation)


def _how_to_go_on(move: Move) -> str:
    """Return what a person can do whose site's name was given away meanwhile."""
    if not move.is_restore:
        return ""
    return (
        " It was free once the site was deleted. Give that site another name, or delete it, then "
        "restore again; the backup stays as it is."
    )


def _reserved_before(context: StepContext) -> Release | None:
    move = Move(context)
    releases = context.ports.sites.list_releases(move.tenant_id, move.site_id)
    mine = [r for r in releases if r.operation_id == context.operation.operation_id]
    return mine[-1] if mine else None


def _next_number(context: StepContext, site: Site | None) -> int:
    """Return a number that no release has had, not even of a site whose record is gone again."""
    move = Move(context)
    releases = context.ports.sites.list_releases(move.tenant_id, move.site_id)
    last = site.last_release if site else 0
    return max([last, *(release.number for release in releases)]) + 1


def _site_record(context: StepContext, site: Site | None, number: int) -> Site:
    if site is not None and site.live_release is not None:
        last = max(site.last_release, number)
        return replace(site, last_release=last, version=site.version + 1, updated_at=context.now)
    move = Move(context)
    if site is not None and move.is_restore:
        return replace(
            site,
            status=SiteStatus.PROVISIONING,
            subdomain=move.subdomain,
            last_release=max(site.last_release, number),
            version=site.version + 1,
            updated_at=context.now,
        )
    return Site(
        tenant_id=move.tenant_id,
        site_id=move.site_id,
        environment=context.policy.environment,
        site_name=move.site_name,
        subdomain=move.subdomain,
        status=SiteStatus.PROVISIONING,
        version=site.version + 1 if site else 1,
        last_release=max(site.last_release if site else 0, number),
        isolation_level=_isolation_level(context),
        created_at=site.created_at if site else context.now,
        updated_at=context.now,
    )


def _release_record(context: StepContext, number: int) -> Release:
    move = Move(context)
    names = move.site.release(number)
    return Release(
        tenant_id=move.tenant_id,
        site_id=move.site_id,
        number=number,
        status=ReleaseStatus.BUILDING,
        operation_id=context.operation.operation_id,
        schema=names.schema,
        content_root=names.content_root,
        created_at=context.now,
        updated_at=context.now,
    )


def _isolation_level(context: StepContext) -> int:
    payload = context.request.payload
    if not isinstance(payload, SiteCreationPayload):
        return Move(context).origin.isolation_level
    if payload.isolation_level is not None:
        return payload.isolation_level
    tenant = context.ports.tenants.get(payload.tenant_id)
    tier = tenant.tier if tenant else "basic"
    return context.policy.isolation_level_by_tier[tier]
