"""The jobs that change a WordPress in place, how they are taken back, and what they report."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from core.domain.job_models import Database, Job, JobModel, ObjectLocation
from events.formats import ExtensionVersion, OptionName, PluginSlug, TemplateId, ThemeSlug


class PluginPackage(JobModel):
    """A vetted plugin version and where its zip file is."""

    slug: PluginSlug
    version: ExtensionVersion
    package: ObjectLocation
    sha256: str


class InstallPlugins(JobModel):
    """Unpack plugins and activate them."""

    action: Literal["install-plugins"] = "install-plugins"
    plugins: list[PluginPackage]


class UpdatePlugins(JobModel):
    """Replace the files of plugins; active ones stay active, others stay inactive."""

    action: Literal["update-plugins"] = "update-plugins"
    plugins: list[PluginPackage]


class ConfigurePlugins(JobModel):
    """Set options of plugins that are installed."""

    action: Literal["configure-plugins"] = "configure-plugins"
    options: dict[PluginSlug, dict[OptionName, JsonValue]]


class EnablePlugins(JobModel):
    """Activate plugins that are installed."""

    action: Literal["enable-plugins"] = "enable-plugins"
    slugs: list[PluginSlug]


class DisablePlugins(JobModel):
    """Deactivate plugins; their files and data stay."""

    action: Literal["disable-plugins"] = "disable-plugins"
    slugs: list[PluginSlug]


class UninstallPlugins(JobModel):
    """Deactivate plugins and remove their files; what they have stored stays (ADR 0042)."""

    action: Literal["uninstall-plugins"] = "uninstall-plugins"
    slugs: list[PluginSlug]


class ChangeTheme(JobModel):
    """Switch to a theme that the site or its WordPress has."""

    action: Literal["change-theme"] = "change-theme"
    theme: ThemeSlug


class ApplyTemplate(JobModel):
    """Bring in a template: theme, plugins, options, and the pages that are not there yet."""

    action: Literal["apply-template"] = "apply-template"
    template_id: TemplateId
    package: ObjectLocation
    sha256: str
    theme: ThemeSlug
    plugins: list[PluginPackage] = Field(default_factory=list)
    options: dict[OptionName, str | int | bool] = Field(default_factory=dict)


type WordPressChange = Annotated[
    InstallPlugins
    | UpdatePlugins
    | ConfigurePlugins
    | EnablePlugins
    | DisablePlugins
    | UninstallPlugins
    | ChangeTheme
    | ApplyTemplate,
    Field(discriminator="action"),
]


class SitePlace(Job):
    """The release of a site that a change is made in."""

    database: Database
    content_root: str
    site_url: str
    savepoint: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    """Name of the change within its operation: a repeated attempt finds what the first one saved,
    and so does the job that takes it back."""


class ChangeWordPressJob(SitePlace):
    """Change plugins, theme or content of a release; a savepoint is taken first."""

    kind: Literal["change-wordpress"] = "change-wordpress"
    change: WordPressChange


class TakeBackWordPressJob(SitePlace):
    """Undo: bring back what a change has changed, and nothing that others wrote since."""

    kind: Literal["take-back-wordpress"] = "take-back-wordpress"


class WordPressFacts(JobModel):
    """What a change did. Names and versions only; never the value of an option."""

    template: str | None = None
    theme: str | None = None
    plugins: dict[str, str] = Field(default_factory=dict)
    """Slug -> version of the plugins concerned: as installed, updated, enabled, or as they were
    before they were disabled or uninstalled."""
    options: list[str] = Field(default_factory=list)
    """Options that have another value than before."""
    pages: list[str] = Field(default_factory=list)
    """Slugs of the pages that were made."""


class TakenBackFacts(JobModel):
    """What an undo brought back, and what it left because somebody has written to it since."""

    restored: bool
    """False: there was nothing to take back."""
    options: list[str] = Field(default_factory=list)
    kept_options: list[str] = Field(default_factory=list)
    kept_tables: list[str] = Field(default_factory=list)
    kept_pages: list[str] = Field(default_factory=list)
