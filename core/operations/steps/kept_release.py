"""Which kept release becomes live again."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.site import Release, ReleaseStatus
from core.engine.outcome import Done, Failed, Outcome
from core.engine.step import Step, StepContext
from core.operations.steps.export import guard_account
from core.operations.steps.way_back import WayBack
from events.requests import PromotionRollbackPayload
from events.vocabulary import ErrorCode


def choose_release(context: StepContext) -> Outcome:
    """Fix from which release to which; only a release that is kept whole can be live again."""
    guard_account(context)
    back, operation = WayBack(context), context.operation
    live = back.site.live_release
    releases = context.ports.sites.list_releases(operation.tenant_id, operation.site_id)
    built = _built_by(context, releases)
    if built is not None and built.number != live:
        return Failed(
            code=ErrorCode.SITE_005,
            why=f"Release r{built.number} of that promotion is not live any more; r{live} is. "
            "Name the site and the release to go back to instead.",
        )
    chosen = _chosen(context, releases, live)
    if chosen is None:
        kept = [f"r{r.number}" for r in releases if r.status is ReleaseStatus.SUPERSEDED]
        return Failed(
            code=ErrorCode.SITE_002,
            why=f"There is no such kept release to go back to. Kept: {', '.join(kept) or 'none'}.",
        )
    return Done(
        facts={"from_release": live, "to_release": chosen.number},
        summary={"release": chosen.number, "siteUrl": back.site_url},
    )


CHOOSE_RELEASE = Step(name="choose_release", run=choose_release)


def _payload(context: StepContext) -> PromotionRollbackPayload | None:
    payload = context.request.payload
    return payload if isinstance(payload, PromotionRollbackPayload) else None


def _built_by(context: StepContext, releases: Sequence[Release]) -> Release | None:
    """Return the release of the promotion that is to be taken back, where one is named."""
    payload = _payload(context)
    if payload is None or payload.operation_id is None:
        return None
    return next((r for r in releases if r.operation_id == payload.operation_id), None)


def _chosen(context: StepContext, releases: Sequence[Release], live: int | None) -> Release | None:
    """Return the release that was asked for, else the newest one before the live one."""
    payload = _payload(context)
    wanted = payload.to_release if payload else None
    kept = [r for r in releases if r.status is ReleaseStatus.SUPERSEDED]
    if wanted is not None:
        return next((r for r in kept if r.number == wanted), None)
    before = [r for r in kept if live is None or r.number < live]
    return max(before, key=lambda r: r.number, default=None)
