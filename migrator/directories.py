"""Folders of releases on the shared file system: found, filled beside, renamed, removed.

Nothing follows a symbolic link: a job's path is resolved below the mount and refused when any part
of it is a link or leaves the mount.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.domain.job_models import Job
from core.domain.names import site_key
from core.domain.site import Release
from migrator.errors import JobFailure, Refusal

OWNER = 33
"""uid and gid of www-data in the WordPress image."""
FOLDER_MODE = 0o755


def release_root(mount: Path, content_root: str, tenant_id: str, site_id: str) -> Path:
    """Return the folder of a release that a job may make or remove.

    Raises Refusal unless it is /<tenantId>/<siteKey>/r<n> of exactly this site.
    """
    key = site_key(tenant_id, site_id)
    if not re.fullmatch(rf"/{re.escape(tenant_id)}/{key}/r[1-9][0-9]{{0,8}}", content_root):
        raise Refusal(
            f"{content_root[:200]!r} is no release folder of site {site_id} "
            f"(/{tenant_id}/{key}/r<n>); nothing was touched."
        )
    return below(mount, content_root)


def site_folder(mount: Path, job: Job, content_root: str, releases: Iterable[Release]) -> Path:
    """Return a folder that a job may read: a release's of its own site.

    A site that existed before the fleet has its folder under another name, in its release record.
    """
    if content_root in {release.content_root for release in releases}:
        return below(mount, content_root)
    return release_root(mount, content_root, job.tenant_id, job.site_id)


def scratch_folder(mount: Path, job: Job, scratch_root: str) -> Path:
    """Return the folder that a backup is restored to for its proof; raises Refusal for another."""
    expected = f"/{job.tenant_id}/{site_key(job.tenant_id, job.site_id)}/scratch"
    if scratch_root != expected:
        raise Refusal(
            f"{scratch_root[:200]!r} is not the scratch folder of site {job.site_id} "
            f"({expected}); nothing was touched."
        )
    return below(mount, scratch_root)


def below(mount: Path, content_root: str) -> Path:
    """Return a path of the file system as this task sees it; raises Refusal if it leaves it."""
    parts = [part for part in content_root.split("/") if part]
    if not parts or any(part in {".", ".."} or "\x00" in part for part in parts):
        raise Refusal(f"{content_root[:200]!r} is no folder below the file system's root.")
    path = mount
    for part in parts:
        path /= part
        if path.is_symlink():
            raise Refusal(f"{path} is a symbolic link; a release's folder never is. Remove it.")
    return path


@contextmanager
def replacing(root: Path) -> Iterator[Path]:
    """Yield a fresh folder beside `root` that takes its place when the block ends well.

    What an earlier, killed run left beside is removed first, so that a job can be run again.
    """
    root.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    fresh = root.with_name(f".{root.name}.new")
    old = root.with_name(f".{root.name}.old")
    for rest in (fresh, old):
        remove(rest)
    fresh.mkdir(mode=FOLDER_MODE)
    fresh.chmod(FOLDER_MODE)
    try:
        yield fresh
    except Exception:
        remove(fresh)
        raise
    own(fresh)
    if root.exists():
        root.rename(old)
    fresh.rename(root)
    remove(old)


def remove(path: Path) -> bool:
    """Remove a folder or file if it is there; a link is removed, never followed."""
    if path.is_symlink() or path.is_file():
        path.unlink()
        return True
    if path.is_dir():
        shutil.rmtree(path)
        return True
    return False


def remove_beside(root: Path) -> bool:
    """Remove a release's folder and what a killed run left beside it; nothing there is fine."""
    removed = remove(root)
    for rest in (f".{root.name}.new", f".{root.name}.old"):
        remove(root.with_name(rest))
    return removed


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that holds nothing any more; one that holds something stays."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def own(path: Path) -> None:
    """Give a file or folder to 33:33 if this process may (it runs as root in the container)."""
    if os.geteuid() == 0:
        os.chown(path, OWNER, OWNER, follow_symlinks=False)


def make_folders(root: Path, relative: str) -> Path:
    """Make the folders that a file below `root` needs, owned like the files; return its path."""
    parts = relative.split("/")
    folder = root
    for part in parts[:-1]:
        folder /= part
        try:
            folder.mkdir(mode=FOLDER_MODE)
        except FileExistsError:
            continue
        folder.chmod(FOLDER_MODE)
        own(folder)
    return folder / parts[-1]


def files_below(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield each regular file below a folder as (relative path with slashes, stat), by name.

    Raises JobFailure for a symbolic link or anything else that is no file and no folder, and when
    the folder is not there.
    """
    if not root.is_dir() or root.is_symlink():
        raise JobFailure(
            f"The content folder {root} is not there. Check that the file system is mounted and "
            "the release's record is right."
        )
    yield from _walk(root, "")


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        name = f"{prefix}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{name}/")
        elif entry.is_file(follow_symlinks=False):
            yield name, entry.stat(follow_symlinks=False)
        else:
            raise JobFailure(
                f"{folder / entry.name} is a symbolic link or a special file; content is moved as "
                "plain files only. Replace it by a copy."
            )
