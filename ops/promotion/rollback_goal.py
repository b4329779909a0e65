"""What a rollback is about: the site, its live release, and what can be live again."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain.errors import NotFoundError
from core.domain.operation import Operation
from core.domain.site import Release, ReleaseStatus, Site
from events.formats import Environment
from events.vocabulary import OperationStatus, OperationType
from ops.connection import Connection
from ops.desk import Desk
from ops.errors import BadInputError
from ops.promotion.records import find_promotion
from ops.wording import listed


@dataclass(frozen=True, kw_only=True)
class RollbackWish:
    """What the flags say."""

    to_release: int | None
    reason: str
    incident_id: str | None
    role: str | None


@dataclass(frozen=True, kw_only=True)
class RollbackGoal:
    """Which site, and which of its releases can be live again."""

    connection: Connection
    promotion: Operation | None
    """The promotion that is named; None when the site is."""
    site: Site
    releases: tuple[Release, ...]

    @property
    def kept(self) -> list[Release]:
        """What can be live again: whole, and not live."""
        return [r for r in self.releases if r.status is ReleaseStatus.SUPERSEDED]

    def to_release(self, wish: RollbackWish) -> int | None:
        """Return the release that would be live again, as the fleet chooses it."""
        if wish.to_release is not None:
            return wish.to_release
        live = self.site.live_release or 0
        return max((r.number for r in self.kept if r.number < live), default=None)


def find_goal(
    desk: Desk,
    operation_id: str | None,
    site_id: str | None,
    tenant_id: str | None,
    to_release: int | None,
) -> RollbackGoal:
    """Return what a rollback is about; raises BadInputError or NotFoundError."""
    if (operation_id is None) == (site_id is None):
        raise BadInputError("Name either the promotion (ID) or the site (--site-id), not both.")
    if operation_id is not None:
        connection, promotion = find_promotion(desk, operation_id)
        return _goal_of(connection, promotion, promotion.tenant_id, promotion.site_id)
    if tenant_id is None or site_id is None or to_release is None:
        raise BadInputError("A rollback by --site-id needs --tenant-id and --to-release too.")
    return _goal_of(desk.connection(), None, tenant_id, site_id)


def check_goal(goal: RollbackGoal, wish: RollbackWish) -> None:
    """Say here what the fleet would refuse; it costs less time at night."""
    environment = goal.connection.environment
    missing = [
        flag
        for flag, value in (("--incident-id", wish.incident_id), ("--role", wish.role))
        if environment is Environment.PROD and value is None
    ]
    if missing:
        raise BadInputError(f"A rollback in prod needs {' and '.join(missing)}. Nothing was sent.")
    if goal.promotion is not None:
        _check_promotion(goal, goal.promotion)
    if goal.to_release(wish) not in {release.number for release in goal.kept}:
        wanted = f"r{wish.to_release}" if wish.to_release is not None else "former release"
        kept = listed([f"r{release.number}" for release in goal.kept])
        raise BadInputError(
            f"There is no {wanted} of {goal.site.site_id} to go back to. Kept beside the live one: "
            f"{kept}. Nothing was sent."
        )


# --- inside ---------------------------------------------------------------------------------


def _goal_of(
    connection: Connection, promotion: Operation | None, tenant_id: str, site_id: str
) -> RollbackGoal:
    site = connection.sites.get(tenant_id, site_id)
    if site is None:
        raise NotFoundError(
            f"Tenant {tenant_id} has no site {site_id} in {connection.environment}. "
            f"See what there is: sitefleet sites list --env {connection.environment}"
        )
    releases = tuple(connection.sites.list_releases(tenant_id, site_id))
    return RollbackGoal(connection=connection, promotion=promotion, site=site, releases=releases)


def _check_promotion(goal: RollbackGoal, promotion: Operation) -> None:
    if promotion.operation_type is not OperationType.SITE_PROMOTION:
        raise BadInputError(
            "A rollback is not rolled back: promote again instead. Nothing was sent."
        )
    if promotion.status is not OperationStatus.COMPLETED or not promotion.cut_over:
        raise BadInputError(
            f"Operation {promotion.operation_id} ended as {promotion.status} and nothing of it is "
            "live; there is nothing to take back."
        )
    built = next((r for r in goal.releases if r.operation_id == promotion.operation_id), None)
    live = goal.site.live_release
    if built is not None and built.number != live:
        raise BadInputError(
            f"r{built.number} of that promotion is not live any more; r{live} is. Name the site "
            f"and the release instead: sitefleet promotions rollback --site-id "
            f"{goal.site.site_id} --tenant-id {goal.site.tenant_id} --to-release N "
            f'--env {goal.connection.environment} --reason "..."'
        )
