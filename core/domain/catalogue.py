"""The catalogue: which templates and plugins sites may have, as the platform has vetted them.

Source: the platform's runbook lists a templates service and a plugins service ("security-vetted",
with a blocklist). Their items stand in the sites table, their packages in the templates bucket;
docs/reference/catalogue.md describes both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from core.domain.versions import Version
from events.formats import (
    ExtensionVersion,
    OptionName,
    PluginSlug,
    ProductVersion,
    TemplateId,
    ThemeSlug,
)

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class CatalogueModel(BaseModel):
    """Base of the catalogue's items: frozen, camelCase; what others add to an item is ignored."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class Package(CatalogueModel):
    """A zip file in the templates bucket."""

    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,500}$")]
    sha256: Sha256
    """Of the zip file; a job unpacks nothing else."""


class Requirements(CatalogueModel):
    """What WordPress and PHP must at least be; None: any."""

    minimum_wordpress: ProductVersion | None = None
    minimum_php: ProductVersion | None = None


class PluginVersion(Requirements):
    """One version of a plugin that may be installed."""

    version: ExtensionVersion
    package: Package


class Vulnerability(CatalogueModel):
    """A known weakness of the versions from `introduced_in` up to, not including, `fixed_in`."""

    identifier: str
    """CVE or the like: what people look up."""
    introduced_in: ExtensionVersion | None = None
    """None: from the first version on."""
    fixed_in: ExtensionVersion | None = None
    """None: in no version yet."""

    def affects(self, version: str) -> bool:
        """Tell whether a version has it."""
        found = Version(version)
        after_start = self.introduced_in is None or found >= Version(self.introduced_in)
        return after_start and (self.fixed_in is None or found < Version(self.fixed_in))


class Plugin(CatalogueModel):
    """A plugin that the platform knows, whether it allows it or not."""

    slug: PluginSlug
    versions: tuple[PluginVersion, ...] = ()
    blocklisted: str | None = None
    """Why no site may have it; None: it is allowed."""
    vulnerabilities: tuple[Vulnerability, ...] = ()
    conflicts: tuple[PluginSlug, ...] = ()
    """Plugins that do not work beside it; one side's word is enough."""

    def vulnerabilities_of(self, version: str) -> list[str]:
        """Return the identifiers of what is known against a version."""
        return [item.identifier for item in self.vulnerabilities if item.affects(version)]


class IncludedPlugin(CatalogueModel):
    """A plugin that a template brings along."""

    slug: PluginSlug
    version: ExtensionVersion | None = None
    """None: the newest that passes vetting."""


class Template(Requirements):
    """A look and first content for a site: its theme, plugins, options and pages."""

    template_id: TemplateId
    theme: ThemeSlug
    plugins: tuple[IncludedPlugin, ...] = ()
    package: Package
    """Holds `template.json` (options, pages) and `themes/<theme>/`."""
    options: Mapping[OptionName, str | int | bool] = Field(default_factory=dict)
    """Options of WordPress that it sets, beside those in its package."""
