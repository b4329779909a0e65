"""What a deletion asks of the container job: a backup, its proof, and the removal of the site."""

from __future__ import annotations

from typing import Literal

from core.domain.job_models import Database, Job, ObjectLocation


class BackUpJob(Job):
    """Write dump, content manifest and content packs of a site that rests, to keep them."""

    kind: Literal["back-up"] = "back-up"
    database: Database
    release: int
    content_root: str
    destination: ObjectLocation


class ProveBackupJob(Job):
    """Restore a backup beside the live release, compare every row and file, remove it again."""

    kind: Literal["prove-backup"] = "prove-backup"
    database: Database
    """The live release's."""
    content_root: str
    scratch_schema: str
    scratch_root: str
    source: ObjectLocation
    """The backup's prefix."""
    dump: ObjectLocation
    dump_sha256: str
    manifest_sha256: str
    rows: dict[str, int]


class RemoveScratchJob(Job):
    """Undo: remove what a proof that was stopped has left; nothing there is fine."""

    kind: Literal["remove-scratch"] = "remove-scratch"
    scratch_schema: str
    scratch_root: str


class RemoveSiteJob(Job):
    """Remove everything that a site being deleted has: schemas, database user, folders."""

    kind: Literal["remove-site"] = "remove-site"
    databases: list[Database]
    content_roots: list[str]
    scratch_schema: str
    scratch_root: str
