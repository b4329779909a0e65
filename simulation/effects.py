"""What jobs leave behind outside AWS: schemas and directories."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Effects:
    """The databases and the file system of one environment."""

    schemas: set[str] = field(default_factory=set)
    directories: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    """Sites that have a database user."""

    def make_schema(self, name: str) -> None:
        """Make it anew; jobs may run twice."""
        self.schemas.add(name)

    def drop_schema(self, name: str) -> None:
        self.schemas.discard(name)

    def make_directory(self, path: str) -> None:
        self.directories.add(path)

    def remove_directory(self, path: str) -> None:
        self.directories.discard(path)
