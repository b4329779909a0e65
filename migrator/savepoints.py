"""What a change saves before it begins: options, names of tables, and the folders it will touch.

A savepoint lies beside its release, out of reach of the site's containers, under the names of its
operation and change. It is whole once its `saved.json` is there; a change that is done has its
`done.json`. The next operation's first savepoint removes those of the one before (ADR 0042).
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from core.domain.job_models import JobModel
from core.domain.wordpress_changes import WordPressFacts
from migrator.databases import base_tables, quoted, rows
from migrator.directories import OWNER, own, remove, replacing

if TYPE_CHECKING:
    from core.domain.wordpress_changes import SitePlace
    from migrator.databases import Connection

_TRANSIENT = (r"\_transient\_%", r"\_site\_transient\_%")
"""Caches: they come and go by themselves, and customers' requests write them all the time."""


class Saved(JobModel):
    """How the site stood before."""

    options: dict[str, tuple[str, str]]
    """Name -> value and autoload."""
    tables: list[str]
    highest_post: int
    folders: dict[str, bool]
    """Path below wp-content -> whether it was there; then its copy is below `files/`."""


class Finished(JobModel):
    """How the change left the site: what differs from this later is somebody else's."""

    facts: WordPressFacts
    tables: dict[str, int]
    """Tables that it made -> their checksums."""
    by_hand: dict[str, str | None] = Field(default_factory=dict)
    """Options that it has written with statements of its own -> the value; None: deleted."""


@dataclass(frozen=True, kw_only=True)
class Savepoint:
    """The folder of one change's savepoint."""

    folder: Path

    @classmethod
    def of(cls, root: Path, job: SitePlace) -> Savepoint:
        """Return where a change of a release is saved, whether it is or not."""
        return cls(folder=savepoints_of(root) / job.operation_id / job.savepoint)

    @property
    def journal(self) -> Path:
        return self.folder / "journal"

    def saved(self) -> Saved | None:
        """Return what was saved; None: the change has not begun."""
        path = self.folder / "saved.json"
        return Saved.model_validate_json(path.read_bytes()) if path.is_file() else None

    def finished(self) -> Finished | None:
        """Return how the change ended; None: it did not end."""
        path = self.folder / "done.json"
        return Finished.model_validate_json(path.read_bytes()) if path.is_file() else None

    def take(
        self, connection: Connection, schema: str, prefix: str, root: Path, paths: Sequence[str]
    ) -> Saved:
        """Save everything that the change may touch; the last file written makes it whole."""
        remove(self.folder)
        self._make()
        for path in paths:
            if (root / path).exists():
                copy(root / path, self.folder / "files" / path)
        highest = f"SELECT COALESCE(MAX(ID), 0) FROM {quoted(schema)}.{quoted(prefix + 'posts')}"  # noqa: S608 - quoted
        saved = Saved(
            options=read_options(connection, schema, prefix),
            tables=base_tables(connection, schema),
            highest_post=int(rows(connection, highest)[0][0]),
            folders={path: (root / path).exists() for path in paths},
        )
        self.journal.touch(mode=0o600)
        own(self.journal)
        self._write("saved.json", saved)
        return saved

    def finish(self, finished: Finished) -> None:
        """Write down how the change ended."""
        self._write("done.json", finished)

    def put_folder_back(self, root: Path, path: str) -> None:
        """Bring a folder (or a plugin of one file) back as it was saved."""
        kept, target = self.folder / "files" / path, root / path
        if kept.is_file():
            remove(target)
            copy(kept, target)
            return
        with replacing(target) as fresh:
            for item in kept.iterdir():
                copy(item, fresh / item.name)

    def forget(self) -> None:
        """Remove it; with the last one, what savepoints lay in goes too."""
        remove(self.folder)
        for folder in (self.folder.parent, self.folder.parent.parent):
            with suppress(OSError):  # another change's savepoint is still in it
                folder.rmdir()

    def lines(self) -> Iterator[Mapping[str, Any]]:
        """Yield the journal's lines; the last may be cut where the change was killed."""
        for line in self.journal.read_bytes().splitlines() if self.journal.is_file() else ():
            try:
                yield json.loads(line)
            except ValueError:
                return

    def _make(self) -> None:
        """Make the folder for the account that runs WordPress, and nobody else."""
        beside = self.folder.parent.parent
        for folder in (beside, self.folder.parent, self.folder):
            folder.mkdir(mode=0o700, exist_ok=True, parents=True)
            folder.chmod(0o700)
            own(folder)

    def _write(self, name: str, model: JobModel) -> None:
        partial = self.folder / f".{name}"
        with partial.open("w", encoding="utf-8") as file:
            file.write(model.model_dump_json(by_alias=True))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.folder / name)


def savepoints_of(root: Path) -> Path:
    """Return where the savepoints of a release lie."""
    return root.with_name(f".{root.name}.savepoints")


def forget_others(root: Path, operation_id: str) -> None:
    """Remove the savepoints of operations that are over: only one acts on a site at a time."""
    folder = savepoints_of(root)
    for other in folder.iterdir() if folder.is_dir() else ():
        if other.name != operation_id:
            remove(other)


def read_options(connection: Connection, schema: str, prefix: str) -> dict[str, tuple[str, str]]:
    """Return every option but the transient ones: name -> value and autoload."""
    statement = (
        f"SELECT option_name, option_value, autoload FROM {quoted(schema)}."  # noqa: S608 - quoted
        f"{quoted(prefix + 'options')} WHERE option_name NOT LIKE %s AND option_name NOT LIKE %s"
    )
    found = rows(connection, statement, *_TRANSIENT)
    return {str(name): (str(value), str(autoload)) for name, value, autoload in found}


def written_options(savepoint: Savepoint) -> dict[str, list[str | None]]:
    """Return the options that the change wrote -> each value, in order; None: deleted."""
    written: dict[str, list[str | None]] = {}
    for line in savepoint.lines():
        if "option" in line:
            value = line["value"]
            text = None if value is None else base64.b64decode(value).decode("utf-8", "replace")
            written.setdefault(line["option"], []).append(text)
    finished = savepoint.finished()
    for name, text in (finished.by_hand if finished else {}).items():
        written.setdefault(name, []).append(text)
    return {name: values for name, values in written.items() if "_transient_" not in name}


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder as plain files, owned like all content."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_file():
        shutil.copy2(source, target)
        own(target)
        return
    shutil.copytree(source, target, symlinks=True)
    for path in (target, *target.rglob("*")):
        own(path)


def web_user() -> int | None:
    """Return the account that WordPress runs as, where this process may become it."""
    return OWNER if os.geteuid() == 0 else None
