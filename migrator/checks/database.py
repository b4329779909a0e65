"""Does the database say what the source's said: theme, plugins, permalinks, post counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.job_models import Check
from migrator.checks.subjects import Inside
from migrator.checks.verdicts import verdict
from migrator.wordpress import (
    Options,
    active_plugins,
    plugin_versions,
    post_counts,
    theme_present,
)

if TYPE_CHECKING:
    from migrator.databases import Connection

_MAY_GROW = frozenset({"wp_global_styles", "wp_navigation", "customize_changeset"})
"""WordPress makes these by itself when a block theme is first shown; fewer is still a loss."""
_NOT_COMPARED = frozenset({"oembed_cache"})
_DRAFT_OF_THE_EDITOR = "auto-draft"


def same_theme(release: Inside) -> Check:
    """The active theme is the source's, and its files are there (a fresh site's have to be too)."""
    found = release.options.get("stylesheet") or ""
    wanted = release.expected.theme if release.expected else None
    problems = []
    if wanted is not None and found != wanted:
        problems.append(f"the active theme is {found!r}, the source's {wanted!r}")
    if not theme_present(release.content_root, found):
        problems.append(f"the files of the active theme {found!r} are missing")
    return verdict("active theme", problems, found)


def same_plugins(release: Inside) -> Check:
    """The active plugins are the source's, in the same versions, and their files are there."""
    files = active_plugins(release.options.get("active_plugins"))
    found = plugin_versions(release.content_root, files)
    wanted = release.expected.plugins if release.expected else None
    problems = _other_plugins(found, wanted) if wanted is not None else []
    problems += [f"{file}: its file is missing" for file in found if found[file] == "missing"]
    return verdict("active plugins", problems, f"{len(found)} active")


def same_permalinks(release: Inside) -> Check | None:
    """The form of the site's addresses is the source's."""
    wanted = release.expected.permalinks if release.expected else None
    if wanted is None:
        return None
    found = release.options.get("permalink_structure") or ""
    problems = [] if found == wanted else [f"{found!r} instead of {wanted!r}"]
    return verdict("permalinks", problems, found or "plain")


def same_posts(release: Inside) -> Check | None:
    """As many posts of each type and status as the source has: no template left in draft."""
    wanted = release.expected.posts if release.expected else None
    if wanted is None:
        return None
    found = post_counts(release.connection, release.schema, release.options.prefix)
    problems = [
        f"{kind}: {found.get(kind, 0)} instead of {wanted.get(kind, 0)}"
        for kind in sorted(found.keys() | wanted.keys())
        if _differs(kind, found.get(kind, 0), wanted.get(kind, 0))
    ]
    return verdict("post counts by type and status", problems, f"{sum(found.values())} posts")


def search_engines_discouraged(connection: Connection, schema: str) -> bool:
    """Tell whether the site asks search engines to stay away; it has no sitemap then."""
    return Options(connection, schema).get("blog_public") == "0"


# --- private -------------------------------------------------------------------------------


def _other_plugins(found: dict[str, str], wanted: dict[str, str]) -> list[str]:
    return [
        f"{file}: {found.get(file, 'not active')} instead of {wanted.get(file, 'not active')}"
        for file in sorted(found.keys() | wanted.keys())
        if found.get(file) != wanted.get(file)
    ]


def _differs(kind: str, found: int, wanted: int) -> bool:
    post_type, _, status = kind.partition(":")
    if post_type in _NOT_COMPARED or status == _DRAFT_OF_THE_EDITOR:
        return False
    if post_type in _MAY_GROW:
        return found < wanted
    return found != wanted
