"""The files that a change brings: unpacked from vetted packages, or WordPress' own themes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from core.domain.catalogue import CatalogueModel
from core.domain.vetting import require_settable
from core.domain.wordpress_changes import (
    ApplyTemplate,
    ChangeTheme,
    InstallPlugins,
    PluginPackage,
    UpdatePlugins,
    WordPressChange,
)
from events.formats import OptionName
from migrator.errors import JobFailure
from migrator.packages import opened, read_text, unpack
from migrator.wordpress import plugin_versions

if TYPE_CHECKING:
    from migrator.services import Services


class Page(CatalogueModel):
    """A page of a template; `{{siteUrl}}` in its content becomes the site's address."""

    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,199}$")
    title: str
    content: str
    front: bool = False
    """Whether it is the site's front page."""


class TemplateContent(CatalogueModel):
    """What `template.json` in a template's package holds."""

    options: dict[OptionName, str | int | bool] = Field(default_factory=dict)
    pages: list[Page] = Field(default_factory=list)


@dataclass(kw_only=True)
class Arriving:
    """What a change brings to a site."""

    folders: dict[str, Path] = field(default_factory=dict)
    """Path below wp-content -> the unpacked folder."""
    plugins: dict[str, str] = field(default_factory=dict)
    """Slug -> version."""
    content: TemplateContent = field(default_factory=TemplateContent)


def arriving_files(
    services: Services, change: WordPressChange, root: Path, scratch: Path
) -> Arriving:
    """Unpack what a change of the content at `root` brings below `scratch`.

    Raises JobFailure for what is not as vetted.
    """
    arriving = Arriving()
    match change:
        case InstallPlugins() | UpdatePlugins():
            _unpack_plugins(services, change.plugins, scratch, arriving)
        case ApplyTemplate():
            _unpack_plugins(services, change.plugins, scratch, arriving)
            _unpack_template(services, change, scratch, arriving)
        case ChangeTheme():
            path = f"themes/{change.theme}"
            own = services.configuration.wordpress_path / "wp-content" / path
            if not (root / path).exists() and (own / "style.css").is_file():
                arriving.folders[path] = own
        case _:
            pass
    return arriving


# --- private -------------------------------------------------------------------------------


def _unpack_plugins(
    services: Services, plugins: list[PluginPackage], scratch: Path, arriving: Arriving
) -> None:
    for plugin in plugins:
        path = f"plugins/{plugin.slug}"
        with opened(services, plugin.package, plugin.sha256) as archive:
            unpack(archive, plugin.slug, scratch / path)
        files = [f"{plugin.slug}/{file.name}" for file in (scratch / path).glob("*.php")]
        versions = set(plugin_versions(scratch, files).values()) - {"unknown", "missing"}
        if versions != {plugin.version}:
            raise JobFailure(
                f"The package of {plugin.slug} {plugin.version} says it is version "
                f"{', '.join(sorted(versions)) or 'unknown'}. Correct the catalogue or the package."
            )
        arriving.folders[path] = scratch / path
        arriving.plugins[plugin.slug] = plugin.version


def _unpack_template(
    services: Services, change: ApplyTemplate, scratch: Path, arriving: Arriving
) -> None:
    path = f"themes/{change.theme}"
    with opened(services, change.package, change.sha256) as archive:
        unpack(archive, path, scratch / path)
        text = read_text(archive, "template.json")
    if not (scratch / path / "style.css").is_file():
        raise JobFailure(
            f"The package of template {change.template_id} holds no {path}/style.css. Build it "
            "anew with its theme."
        )
    try:
        content = TemplateContent.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise JobFailure(
            f"The template.json of {change.template_id} is wrong: "
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}. Build the package anew."
        ) from None
    require_settable(content.options, f"The template {change.template_id}")
    arriving.folders[path] = scratch / path
    arriving.content = content
