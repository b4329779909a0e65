"""Content of a release: packed at the source, placed at the target, verified by manifest.

Only what the target lacks travels, as tar.zst packs of about 256 MiB; what the target's live
release has already is copied from there, plainly (WordPress edits files in place, a hard link would
edit the live release too). A release is built in a fresh folder beside and renamed into place.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import structlog

from migrator.compression import BlockReader, Compressor, decompressed
from migrator.directories import files_below, make_folders, own, replacing
from migrator.errors import JobFailure
from migrator.manifest import (
    FileEntry,
    Manifest,
    PackEntry,
    build_manifest,
    by_sha256,
    file_sha256,
    read_manifest,
)
from migrator.transfer import Folder

log = structlog.get_logger(__name__)

MANIFEST = "manifest.json"
_PACK_BYTES = 256 << 20
_READ_BYTES = 1 << 20


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


def pack(root: Path, destination: Folder, known: Manifest | None = None) -> PackReport:
    """Write manifest and packs of a content folder; files that `known` has do not travel.

    Raises JobFailure when a file changes meanwhile (retryable) or a link is found.
    """
    manifest = build_manifest(root)
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
    source: Folder, manifest: Manifest, root: Path, live_root: Path | None = None
) -> PlaceReport:
    """Build a content folder of exactly the manifest's files and put it in place of `root`.

    Raises JobFailure when a pack or the live release does not hold what the manifest says; the
    folder at `root` is then what it was.
    """
    with replacing(root) as fresh:
        missing = dict(_by_content(manifest.files))
        for item in manifest.packs:
            _read_pack(source, item, missing, fresh)
        copied = _copy_from_live(missing, live_root, fresh) if missing else 0
        verify(fresh, manifest)
    log.info("content_placed", files=len(manifest.files), copied=copied)
    return PlaceReport(manifest=Manifest(files=manifest.files), copied_from_live=copied)


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


# --- placing -------------------------------------------------------------------------------

type _ByContent = Mapping[str, list[FileEntry]]


def _by_content(entries: Sequence[FileEntry]) -> _ByContent:
    """Group by sha256: a content that occurs at several paths travels once."""
    grouped: dict[str, list[FileEntry]] = {}
    for entry in entries:
        grouped.setdefault(entry.sha256, []).append(entry)
    return grouped


def _read_pack(
    source: Folder, item: PackEntry, missing: dict[str, list[FileEntry]], root: Path
) -> None:
    """Unpack one object; a member that the manifest does not want is refused, never written."""
    wanted = {entry.path: entry for entries in missing.values() for entry in entries}
    stream = BlockReader(decompressed(source.blocks(item.name, item.sha256)))
    try:
        with tarfile.open(fileobj=stream.as_file(), mode="r|") as archive:
            for member in archive:
                _unpack(archive, member, wanted, missing, root)
    except tarfile.TarError as error:
        raise JobFailure(f"The pack {item.name} is damaged ({error}). Export again.") from None
    while stream.read(_READ_BYTES):
        continue


def _unpack(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    wanted: Mapping[str, FileEntry],
    missing: dict[str, list[FileEntry]],
    root: Path,
) -> None:
    entry = wanted.get(member.name)
    if entry is None or not member.isreg() or member.size != entry.size:
        raise JobFailure(
            f"A pack holds {ascii(member.name)[:160]}, which is not as its manifest says: nothing "
            "of it was placed. Somebody has changed the transfer; export again."
        )
    content = archive.extractfile(member)
    if content is None or entry.sha256 not in missing:
        raise JobFailure(f"A pack holds {entry.path} twice. Export again.")
    entries = missing.pop(entry.sha256)
    first, *others = entries
    _write(root, first, content)
    for other in others:
        with (root / first.path).open("rb") as copy:
            _write(root, other, copy)


def _write(root: Path, entry: FileEntry, content: IO[bytes]) -> None:
    """Write one file while its sha256 is taken; it must be new and the bytes the expected ones."""
    path = make_folders(root, entry.path)
    digest = hashlib.sha256()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        while block := content.read(_READ_BYTES):
            digest.update(block)
            file.write(block)
        os.fchmod(file.fileno(), entry.mode)
    if digest.hexdigest() != entry.sha256:
        raise JobFailure(f"{entry.path} did not arrive as its manifest says. Export again.")
    own(path)


def _copy_from_live(
    missing: Mapping[str, list[FileEntry]], live_root: Path | None, root: Path
) -> int:
    """Copy what did not travel from the live release, found by content wherever it lies there."""
    if live_root is None:
        raise JobFailure(
            f"{len(missing)} files are in no pack and there is no live release to copy from, for "
            f"example {next(iter(missing.values()))[0].path}. Export again without knownManifest."
        )
    live = _found_in(live_root, missing)
    copied = 0
    for sha256, entries in missing.items():
        origin = live.get(sha256)
        if origin is None:
            raise JobFailure(
                f"{entries[0].path} did not travel because the live release was thought to have "
                "it, and it does not any more. Export again without knownManifest."
            )
        for entry in entries:
            descriptor = os.open(live_root / origin, os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "rb") as content:
                _write(root, entry, content)
            copied += 1
    return copied


def _found_in(live_root: Path, missing: Mapping[str, list[FileEntry]]) -> dict[str, str]:
    """Return sha256 -> path of what is wanted; only files of a wanted size are read."""
    sizes = {entries[0].size for entries in missing.values()}
    found: dict[str, str] = {}
    for path, status in files_below(live_root):
        if status.st_size in sizes:
            found.setdefault(file_sha256(live_root / path, status.st_size), path)
    return found
