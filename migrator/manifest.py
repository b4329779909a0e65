"""The manifest of a release's content: path, size, mode and sha256 of every file.

It decides what travels (files whose sha256 the target lacks), what a placed release consists of
(stale files are not in it) and what is verified. As JSON: {"version", "files", "packs"}.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError, field_validator

from core.domain.census import ContentSummary
from core.domain.job_models import JobModel
from migrator.directories import files_below
from migrator.errors import JobFailure, Refusal

_TRANSIENT_FOLDERS = frozenset({"cache", "upgrade"})
_CODE_FOLDERS = frozenset({"plugins", "themes", "mu-plugins"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")
_READ_BYTES = 1 << 20

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class FileEntry(JobModel):
    """One file below wp-content."""

    path: str
    size: Annotated[int, Field(ge=0)]
    mode: Annotated[int, Field(ge=0, le=0o777)]
    sha256: Sha256

    @field_validator("path")
    @classmethod
    def _stays_below(cls, value: str) -> str:
        require_plain_path(value)
        return value


class PackEntry(JobModel):
    """One tar.zst object with files that travelled; `name` is below the transfer prefix."""

    name: Annotated[str, Field(pattern=r"^content/[0-9]{5}\.tar\.zst$")]
    sha256: Sha256
    size_bytes: int


class Manifest(JobModel):
    """All files of a release and, in a transfer, the packs that bring the missing ones."""

    version: int = 1
    files: list[FileEntry]
    packs: list[PackEntry] = Field(default_factory=list)

    def to_json(self) -> bytes:
        """Return the stored form, the same bytes for the same content."""
        return self.model_dump_json(by_alias=True).encode()

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files)


def read_manifest(text: bytes, where: str) -> Manifest:
    """Parse a manifest; raises JobFailure for a wrong one, Refusal for a path that leaves."""
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise JobFailure(
            f"The manifest {where} is wrong at {'.'.join(map(str, first['loc']))}: {first['msg']}. "
            "Export the content again."
        ) from None
    paths = {entry.path for entry in manifest.files}
    if len(paths) != len(manifest.files):
        raise JobFailure(f"The manifest {where} names a file twice. Export the content again.")
    return manifest


def require_plain_path(path: str) -> None:
    """Refuse a path that is absolute, climbs up, or holds what a path of ours never holds."""
    parts = path.split("/")
    if any(part in {"", ".", ".."} for part in parts) or _CONTROL.search(path):
        raise ValueError(f"{path[:120]!r} is no plain path below wp-content")


def is_excluded(path: str) -> bool:
    """Tell whether a file stays behind: what lies in a cache or upgrade folder.

    Code keeps its folders of that name: libraries below plugins and themes (psr/cache is one)
    would break without them, so there only a release's own runtime folders are left out.
    """
    folders = path.split("/")[:-1]
    if folders and folders[0] in _CODE_FOLDERS:
        return False
    return any(folder in _TRANSIENT_FOLDERS for folder in folders)


def build_manifest(root: Path, wanted: Callable[[str], bool] = lambda _path: True) -> Manifest:
    """Read every wanted file of a content folder; raises JobFailure for links and odd names."""
    entries = []
    for path, status in files_below(root):
        if is_excluded(path) or not wanted(path):
            continue
        _require_sendable(path)
        entries.append(
            FileEntry(
                path=path,
                size=status.st_size,
                mode=status.st_mode & 0o777,
                sha256=file_sha256(root / path, status.st_size),
            )
        )
    return Manifest(files=entries)


def summarise(root: Path) -> ContentSummary:
    """Count files and bytes per top folder, without reading the files."""
    files = size = 0
    folders: dict[str, int] = {}
    for path, status in files_below(root):
        if is_excluded(path):
            continue
        files += 1
        size += status.st_size
        top = path.split("/")[0] if "/" in path else "."
        folders[top] = folders.get(top, 0) + status.st_size
    return ContentSummary(files=files, size_bytes=size, folders=folders)


def by_sha256(entries: Iterable[FileEntry]) -> Mapping[str, FileEntry]:
    """Return one entry per content."""
    return {entry.sha256: entry for entry in entries}


def file_sha256(path: Path, expected_size: int) -> str:
    """Return a file's sha256; raises JobFailure when its size is not the one that was seen."""
    digest = hashlib.sha256()
    size = 0
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
            size += len(block)
    if size != expected_size:
        raise JobFailure(f"{path} changed while it was read. Run the job again.", retryable=True)
    return digest.hexdigest()


def _require_sendable(path: str) -> None:
    try:
        require_plain_path(path)
        path.encode()
    except ValueError as error:
        raise Refusal(
            f"A file's name cannot be moved ({type(error).__name__}): {ascii(path)[:200]}. "
            "Rename it on the source."
        ) from None
