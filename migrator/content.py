"""Content of a release: packed at the source, placed at the target, verified by manifest.

Only what the target lacks travels, as tar.zst packs of about 256 MiB; what the target's live
release has already is copied from there, plainly (WordPress edits files in place, a hard link would
edit the live release too). A release is built in a fresh folder beside and renamed into place.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import structlog

from core.domain.protection import within
from migrator.compression import Compressor
from migrator.directories import replacing
from migrator.errors import JobFailure
from migrator.manifest import (
    FileEntry,
    Manifest,
    PackEntry,
    build_manifest,
    by_sha256,
    read_manifest,
)
from migrator.transfer import Folder
from migrator.unpacking import by_content, copy_from_live, read_pack

log = structlog.get_logger(__name__)

MANIFEST = "manifest.json"
_PACK_BYTES = 256 << 20


@dataclass(frozen=True, kw_only=True)
class PackReport:
    """What was packed."""

    manifest: Manifest
    manifest_sha256: str
    travelled: int
    """Files in the packs."""


@dataclass(frozen=True, kw_only=True)
class PlaceReport:
    """What was placed."""

    manifest: Manifest
    copied_from_live: int


def pack(
    root: Path,
    destination: Folder,
    known: Manifest | None = None,
    folders: Collection[str] | None = None,
) -> PackReport:
    """Write manifest and packs of a content folder, or of some folders below it.

    Files that `known` has do not travel. Raises JobFailure when a file changes meanwhile
    (retryable) or a link is found.
    """
    manifest = build_manifest(root, lambda path: folders is None or within(path, folders))
    have = by_sha256(known.files) if known else {}
    travelling = list(
        by_sha256(item for item in manifest.files if item.sha256 not in have).values()
    )
    packs = [
        _write_pack(root, destination, f"content/{number:05d}.tar.zst", group)
        for number, group in enumerate(_groups(travelling), start=1)
    ]
    complete = Manifest(files=manifest.files, packs=packs)
    with destination.writer(MANIFEST) as sink:
        sink.write(complete.to_json())
    log.info("content_packed", files=len(manifest.files), travelling=len(travelling))
    return PackReport(
        manifest=complete, manifest_sha256=sink.digest.sha256, travelled=len(travelling)
    )


def load_manifest(source: Folder, name: str = MANIFEST, sha256: str | None = None) -> Manifest:
    """Read a manifest; raises JobFailure when its sha256 is not the expected one."""
    return read_manifest(b"".join(source.blocks(name, sha256)), name)


def place(
    source: Folder,
    transfer: Manifest,
    root: Path,
    live_root: Path | None = None,
    wanted: Manifest | None = None,
) -> PlaceReport:
    """Build a content folder of exactly the wanted files and put it in place of `root`.

    Without `wanted` these are the transfer's. Raises JobFailure when a pack or the live release
    does not hold what the manifests say; the folder at `root` is then what it was.
    """
    result = Manifest(files=(wanted or transfer).files)
    with replacing(root) as fresh:
        missing = dict(by_content(result.files))
        sent = {entry.path: entry for entry in transfer.files}
        for item in transfer.packs:
            read_pack(source, item, sent, missing, fresh)
        copied = copy_from_live(missing, live_root, fresh) if missing else 0
        verify(fresh, result)
    log.info("content_placed", files=len(result.files), copied=copied)
    return PlaceReport(manifest=result, copied_from_live=copied)


def mixed(
    transfer: Manifest, live_root: Path, selected: Collection[str] | None, kept: Collection[str]
) -> Manifest:
    """Return what a release consists of when only a part of it comes from the source.

    From the live release: the kept folders and, when folders were selected, all others.
    """

    def stays(path: str) -> bool:
        return within(path, kept) or (selected is not None and not within(path, selected))

    arriving = [entry for entry in transfer.files if not stays(entry.path)]
    return Manifest(files=[*arriving, *build_manifest(live_root, stays).files])


def verify(root: Path, manifest: Manifest) -> None:
    """Compare a folder with its manifest, file by file; raises JobFailure naming the first few."""
    found = {entry.path: entry for entry in build_manifest(root).files}
    expected = {entry.path: entry for entry in manifest.files}
    wrong = sorted(
        path for path in found.keys() | expected.keys() if found.get(path) != expected.get(path)
    )
    if wrong:
        raise JobFailure(
            f"The placed content differs from its manifest in {len(wrong)} files, for example "
            f"{', '.join(wrong[:5])}. Run the job again; if it stays, look at the file system.",
            retryable=True,
        )


# --- packing -------------------------------------------------------------------------------


def _groups(entries: Sequence[FileEntry]) -> Iterator[list[FileEntry]]:
    group: list[FileEntry] = []
    size = 0
    for entry in entries:
        if group and size + entry.size > _PACK_BYTES:
            yield group
            group, size = [], 0
        group.append(entry)
        size += entry.size
    if group:
        yield group


def _write_pack(root: Path, to: Folder, name: str, entries: Sequence[FileEntry]) -> PackEntry:
    with to.writer(name) as sink:
        compressor = Compressor(sink)
        with tarfile.open(
            fileobj=compressor.as_file(), mode="w|", format=tarfile.PAX_FORMAT
        ) as archive:
            for entry in entries:
                _add(archive, root, entry)
        compressor.close()
    return PackEntry(name=name, sha256=sink.digest.sha256, size_bytes=sink.digest.size_bytes)


def _add(archive: tarfile.TarFile, root: Path, entry: FileEntry) -> None:
    member = tarfile.TarInfo(entry.path)
    member.size, member.mode = entry.size, entry.mode
    descriptor = os.open(root / entry.path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        reader = _HashingReader(file)
        try:
            archive.addfile(member, reader)
        except OSError as error:
            raise JobFailure(
                f"{entry.path} could not be read to its end ({error}). Run the job again.",
                retryable=True,
            ) from None
    if reader.digest.hexdigest() != entry.sha256:
        raise JobFailure(
            f"{entry.path} changed while the content was exported. Run the job again.",
            retryable=True,
        )


class _HashingReader:
    """Reads a file for tarfile and keeps the sha256 of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data
