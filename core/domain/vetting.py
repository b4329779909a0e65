"""Vetting: whether a site may have what is asked for. Pure; the catalogue's items come in as data.

Nothing that is not vetted is installed. A request is vetted when it is accepted, as far as the
catalogue alone can tell; the step vets again with the versions that the site really has, and the
job with the plugins that really stand there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from core.domain.catalogue import Plugin, PluginVersion, Requirements, Template
from core.domain.errors import RefusedError
from core.domain.versions import Version
from events.payloads import PluginRef
from events.vocabulary import ErrorCode

SECURITY_CODES = frozenset({ErrorCode.PLUG_002, ErrorCode.PLUG_003})
"""A refusal with one of these is a plugin that security has blocked."""

FORBIDDEN_OPTIONS = frozenset(
    {
        "active_plugins",
        "active_sitewide_plugins",
        "admin_email",
        "cron",
        "db_version",
        "default_role",
        "home",
        "recently_activated",
        "siteurl",
        "stylesheet",
        "template",
        "uninstall_plugins",
        "users_can_register",
    }
)
"""Options of WordPress itself that no configuration of a plugin or template may set."""
_FORBIDDEN_ENDINGS = ("_user_roles", "capabilities")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a site runs; None: not known yet, so that it cannot speak against anything."""

    wordpress: str | None = None
    php: str | None = None


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A plugin version that has passed."""

    slug: str
    release: PluginVersion


type Catalogued = Mapping[str, Plugin | None]
"""Slug -> the catalogue's item; None where it has none."""


def choose(wanted: PluginRef, plugin: Plugin | None, around: Surroundings) -> Chosen:
    """Return the version to install: the one asked for, else the newest that passes.

    Raises RefusedError: PLUG_001 not found, PLUG_002 blocklisted, PLUG_003 vulnerable, PLUG_004
    not for this WordPress or PHP.
    """
    known = require_allowed(wanted.slug, plugin)
    if wanted.version is None:
        return _newest(known, around)
    release = next((item for item in known.versions if item.version == wanted.version), None)
    if release is None:
        raise RefusedError(
            ErrorCode.PLUG_001,
            f"The catalogue has no version {wanted.version} of the plugin {wanted.slug}; it has "
            f"{_listed([item.version for item in known.versions])}.",
        )
    require_safe(known, release.version)
    complaint = _unmet(release, around)
    if complaint is not None:
        raise RefusedError(
            ErrorCode.PLUG_004, f"Plugin {wanted.slug} {release.version} needs {complaint}."
        )
    return Chosen(slug=wanted.slug, release=release)


def require_allowed(slug: str, plugin: Plugin | None) -> Plugin:
    """Return the catalogue's item; raises RefusedError when there is none, or it is blocked."""
    if plugin is None:
        raise RefusedError(
            ErrorCode.PLUG_001,
            f"The catalogue has no plugin {slug}. Have it vetted and added, or leave it out.",
        )
    if plugin.blocklisted is not None:
        raise RefusedError(
            ErrorCode.PLUG_002,
            f"The plugin {slug} is on the blocklist: {plugin.blocklisted}. Leave it out; "
            "security decides about the list.",
        )
    return plugin


def require_safe(plugin: Plugin, version: str) -> None:
    """Refuse a version with a known vulnerability; name one without, where there is one."""
    known = plugin.vulnerabilities_of(version)
    if not known:
        return
    safe = [item.version for item in plugin.versions if not plugin.vulnerabilities_of(item.version)]
    advice = f"Ask for {max(safe, key=Version)}" if safe else "No version is safe yet: leave it out"
    raise RefusedError(
        ErrorCode.PLUG_003,
        f"Plugin {plugin.slug} {version} has known vulnerabilities: {_listed(known)}. {advice}.",
    )


def require_no_conflict(
    arriving: Collection[str], present: Collection[str], catalogue: Catalogued
) -> None:
    """Refuse two plugins of which one says that it does not work beside the other.

    `arriving` come together (requested, or part of a template); `present` stand on the site
    already, and what they have between themselves is not judged here.
    """
    everything = sorted({*arriving, *present})
    for one in sorted(set(arriving)):
        for other in everything:
            if one != other and _conflict(one, other, catalogue):
                place = "is on the site" if other in present else "is asked for as well"
                raise RefusedError(
                    ErrorCode.PLUG_004,
                    f"The plugin {one} conflicts with {other}, which {place}. "
                    f"Leave one of them out{', or uninstall it' if other in present else ''}.",
                )


def require_template(template_id: str, template: Template | None, around: Surroundings) -> Template:
    """Return the template; raises RefusedError TEMP_001 not found, TEMP_002 incompatible."""
    if template is None:
        raise RefusedError(
            ErrorCode.TEMP_001, f"The catalogue has no template {template_id}. Check the id."
        )
    complaint = _unmet(template, around)
    if complaint is not None:
        raise RefusedError(
            ErrorCode.TEMP_002,
            f"Template {template_id} needs {complaint}. Choose another template, or a newer image.",
        )
    return template


def require_settable(options: Collection[str], whose: str) -> None:
    """Refuse options of WordPress itself: setting them would move the site or hand it over."""
    refused = sorted(
        name for name in options if name in FORBIDDEN_OPTIONS or name.endswith(_FORBIDDEN_ENDINGS)
    )
    if refused:
        raise RefusedError(
            ErrorCode.SITE_001,
            f"{whose} may not set {_listed(refused)}: WordPress itself needs these options as they "
            "are. Leave them out.",
        )


def included(template: Template | None) -> tuple[PluginRef, ...]:
    """Return the plugins that a template brings, as if they had been asked for."""
    if template is None:
        return ()
    return tuple(PluginRef(slug=item.slug, version=item.version) for item in template.plugins)


# --- private -------------------------------------------------------------------------------


def _newest(plugin: Plugin, around: Surroundings) -> Chosen:
    """Return the newest version that passes; else say what speaks against the newest one."""
    newest_first = sorted(plugin.versions, key=lambda item: Version(item.version), reverse=True)
    for release in newest_first:
        if not plugin.vulnerabilities_of(release.version) and _unmet(release, around) is None:
            return Chosen(slug=plugin.slug, release=release)
    if not newest_first:
        raise RefusedError(
            ErrorCode.PLUG_001,
            f"The catalogue has no version of the plugin {plugin.slug} yet. Have one added.",
        )
    fitting = [item for item in newest_first if _unmet(item, around) is None]
    if fitting:
        require_safe(plugin, fitting[0].version)
    raise RefusedError(
        ErrorCode.PLUG_004,
        f"Plugin {plugin.slug} {newest_first[0].version} needs {_unmet(newest_first[0], around)}, "
        "and no other version of it fits.",
    )


def _conflict(one: str, other: str, catalogue: Catalogued) -> bool:
    pairs = ((catalogue.get(one), other), (catalogue.get(other), one))
    return any(plugin is not None and name in plugin.conflicts for plugin, name in pairs)


def _unmet(needs: Requirements, around: Surroundings) -> str | None:
    """Return what is needed and not there, or None."""
    pairs = (
        ("WordPress", needs.minimum_wordpress, around.wordpress),
        ("PHP", needs.minimum_php, around.php),
    )
    for product, minimum, found in pairs:
        if minimum is not None and found is not None and Version(found) < Version(minimum):
            return f"{product} {minimum} or newer, and this is {product} {found}"
    return None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
