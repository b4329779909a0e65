"""The site's lock, its record, its subdomain, and the number of the release to build."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from urllib.parse import urlsplit

from core.domain.errors import RefusedError
from core.domain.site import Release, ReleaseStatus, Site
from core.domain.tenancy import (
    BASIC,
    IS_WHOLE,
    Tier,
    check_offered,
    level_of,
    quota_sentence,
)
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.move import Move
from core.operations.steps.room import no_room
from core.ports.operation_store import SiteQueue
from events.formats import format_timestamp
from events.requests import SiteCreationPayload
from events.vocabulary import ErrorCode, OperationType, SiteStatus


def lock_site(context: StepContext) -> Outcome:
    """Become the only operation that acts on the site; its last write gives the lock back.

    A busy site is waited for, or the operation fails: by policy, for each type of operation.
    """
    holder = context.ports.locks.acquire_lock(context.operation, context.now)
    if holder == context.operation.operation_id:
        return Done()
    if context.policy.waits_when_busy(context.operation.operation_type):
        return _wait_in_line(context)
    return Failed(
        code=ErrorCode.PROM_001,
        why=f"Operation {holder} is at work on this site. Wait for its end, or cancel it "
        f"(sitefleet operations cancel {holder}), then send the request again.",
    )


def leave_line(context: StepContext) -> None:
    """Take a cancelled operation out of the line of its site."""
    context.ports.locks.leave_queue(context.operation)


def reserve_release(context: StepContext) -> Outcome:
    """Take a place and the subdomain, write the site's record, number the new release."""
    move, sites = Move(context), context.ports.sites
    site = sites.get(move.tenant_id, move.site_id)
    try:
        level, tier = _isolation(context, site)
    except RefusedError as refused:
        return Failed(code=refused.code, why=refused.message, details=dict(refused.details))
    has_rule = site is not None and site.live_release is not None
    failed = no_room(context, level, has_rule=has_rule) or _claim(context, tier)
    if failed is not None:
        return failed
    mine = _reserved_before(context)
    number = mine.number if mine else _next_number(context, site)
    sites.put_release(mine or _release_record(context, number))
    sites.put(
        _site_record(context, site, number, level), expected_version=site.version if site else None
    )
    facts = {
        "release": number,
        "live_release": site.live_release if site else None,
        "had_site": has_rule,
        "read_only": site.read_only if site else False,
        "wordpress_version": site.wordpress_version if site else None,
        "php_version": site.php_version if site else None,
        "desired_count": site.desired_count if site else 1,
        "cpu_units": site.cpu_units if site else None,
        "memory_mib": site.memory_mib if site else None,
        "domain": site.domain if site else None,
    }
    return Done(facts=facts, summary={"release": number, "siteUrl": _url(move, site)})


def free_reservation(context: StepContext) -> Outcome:
    """Undo: the release is discarded; a site that never was live is marked FAILED or removed."""
    move, sites = Move(context), context.ports.sites
    mine = _reserved_before(context)
    if mine is not None:
        discarded = replace(mine, status=ReleaseStatus.DISCARDED, updated_at=context.now)
        sites.put_release(discarded)
    site = sites.get(move.tenant_id, move.site_id)
    if site is not None and site.status in IS_WHOLE:
        return Done()
    sites.release_subdomain(move.subdomain, move.tenant_id, move.site_id)
    sites.release_place(move.tenant_id, move.site_id)
    if site is not None and site.status is SiteStatus.PROVISIONING:
        _take_record_back(context, site)
    # Nothing is served at the address: people are told the name only.
    return Done(summary={"siteUrl": None, "hostName": urlsplit(move.site_url).hostname})


def take_site_over(context: StepContext) -> Outcome:
    """Become the only operation that acts on the site, after the one that is at work has ended.

    A promotion that was under way has been cancelled when the rollback was accepted.
    """
    holder = context.ports.locks.acquire_lock(context.operation, context.now)
    if holder == context.operation.operation_id:
        return Done()
    return _wait_in_line(context)


LOCK_SITE = Step(name="lock_site", run=lock_site, leave=leave_line)
TAKE_SITE_OVER = Step(name="take_site_over", run=take_site_over, leave=leave_line)
RESERVE_RELEASE = Step(name="reserve_release", run=reserve_release, undo=free_reservation)


def _take_record_back(context: StepContext, site: Site) -> None:
    """Leave of a site that never was live what its kind of operation leaves."""
    move, sites = Move(context), context.ports.sites
    if context.operation.operation_type is OperationType.SITE_PROMOTION:
        sites.delete(move.tenant_id, move.site_id)
        return
    failure = None if move.is_restore else context.operation.failure
    left = replace(
        site,
        status=SiteStatus.DELETED if move.is_restore else SiteStatus.FAILED,
        version=site.version + 1,
        failure_reason=failure.message if failure else site.failure_reason,
        updated_at=context.now,
    )
    sites.put(left, expected_version=site.version)


def _wait_in_line(context: StepContext) -> Outcome:
    """Wait behind whoever holds the lock; the lock comes to the first in line, and wakes it."""
    operation, locks = context.operation, context.ports.locks
    queue = locks.queue_of(operation.tenant_id, operation.site_id)
    if queue.holder is not None:
        behind, since = queue.holder.operation_id, operation.step_since or context.now
        waits = operation.operation_id in {waiter.operation_id for waiter in queue.waiters}
        if waits or locks.enqueue_waiter(operation, behind=behind, since=since):
            return Wait(seconds=context.poll_seconds, why=_behind(queue, operation.operation_id))
    return Wait(seconds=1, why="the lock of the site, which changes hands", sooner=True)


def _behind(queue: SiteQueue, operation_id: str) -> str:
    """Say which operation is waited for, of what kind, since when, and who comes before."""
    holder = queue.holder
    if holder is None:
        return "the site's lock"
    kind = holder.operation_type or "operation"
    since = format_timestamp(holder.since)
    before = list(takewhile(lambda w: w.operation_id != operation_id, queue.waiters))
    ahead = f"; {len(before)} more in line before it" if before else ""
    return f"{kind} {holder.operation_id} to end, at work on this site since {since}{ahead}"


def _claim(context: StepContext, tier: Tier) -> Failed | None:
    """Take one of the tenant's places and the subdomain; each is decided by one write."""
    move, sites = Move(context), context.ports.sites
    place = sites.claim_place(move.tenant_id, move.site_id, tier.most_sites)
    if not place.granted:
        return Failed(code=ErrorCode.SITE_004, why=quota_sentence(move.tenant_id, tier, place.used))
    if not sites.claim_subdomain(move.subdomain, move.tenant_id, move.site_id):
        return Failed(
            code=ErrorCode.SITE_003,
            why=f"The subdomain {move.subdomain} belongs to another site of this environment."
            f"{_how_to_go_on(move)}",
        )
    return None


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


def _url(move: Move, site: Site | None) -> str:
    return site.url(move.context.policy.here.domain) if site else move.site_url


def _next_number(context: StepContext, site: Site | None) -> int:
    """Return a number that no release has had, not even of a site whose record is gone again."""
    move = Move(context)
    releases = context.ports.sites.list_releases(move.tenant_id, move.site_id)
    last = site.last_release if site else 0
    return max([last, *(release.number for release in releases)]) + 1


def _site_record(context: StepContext, site: Site | None, number: int, level: int) -> Site:
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
        isolation_level=level,
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


def _isolation(context: StepContext, site: Site | None) -> tuple[int, Tier]:
    """Return the site's level and what its tenant may have; raises RefusedError.

    A site that is there keeps its level, and a promoted one comes with that of the source.
    """
    ports, payload = context.ports, context.request.payload
    offered = ports.networks.offered_levels()
    tenant = ports.tenants.get(context.operation.tenant_id)
    tier = context.policy.tier(tenant.tier if tenant else BASIC)
    if isinstance(payload, SiteCreationPayload):
        return level_of(tier, payload.isolation_level, offered), tier
    level = site.isolation_level if site else Move(context).origin.isolation_level
    check_offered(level, offered)
    return level, tier
