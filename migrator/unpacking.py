"""Filling a release's folder: from packs, and by plain copies of what the live release has."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from migrator.compression import BlockReader, decompressed
from migrator.directories import files_below, make_folders, own
from migrator.errors import JobFailure
from migrator.manifest import FileEntry, PackEntry, file_sha256
from migrator.transfer import Folder

_READ_BYTES = 1 << 20

type ByContent = Mapping[str, list[FileEntry]]
"""sha256 -> the entries that have it."""


def by_content(entries: Sequence[FileEntry]) -> ByContent:
    """Group by sha256: a content that occurs at several paths travels once."""
    grouped: dict[str, list[FileEntry]] = {}
    for entry in entries:
        grouped.setdefault(entry.sha256, []).append(entry)
    return grouped


def read_pack(
    source: Folder,
    item: PackEntry,
    sent: dict[str, FileEntry],
    missing: dict[str, list[FileEntry]],
    root: Path,
) -> None:
    """Unpack one object; a member that the transfer does not list is refused, never written.

    A member leaves `sent` when it is read: a second one of its name is refused as well.
    """
    stream = BlockReader(decompressed(source.blocks(item.name, item.sha256)))
    try:
        with tarfile.open(fileobj=stream.as_file(), mode="r|") as archive:
            for member in archive:
                _unpack(archive, member, sent, missing, root)
    except tarfile.TarError as error:
        raise JobFailure(f"The pack {item.name} is damaged ({error}). Export again.") from None
    while stream.read(_READ_BYTES):
        continue


def _unpack(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    sent: dict[str, FileEntry],
    missing: dict[str, list[FileEntry]],
    root: Path,
) -> None:
    entry = sent.pop(member.name, None)
    if entry is None or not member.isreg() or member.size != entry.size:
        raise JobFailure(
            f"A pack holds {ascii(member.name)[:160]}, which is not as its manifest says: nothing "
            "of it was placed. Somebody has changed the transfer; export again."
        )
    content = archive.extractfile(member)
    entries = missing.pop(entry.sha256, None)
    if content is None or entries is None:
        return  # the live release's own files stand in its place
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


def copy_from_live(
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
