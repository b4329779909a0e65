"""What was moved, and what it consists of: amounts, and digests to compare by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.domain.amounts import size
from core.domain.operation import Facts
from core.domain.site import Release
from ops.promotion.blocks import Block, Note, TableRow, Tone
from ops.promotion.records import PromotionRecords
from ops.wording import count, listed

_CUT_OVER: Final = "cut_over"


def work_block(records: PromotionRecords) -> Block | None:
    """Return how much travelled and how the switch went; None while nothing has."""
    export, load = records.facts("export_source"), records.facts("import_database")
    switch, salvage = records.facts(_CUT_OVER), records.facts("salvage_rows")
    pairs = (
        ("rows", _total(export, "rows", "row")),
        ("files", _files(export)),
        ("URLs replaced", _number(load, "replacements")),
        ("left over", _leftovers(load)),
        ("options kept", _names(load, "kept_options")),
        ("rows carried over", _total(load, "carried", "row")),
        ("writes held for", _seconds(switch, "held_seconds")),
        ("rows copied again", _total(switch, "carried", "row")),
        ("rows that came late", _total(switch, "late", "row")),
        ("conflicts", _names(switch, "conflicts")),
        ("rows salvaged", _total(salvage, "rows", "row")),
        ("salvaged to", _text(salvage, "object_key")),
        ("releases retired", _names(records.facts("retire_releases"), "retired")),
    )
    if not any(value for _, value in pairs):
        return None
    return Block(title="What was moved", pairs=pairs)


def artefact_block(records: PromotionRecords) -> Block:
    """Return digests and names of everything that this operation used or made."""
    export, backup = records.facts("export_source"), records.facts("back_up_target")
    census, release = records.census, _own_release(records)
    image = _text(records.facts("replicate_image"), "image_digest")
    pairs = (
        ("plan", records.plan_hash),
        ("image", image or (census.image_digest if census is not None else None)),
        ("database dump", _digest(export, "dump_sha256")),
        ("content manifest", _digest(export, "manifest_sha256")),
        ("schema", release.schema if release is not None else None),
        ("content root", release.content_root if release is not None else None),
        ("task definition", release.task_definition_arn if release is not None else None),
        ("target group", release.target_group_arn if release is not None else None),
        *((name.replace("_", " "), str(value)) for name, value in backup.items() if value),
    )
    return Block(title="Artefacts", pairs=pairs)


def failure_block(records: PromotionRecords) -> Block | None:
    """Return why it did not succeed."""
    failure = records.operation.failure
    if failure is None:
        return None
    where = f" in {failure.step}" if failure.step else ""
    return Block(
        title="Why it ended",
        notes=(Note(text=f"{failure.code}{where}: {failure.message}", tone=Tone.BAD),),
    )


def looks_block(records: PromotionRecords) -> Block | None:
    """Return the operations that look at the site again in the hours after."""
    looks = records.facts("schedule_looks").get("looks")
    if not isinstance(looks, Mapping) or not looks:
        return None
    rows = tuple(
        TableRow(cells=(f"after {hours} h", str(operation_id)))
        for hours, operation_id in looks.items()
    )
    return Block(title="Looked at again", titles=("WHEN", "OPERATION"), rows=rows)


# --- inside ---------------------------------------------------------------------------------


def _own_release(records: PromotionRecords) -> Release | None:
    operation_id = records.operation.operation_id
    return next((r for r in records.releases if r.operation_id == operation_id), None)


def _total(facts: Facts, name: str, noun: str) -> str | None:
    found = facts.get(name)
    if not isinstance(found, Mapping):
        return None
    total = sum(value for value in found.values() if isinstance(value, int))
    tables = [table for table, value in found.items() if value]
    return f"{count(total, noun)} in {count(len(tables), 'table')}" if tables else count(0, noun)


def _files(export: Facts) -> str | None:
    files, travelled = export.get("files"), export.get("files_travelled")
    in_bytes = export.get("content_size_bytes")
    if not isinstance(files, int) or not isinstance(travelled, int):
        return None
    told = f"{travelled:,} of {count(files, 'file')} travelled"
    return f"{told}, {size(in_bytes)} in all" if isinstance(in_bytes, int) else told


def _leftovers(load: Facts) -> str | None:
    left = load.get("leftovers")
    if not isinstance(left, int):
        return None
    return f"{left:,} in {_names(load, 'leftover_tables')}" if left else "none"


def _names(facts: Facts, name: str) -> str | None:
    found = facts.get(name)
    return listed([str(one) for one in found]) if isinstance(found, list) else None


def _number(facts: Facts, name: str) -> str | None:
    found = facts.get(name)
    return f"{found:,}" if isinstance(found, int) else None


def _seconds(facts: Facts, name: str) -> str | None:
    found = facts.get(name)
    return f"{found:.2f} s" if isinstance(found, int | float) else None


def _text(facts: Facts, name: str) -> str | None:
    found = facts.get(name)
    return found if isinstance(found, str) else None


def _digest(facts: Facts, name: str) -> str | None:
    found = _text(facts, name)
    return None if found is None else f"sha256:{found.removeprefix('sha256:')}"
