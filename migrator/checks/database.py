"""Does the database say what the source's said: theme, plugins, permalinks, post counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.job_models import Check
from core.domain.jobs import VerifyExpectation
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


def same_site(
    connection: Connection, schema: str, content_root: Path, expected: VerifyExpectation | None
) -> list[Check]:
    """Compare with the source; a fresh site (nothing expected) has to have its theme's files."""
    options = Options(connection, schema)
    theme = options.get("stylesheet") or ""
    plugins = plugin_versions(content_root, active_plugins(options.get("active_plugins")))
    permalinks = options.get("permalink_structure") or ""
    wanted = expected or VerifyExpectation(theme=theme, plugins=plugins, permalinks=permalinks)
    checks = [
        _theme(theme, wanted.theme, content_root),
        _plugins(plugins, wanted.plugins),
        _permalinks(permalinks, wanted.permalinks),
    ]
    if expected is not None:
        counts = post_counts(connection, schema, options.prefix)
        checks.append(_posts(counts, expected.posts))
    return checks


def search_engines_discouraged(connection: Connection, schema: str) -> bool:
    """Tell whether the site asks search engines to stay away; it has no sitemap then."""
    return Options(connection, schema).get("blog_public") == "0"


def _theme(found: str, wanted: str, content_root: Path) -> Check:
    problems = []
    if found != wanted:
        problems.append(f"the active theme is {found!r}, the source's {wanted!r}")
    if not theme_present(content_root, found):
        problems.append(f"the files of the active theme {found!r} are missing")
    return verdict("active theme", problems, found)


def _plugins(found: dict[str, str], wanted: dict[str, str]) -> Check:
    problems = [
        f"{file}: {found.get(file, 'not active')} instead of {wanted.get(file, 'not active')}"
        for file in sorted(found.keys() | wanted.keys())
        if found.get(file) != wanted.get(file)
    ]
    problems += [f"{file}: its file is missing" for file in found if found[file] == "missing"]
    return verdict("active plugins", problems, f"{len(found)} active")


def _permalinks(found: str, wanted: str) -> Check:
    problems = [] if found == wanted else [f"{found!r} instead of {wanted!r}"]
    return verdict("permalinks", problems, found or "plain")


def _posts(found: dict[str, int], wanted: dict[str, int]) -> Check:
    problems = [
        f"{kind}: {found.get(kind, 0)} instead of {wanted.get(kind, 0)}"
        for kind in sorted(found.keys() | wanted.keys())
        if _differs(kind, found.get(kind, 0), wanted.get(kind, 0))
    ]
    return verdict("post counts by type and status", problems, f"{sum(found.values())} posts")


def _differs(kind: str, found: int, wanted: int) -> bool:
    post_type, _, status = kind.partition(":")
    if post_type in _NOT_COMPARED or status == _DRAFT_OF_THE_EDITOR:
        return False
    if post_type in _MAY_GROW:
        return found < wanted
    return found != wanted
