"""A small catalogue for simulations: what a site may have, and what it may not have, and why."""

from __future__ import annotations

from typing import Final

from core.domain.catalogue import (
    IncludedPlugin,
    Package,
    Plugin,
    PluginVersion,
    Requirements,
    Template,
    Vulnerability,
)

ANY: Final = Requirements()


def plugin(
    slug: str,
    *versions: str,
    needs: Requirements = ANY,
    blocklisted: str | None = None,
    vulnerabilities: tuple[Vulnerability, ...] = (),
    conflicts: tuple[str, ...] = (),
) -> Plugin:
    """Return a plugin; each of its versions has a package and the same needs."""
    return Plugin(
        slug=slug,
        versions=tuple(
            PluginVersion(
                version=version,
                package=Package(key=f"plugins/{slug}-{version}.zip", sha256="a" * 64),
                minimum_wordpress=needs.minimum_wordpress,
                minimum_php=needs.minimum_php,
            )
            for version in versions
        ),
        blocklisted=blocklisted,
        vulnerabilities=vulnerabilities,
        conflicts=conflicts,
    )


PLUGINS: Final = {
    item.slug: item
    for item in (
        plugin("banner", "1.0.0", "1.1.0"),
        plugin("ribbon", "1.0.0", conflicts=("banner",)),
        plugin("miner", "1.0.0", blocklisted="it uses visitors' processors"),
        plugin(
            "gallery",
            "1.0.0",
            "1.2.0",
            vulnerabilities=(Vulnerability(identifier="CVE-2026-0001", fixed_in="1.2.0"),),
        ),
        plugin("forms", "1.0.0"),
        plugin("counter", "1.0.0"),
        plugin("modern", "1.0.0", needs=Requirements(minimum_wordpress="9.0")),
    )
}
TEMPLATES: Final = {
    "starter": Template(
        template_id="starter",
        theme="starter",
        plugins=(IncludedPlugin(slug="banner"),),
        package=Package(key="templates/starter.zip", sha256="b" * 64),
        options={"blogdescription": "A fresh start"},
    ),
    "plain": Template(
        template_id="plain",
        theme="plain",
        package=Package(key="templates/plain.zip", sha256="b" * 64),
        options={"blogdescription": "Plain and simple"},
    ),
    "future": Template(
        template_id="future",
        theme="future",
        package=Package(key="templates/future.zip", sha256="b" * 64),
        minimum_wordpress="9.0",
    ),
}
