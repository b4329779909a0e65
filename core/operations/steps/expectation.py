"""What a release must have in common with its source: all that has travelled, nothing else."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from core.domain.census import PageSummary
from core.domain.jobs import VerifyExpectation
from core.domain.names import host
from core.domain.protection import Protection, matches, protection_of, within
from core.engine.step import StepContext
from core.operations.steps.move import Move
from core.operations.steps.wanted import Wanted, wanted_of
from events.payloads import Selection
from events.requests import SiteCreationPayload, SitePromotionPayload

_TITLE_OPTIONS = frozenset({"blogname", "blogdescription"})
_PREFIX = "wp_"
"""The site's own is known to jobs only; with another one, a pattern without prefix still fits."""


def expectation(context: StepContext) -> VerifyExpectation:
    """Return what the checks compare.

    What the target keeps of its own (protected tables, options and folders, whatever a selection
    left out) is not the source's and is not compared with it; the source's host may occur in
    neither.
    """
    move = Move(context)
    foreign_hosts = _foreign_hosts(move)
    payload = context.request.payload
    if isinstance(payload, SitePromotionPayload) and payload.selection != Selection():
        return VerifyExpectation(foreign_hosts=foreign_hosts)
    kept, wanted = _Kept(context), wanted_of(payload)
    expected = VerifyExpectation(
        theme=None if kept.option("stylesheet") else move.census.theme,
        plugins=None
        if kept.option("active_plugins") or kept.files("plugins")
        else move.census.plugins,
        permalinks=None if kept.option("permalink_structure") else move.census.permalinks,
        posts=None if kept.table("posts") else move.census.posts,
        foreign_hosts=foreign_hosts,
        front_page=_front_page(move.census.front_page, kept),
        php_version=move.census.php_version,
    )
    return _without(expected, wanted) if isinstance(payload, SiteCreationPayload) else expected


# --- private -------------------------------------------------------------------------------


def _foreign_hosts(move: Move) -> list[str]:
    """Return the names of the source: the platform's, and its customer's where it has one."""
    domain = move.context.policy.environments[move.source_environment].domain
    names = (host(move.census.subdomain, domain), urlsplit(move.census.site_url).netloc)
    own = urlsplit(move.site_url).netloc
    return [name for name in dict.fromkeys(names) if name and name != own]


class _Kept:
    """What the release has from the target's live one."""

    def __init__(self, context: StepContext) -> None:
        payload, promotion = context.request.payload, context.policy.promotion
        live = Move(context).live_release is not None
        self._protection = Protection()
        self._options: Collection[str] = ()
        if promotion is not None and isinstance(payload, SitePromotionPayload) and live:
            self._protection = protection_of(promotion.protection, payload, has_live_release=live)
            self._options = self._protection.kept_options(context.policy.kept_options)

    def table(self, name: str) -> bool:
        return matches(f"{_PREFIX}{name}", self._protection.tables, _PREFIX)

    def files(self, *folders: str) -> bool:
        """Whether one of these folders, or one in them, is the target's."""
        return any(within(kept, folders) for kept in self._protection.folders)

    def option(self, name: str) -> bool:
        return name in self._options or self.table("options")


def _without(expected: VerifyExpectation, wanted: Wanted) -> VerifyExpectation:
    """Leave out what a clone is meant to have otherwise than its source."""
    if wanted == Wanted():
        return expected
    changed: dict[str, object] = {"front_page": None, "posts": None}
    if wanted.template_id or wanted.theme:
        changed["theme"] = None
    if wanted.template_id or wanted.install:
        changed["plugins"] = None
    return expected.model_copy(update=changed)


def _front_page(source: PageSummary | None, kept: _Kept) -> PageSummary | None:
    if source is None or kept.table("posts") or kept.option("stylesheet"):
        return None
    if kept.files("themes", "plugins"):
        return None
    own_title = any(kept.option(name) for name in _TITLE_OPTIONS)
    return source.model_copy(update={"title": ""}) if own_title else source
