"""Packages of the catalogue: fetched from the templates bucket, verified, unpacked safely.

Nothing comes from the open internet. A zip file is read only after its sha256 is the catalogue's;
even then no member may leave its folder, be a link, or make the whole larger than a site's plugin
can reasonably be.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from migrator.directories import make_folders, own
from migrator.errors import JobFailure, Refusal
from migrator.transfer import BLOCK_BYTES, Digest, S3Folder

if TYPE_CHECKING:
    from core.domain.job_models import ObjectLocation
    from migrator.services import Services

_MOST_FILES = 20_000
_MOST_BYTES = 512 << 20
"""Of the unpacked files; the largest plugins in use are below a fifth of it."""
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\:]")


@contextmanager
def opened(services: Services, location: ObjectLocation, sha256: str) -> Iterator[zipfile.ZipFile]:
    """Yield a package of the templates bucket; raises JobFailure when it is not the vetted one."""
    bucket = services.configuration.required("templates_bucket")
    where = f"s3://{location.bucket}/{location.key}"
    if location.bucket != bucket:
        raise Refusal(f"{where} is not in the templates bucket {bucket}; nothing was fetched.")
    with tempfile.TemporaryFile(dir=services.configuration.scratch_path) as file:
        digest = Digest()
        for block in S3Folder(services.s3, location.bucket, "").blocks(location.key):
            digest.update(block)
            file.write(block)
        if digest.sha256 != sha256:
            raise JobFailure(
                f"The package {where} has the sha256 {digest.sha256}, and {sha256} was vetted: "
                "somebody has replaced it. Nothing was unpacked. Have it vetted again."
            )
        with _archive(file, where) as archive:
            yield archive


def unpack(archive: zipfile.ZipFile, folder: str, target: Path) -> int:
    """Write what is below `folder/` in a package to a new folder; return how many files.

    Raises JobFailure, before anything is written, for a package with a path that climbs, a link,
    an encrypted member, or too much in it; and when there is nothing below `folder/`.
    """
    _require_safe(archive)
    prefix = f"{folder}/"
    wanted = [
        member
        for member in archive.infolist()
        if member.filename.startswith(prefix) and not member.is_dir()
    ]
    if not wanted:
        raise JobFailure(
            f"The package {archive.filename or ''} has no folder {folder}/ with files in it. Build "
            "it anew: one folder, named like the plugin or theme."
        )
    target.mkdir(parents=True)
    left = _MOST_BYTES
    for member in wanted:
        with archive.open(member) as content:
            left -= _write(target, member.filename.removeprefix(prefix), content, left)
    return len(wanted)


def read_text(archive: zipfile.ZipFile, name: str) -> str:
    """Return one small text of a package; raises JobFailure when it is not there."""
    _require_safe(archive)
    try:
        with archive.open(name) as content:
            return content.read(BLOCK_BYTES).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        raise JobFailure(f"The package has no readable {name}. Build it anew.") from None


# --- private -------------------------------------------------------------------------------


def _archive(file: IO[bytes], where: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except zipfile.BadZipFile:
        raise JobFailure(f"The package {where} is no zip file. Have it built anew.") from None


def _require_safe(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    size = sum(member.file_size for member in members)
    if len(members) > _MOST_FILES or size > _MOST_BYTES:
        raise JobFailure(
            f"A package of {len(members)} files and {size} bytes is larger than {_MOST_FILES} "
            f"files or {_MOST_BYTES} bytes; nothing of it was unpacked."
        )
    for member in members:
        complaint = _complaint(member)
        if complaint is not None:
            raise JobFailure(
                f"The package holds {ascii(member.filename)[:160]}, {complaint}; nothing of it was "
                "unpacked. Security has to look at where it came from."
            )


def _complaint(member: zipfile.ZipInfo) -> str | None:
    parts = member.filename.rstrip("/").split("/")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if member.orig_filename != member.filename or _UNSAFE.search(member.filename):
        return "a name with characters that no package needs"
    if member.filename.startswith("/") or any(part in {"", ".", ".."} for part in parts):
        return "a path that leaves its folder"
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "a link or a special file"
    return "an encrypted file" if member.flag_bits & 1 else None


def _write(root: Path, relative: str, content: IO[bytes], most: int) -> int:
    """Write one new file, 644 and owned like all content; return its size."""
    path = make_folders(root, relative)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    size = 0
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        while block := content.read(BLOCK_BYTES):
            size += len(block)
            if size > most:
                raise JobFailure("A package unpacks to more than it says; it was thrown away.")
            file.write(block)
        os.fchmod(file.fileno(), 0o644)
    own(path)
    return size
