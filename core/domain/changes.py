"""What an update asks for, told apart by kind: pure questions about the wire's `changes`.

`configuration` says some things that other fields say, too: a plugin there is one to install, a
theme there is the theme. Where both say something and not the same, the request is refused.
"""

from __future__ import annotations

from collections.abc import Collection

from core.domain.errors import RefusedError
from core.domain.site import Site
from events.payloads import PluginRef, SiteChanges
from events.vocabulary import ErrorCode, SiteStatus


def activates(changes: SiteChanges) -> bool:
    """Whether a suspended site is to come back."""
    return changes.status is SiteStatus.ACTIVE


def suspends(changes: SiteChanges) -> bool:
    """Whether visitors are to be shown the page of a suspended site."""
    return changes.status is SiteStatus.SUSPENDED


def theme_of(changes: SiteChanges) -> str | None:
    """Return the theme to activate, wherever the request says it."""
    configured = changes.configuration.theme if changes.configuration else None
    return changes.theme or configured


def plugins_to_install(changes: SiteChanges) -> tuple[PluginRef, ...]:
    """Return the plugins to install, wherever the request says them."""
    configured = changes.configuration.plugins if changes.configuration else None
    named = changes.plugins.install if changes.plugins else ()
    return tuple(dict.fromkeys((*(configured or ()), *named)))


def changes_plugins(changes: SiteChanges) -> bool:
    """Whether any plugin is to be installed, configured, switched or removed."""
    named = changes.plugins
    return bool(plugins_to_install(changes)) or (named is not None and named != type(named)())


def wants_versions(changes: SiteChanges) -> bool:
    """Whether another WordPress or PHP is asked for."""
    configured = changes.configuration
    return configured is not None and bool(configured.wordpress_version or configured.php_version)


def renews_containers(changes: SiteChanges) -> bool:
    """Whether the containers become others: another image or another size."""
    scale = changes.scale
    resized = scale is not None and (scale.cpu_units or scale.memory_mib) is not None
    return changes.image_tag is not None or wants_versions(changes) or resized


def scales(changes: SiteChanges) -> bool:
    """Whether the number or the size of the containers changes."""
    return changes.scale is not None and changes.scale != type(changes.scale)()


def moves(changes: SiteChanges) -> bool:
    """Whether the site gets another domain."""
    return changes.domain is not None


def to_check(changes: SiteChanges) -> bool:
    """Whether the changed live release is looked at; one that moves is checked on its own."""
    return not only_suspends(changes) and not moves(changes)


def only_suspends(changes: SiteChanges) -> bool:
    """Whether the site is suspended and nothing else is changed."""
    return suspends(changes) and changes == SiteChanges(status=SiteStatus.SUSPENDED)


def check_consistent(changes: SiteChanges) -> None:
    """Refuse a request that says two different things about one part (SITE_001)."""
    configured = changes.configuration.theme if changes.configuration else None
    if changes.theme and configured and changes.theme != configured:
        raise RefusedError(
            ErrorCode.SITE_001,
            f"`theme` says {changes.theme} and `configuration.theme` says {configured}. Say one.",
        )
    if changes.image_tag is not None and wants_versions(changes):
        raise RefusedError(
            ErrorCode.SITE_001,
            "`imageTag` and the versions of `configuration` both choose the image. Say one.",
        )


def check_domain(changes: SiteChanges, site: Site, platform_domains: Collection[str]) -> None:
    """Refuse a domain that is the platform's or the site's, or that comes with other changes."""
    domain = changes.domain
    if domain is None:
        return
    if changes != SiteChanges(domain=domain):
        raise RefusedError(
            ErrorCode.SITE_001,
            "Another domain means a new release with other addresses. Send it as a request of its "
            "own, before or after the other changes.",
        )
    if any(domain == zone or domain.endswith(f".{zone}") for zone in platform_domains):
        raise RefusedError(
            ErrorCode.SITE_001, f"{domain} is a name of the platform, not a customer's own domain."
        )
    if domain == site.domain:
        raise RefusedError(ErrorCode.SITE_005, f"Site {site.site_id} has the domain {domain}.")


def check_transition(site: Site, changes: SiteChanges) -> None:
    """Refuse what the site's status does not allow (SITE_005)."""
    if site.live_release is None or site.status not in {SiteStatus.ACTIVE, SiteStatus.SUSPENDED}:
        raise RefusedError(
            ErrorCode.SITE_005, f"Site {site.site_id} is {site.status}; it cannot be updated."
        )
    if changes.status is site.status:
        raise RefusedError(ErrorCode.SITE_005, f"Site {site.site_id} is {site.status} already.")
    if site.status is SiteStatus.SUSPENDED and not activates(changes):
        raise RefusedError(
            ErrorCode.SITE_005,
            f"Site {site.site_id} is SUSPENDED: what is changed in it could not be checked. "
            "Activate it first, or in the same request.",
        )


def check_version(site: Site, expected: int | None) -> None:
    """Refuse a change that was made for another state of the site (SITE_005)."""
    if expected is not None and expected != site.version:
        raise RefusedError(
            ErrorCode.SITE_005,
            f"Site {site.site_id} is at version {site.version}, and this request expects version "
            f"{expected}. Look at what has changed, then send it with the new version.",
            details={"expectedVersion": str(expected), "version": str(site.version)},
        )
