"""What of the target a promotion leaves alone, and which part of the source travels.

Policy and request name tables by patterns (`*` and `?` as in a shell). A name of the policy's
groups (users, orders, comments, forms) stands for the group's patterns. A pattern matches a table
when it matches its whole name or what follows the site's table prefix: `users` and `wp_users` are
the same table of a site whose prefix is `wp_`. The prefix is only known where the tables are, so
patterns stay patterns here; the container job applies them to real names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from core.domain.errors import RefusedError
from core.domain.promotion_policy import ProtectionPolicy
from events.payloads import SitePromotionPayload
from events.vocabulary import ErrorCode


@dataclass(frozen=True, kw_only=True)
class Protection:
    """Policy and request, expanded: what is carried over, what travels, what is kept."""

    tables: tuple[str, ...] = ()
    """Patterns of the tables that come from the target's live release, whatever the source has.
    One that the live release does not have (its plugin arrives with this promotion) travels."""
    folders: tuple[str, ...] = ()
    """Folders below wp-content that come from the target's live release."""
    options: tuple[str, ...] = ()
    """Options that the request protects, beside the policy's."""
    travelling_tables: tuple[str, ...] | None = None
    """Patterns of the tables that the source sends; None: all."""
    travelling_folders: tuple[str, ...] | None = None
    """Folders that the source sends; None: all."""

    @property
    def carries_missing_tables(self) -> bool:
        """Whether every table that the source does not send comes from the live release."""
        return self.travelling_tables is not None

    def kept_options(self, policy: Iterable[str]) -> tuple[str, ...]:
        """Return the environment-local options by policy, and those that the request protects."""
        return tuple(dict.fromkeys([*policy, *self.options]))


def protection_of(
    policy: ProtectionPolicy, payload: SitePromotionPayload | None, *, has_live_release: bool
) -> Protection:
    """Expand policy and request; without a payload (a clone, a creation) nothing is protected.

    Raises RefusedError (SITE_001) for a part of a site where there is no live release to take the
    rest from, and for a selection of what is protected: nothing of it would travel.
    """
    if payload is None:
        return Protection()
    selection, protect = payload.selection, payload.protect
    protection = Protection(
        tables=expanded([*policy.tables, *protect.tables], policy.groups),
        folders=tuple(dict.fromkeys([*policy.folders, *protect.folders])),
        options=protect.options,
        travelling_tables=None
        if selection.database == "all"
        else expanded(selection.database, policy.groups),
        travelling_folders=None if selection.content == "all" else tuple(selection.content),
    )
    _require_base(protection, has_live_release=has_live_release)
    if has_live_release:
        _require_unprotected(protection)
    return protection


def expanded(names: Iterable[str], groups: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Replace names of groups by their patterns; each pattern once, in order."""
    return tuple(dict.fromkeys(pattern for name in names for pattern in groups.get(name, (name,))))


def matches(table: str, patterns: Iterable[str], prefix: str) -> bool:
    """Tell whether a table's whole name, or what follows the site's prefix, fits a pattern."""
    bare = table.removeprefix(prefix)
    return any(fnmatchcase(table, each) or fnmatchcase(bare, each) for each in patterns)


def within(path: str, folders: Collection[str]) -> bool:
    """Tell whether a path below wp-content lies in one of the folders (or is one)."""
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


# --- private --------------------------------------------------------------------------------


def _require_base(protection: Protection, *, has_live_release: bool) -> None:
    partial = [
        field
        for field, chosen in (
            ("selection.database", protection.travelling_tables),
            ("selection.content", protection.travelling_folders),
        )
        if chosen is not None
    ]
    if partial and not has_live_release:
        raise RefusedError(
            ErrorCode.SITE_001,
            "This promotion selects a part of the site, and the target has no live release that "
            "the rest could come from. Promote the whole site first (selection all).",
            details=dict.fromkeys(partial, "needs a live release in the target"),
        )


def _require_unprotected(protection: Protection) -> None:
    """Refuse a selected name that is protected as it stands; wildcards are decided per table."""
    tables = [
        name
        for name in protection.travelling_tables or ()
        if any(_same_table(name, pattern) for pattern in protection.tables)
    ]
    folders = [
        folder
        for folder in protection.travelling_folders or ()
        if within(folder, protection.folders)
    ]
    if tables or folders:
        named = ", ".join([*tables, *folders])
        raise RefusedError(
            ErrorCode.SITE_001,
            f"This promotion selects what is protected in the target: {named}. Nothing of it "
            "would travel. Leave it out of the selection, or have the policy's protection changed.",
            details=dict.fromkeys(
                [
                    *(["selection.database"] if tables else []),
                    *(["selection.content"] if folders else []),
                ],
                f"protected: {named}",
            ),
        )


def _same_table(name: str, pattern: str) -> bool:
    """Tell whether a name fits a pattern, with or without WordPress' usual prefix.

    The site's real prefix is known to the job only: where it is another one, too little is refused
    here, and the job protects the table all the same.
    """
    return matches(name, [pattern], "wp_")
