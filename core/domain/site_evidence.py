"""What a deletion or a restore leaves as evidence: the proved backup, what went, what was built."""

from __future__ import annotations

from typing import Final

from pydantic.alias_generators import to_camel

from core.domain.evidence_records import EvidenceSources
from core.domain.operation import Facts, Json
from events.vocabulary import OperationStatus, OperationType

type Part = dict[str, Json]

_CONTENTS: Final = (
    "files",
    "dump_sha256",
    "dump_size_bytes",
    "manifest_sha256",
    "content_size_bytes",
)


def backed_up_site(sources: EvidenceSources) -> Part:
    """Return the parts that a deletion and a restore have beside what every operation tells."""
    if sources.operation.operation_type is OperationType.SITE_DELETION:
        return {"backup": _made(sources), "removed": _removed(sources)}
    return {"backup": _used(sources), "built": _built(sources)}


# --- inside ---------------------------------------------------------------------------------


def _made(sources: EvidenceSources) -> Part | None:
    """Return the backup that a deletion took, and by what it was proved before anything went."""
    exported, proved = sources.facts("back_up_site"), sources.record("prove_backup")
    if not exported:
        return None
    proof = proved.facts if proved is not None and sources.completed("prove_backup") else None
    kept = proved.summary if proved is not None else {}
    is_done = sources.outcome is OperationStatus.COMPLETED
    return {
        "backupId": sources.operation.operation_id,
        "isKept": is_done and sources.payload.get("retainBackup") is not False,
        "keepUntil": kept.get("keepUntil"),
        "release": exported.get("release"),
        **_contents(exported),
        "proof": None
        if proof is None
        else {name: proof.get(name) for name in ("tables", "rows", "files", "digests")},
    }


def _removed(sources: EvidenceSources) -> Part | None:
    """Return what a deletion removed; None where nothing was: it was put back, or never went."""
    if sources.outcome is not OperationStatus.COMPLETED:
        return None
    return {
        "name": sources.facts("take_name_down").get("name"),
        "releases": sources.facts("remove_services").get("releases"),
        "hasDataRemoved": sources.completed("remove_data"),
        "secretsRecoverableDays": sources.facts("remove_secrets").get("recovery_days"),
        "hasBackupDiscarded": sources.completed("discard_backup"),
    }


def _used(sources: EvidenceSources) -> Part | None:
    """Return the backup that a restore began with."""
    backup = sources.facts("find_backup").get("backup")
    if not isinstance(backup, dict):
        return None
    exported = backup.get("exported")
    kept = exported if isinstance(exported, dict) else {}
    return {
        **{name: backup.get(name) for name in ("backupId", "createdAt", "keepUntil")},
        "provedTables": backup.get("provedTables"),
        "release": kept.get("release"),
        **_contents({name: kept.get(to_camel(name)) for name in ("rows", *_CONTENTS)}),
    }


def _built(sources: EvidenceSources) -> Part:
    """Return what a restore made of it."""
    loaded, placed = sources.facts("restore_database"), sources.facts("restore_content")
    return {
        "tables": _count(loaded.get("rows")),
        "rows": _sum(loaded.get("rows")),
        "replacements": loaded.get("replacements"),
        "files": placed.get("files"),
        "contentSizeBytes": placed.get("size_bytes"),
        "imageDigest": sources.text("choose_image", "image_digest"),
        "taskDefinitionArn": sources.text("start_release", "task_definition_arn"),
    }


def _contents(exported: Facts) -> Part:
    return {
        "tables": _count(exported.get("rows")),
        "rows": _sum(exported.get("rows")),
        **{to_camel(name): exported.get(name) for name in _CONTENTS},
    }


def _count(rows: Json) -> int | None:
    return len(rows) if isinstance(rows, dict) else None


def _sum(rows: Json) -> int | None:
    if not isinstance(rows, dict):
        return None
    return sum(count for count in rows.values() if isinstance(count, int))
