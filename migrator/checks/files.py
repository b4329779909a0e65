"""Can WordPress read and write its files: everything belongs to 33:33."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from core.domain.job_models import Check
from migrator.checks.subjects import Inside
from migrator.checks.verdicts import verdict
from migrator.directories import OWNER


def owned_by_wordpress(release: Inside) -> Check:
    """Look at every file and folder.

    A process that is not root (one machine, started by a person) cannot give files away: there
    its own user and group pass too, and the evidence says so.
    """
    name, content_root = "files owned 33:33", release.content_root
    if not content_root.is_dir():
        return verdict(name, [f"{content_root} is not there"], "")
    allowed = {(OWNER, OWNER)}
    if os.geteuid() != 0:
        allowed.add((os.geteuid(), os.getegid()))
    count = 0
    problems = []
    for path, status in _everything(content_root):
        count += 1
        if (status.st_uid, status.st_gid) not in allowed:
            problems.append(f"{path.relative_to(content_root)}: {status.st_uid}:{status.st_gid}")
    note = "" if os.geteuid() == 0 else " (or this process's own user: it is not root)"
    return verdict(name, problems, f"{count} files and folders{note}")


def _everything(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    yield root, root.lstat()
    for folder, names, files in root.walk():
        for name in (*names, *files):
            path = folder / name
            yield path, path.lstat()
