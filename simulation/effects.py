"""What jobs leave behind outside AWS: schemas and directories."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from core.domain.wordpress_changes import (
    ApplyTemplate,
    ChangeTheme,
    ConfigurePlugins,
    DisablePlugins,
    EnablePlugins,
    InstallPlugins,
    UninstallPlugins,
    UpdatePlugins,
    WordPressChange,
)


@dataclass(kw_only=True)
class WordPress:
    """What a schema and a directory together say of plugins, theme and options."""

    theme: str = "twentytwentythree"
    plugins: dict[str, str] = field(default_factory=dict)
    """Slug -> version, of those whose files are there."""
    active: set[str] = field(default_factory=set)
    options: dict[str, object] = field(default_factory=dict)

    def change(self, change: WordPressChange) -> None:
        """Make a change; made again, it changes nothing more."""
        match change:
            case ChangeTheme():
                self.theme = change.theme
            case ApplyTemplate():
                self.theme = change.theme
                self.options |= change.options
                self._plugins(InstallPlugins(plugins=change.plugins))
            case ConfigurePlugins():
                for options in change.options.values():
                    self.options |= options
            case _:
                self._plugins(change)

    def _plugins(self, change: WordPressChange) -> None:
        match change:
            case InstallPlugins() | UpdatePlugins():
                self.plugins |= {plugin.slug: plugin.version for plugin in change.plugins}
                if isinstance(change, InstallPlugins):
                    self.active |= {plugin.slug for plugin in change.plugins}
            case EnablePlugins():
                self.active |= set(change.slugs)
            case DisablePlugins() | UninstallPlugins():
                self.active -= set(change.slugs)
                if isinstance(change, UninstallPlugins):
                    self.plugins = {s: v for s, v in self.plugins.items() if s not in change.slugs}


@dataclass(kw_only=True)
class Effects:
    """The databases and the file system of one environment."""

    schemas: set[str] = field(default_factory=set)
    directories: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    """Sites that have a database user."""
    wordpresses: dict[str, WordPress] = field(default_factory=dict)
    """Schema -> the WordPress in it."""
    savepoints: dict[tuple[str, str], WordPress] = field(default_factory=dict)
    """(operation, change) -> how its WordPress stood before."""

    def make_schema(self, name: str) -> None:
        """Make it anew; jobs may run twice."""
        self.schemas.add(name)

    def drop_schema(self, name: str) -> None:
        self.schemas.discard(name)
        self.wordpresses.pop(name, None)

    def change_wordpress(
        self, savepoint: tuple[str, str], schema: str, change: WordPressChange
    ) -> None:
        """Save how it stands, unless an earlier attempt has, and change it."""
        wordpress = self.wordpresses.setdefault(schema, WordPress())
        self.savepoints.setdefault(savepoint, copy.deepcopy(wordpress))
        wordpress.change(change)

    def take_wordpress_back(self, savepoint: tuple[str, str], schema: str) -> bool:
        """Put it back to the savepoint; none there is fine."""
        saved = self.savepoints.pop(savepoint, None)
        if saved is not None:
            self.wordpresses[schema] = saved
        return saved is not None

    def make_directory(self, path: str) -> None:
        self.directories.add(path)

    def remove_directory(self, path: str) -> None:
        self.directories.discard(path)
