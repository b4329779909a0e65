"""The runbook's checklists, as sealed, or filled in from what the records say so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from core.domain.checklists import checklists_of
from ops.promotion.blocks import Block, TableRow, Tone
from ops.promotion.records import PromotionRecords
from ops.promotion.seal import Seal, sources_of

_MARKS: Final[Mapping[str, tuple[str, Tone]]] = {
    "done": ("[x]", Tone.GOOD),
    "not done": ("[ ]", Tone.WARN),
    "not applicable": ("n/a", Tone.DIM),
}


def checklist_blocks(records: PromotionRecords, seal: Seal, now: datetime) -> list[Block]:
    """Return one block per section of each list that applies."""
    sealed = seal.document.get("checklists") if seal.is_sealed else None
    if not isinstance(sealed, list):
        status = records.operation.status
        sources = sources_of(records, outcome=status, sealed_at=now, policy_version="")
        sealed = checklists_of(sources)
    return [
        _block(str(listed["title"]), section)
        for listed in sealed
        if isinstance(listed, Mapping)
        for section in _parts(listed, "sections")
    ]


# --- inside ---------------------------------------------------------------------------------


def _block(title: str, section: Mapping[str, Any]) -> Block:
    return Block(
        title=f"{title}: {section['title']}",
        titles=("", "LINE", "EVIDENCE"),
        rows=tuple(_row(line) for line in _parts(section, "lines")),
    )


def _row(line: Mapping[str, Any]) -> TableRow:
    mark, tone = _MARKS.get(str(line["state"]), ("?", Tone.BAD))
    return TableRow(cells=(mark, str(line["text"]), str(line["evidence"])), tone=tone)


def _parts(holder: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    found = holder.get(name)
    return [part for part in found if isinstance(part, Mapping)] if isinstance(found, list) else []
