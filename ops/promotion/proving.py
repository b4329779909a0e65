"""`promotions evidence`: every verdict decided again from what was stored, and compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import typer
from pydantic import BaseModel

from core.domain.gate_evidence import EvidenceModel
from core.domain.gate_verdicts import GateVerdict
from core.domain.monitoring import MonitorState
from core.domain.operation import Operation
from ops.desk import Desk
from ops.documents import Document
from ops.errors import BadInputError, ExitCode
from ops.promotion.blocks import Block, Note, TableRow, Tone, lines_of
from ops.promotion.gates import TONES, StoredRound, StoredWatch, rounds_of, watches_of
from ops.promotion.looking import OperationId
from ops.promotion.records import PromotionRecords, find_promotion, read_promotion
from ops.promotion.way_back import flattened
from ops.wording import count

STATE_TONES: Final[Mapping[MonitorState, Tone]] = {
    MonitorState.WATCHING: Tone.PLAIN,
    MonitorState.HEALTHY: Tone.GOOD,
    MonitorState.BREACHED: Tone.BAD,
    MonitorState.INCONCLUSIVE: Tone.WARN,
}
_FOLLOWS: Final = Note(text="Every verdict follows from the stored evidence.", tone=Tone.GOOD)

Full = Annotated[bool, typer.Option("--full", help="Print the evidence and the thresholds too.")]


def evidence(desk: Desk, operation_id: OperationId, *, full: Full = False) -> None:
    """Decide every gate and the monitor window again from what was stored, and compare.

    What was stored: the evidence, the thresholds and the clock.

    Ends with exit code 1 where a stored verdict is not the one that follows from its evidence.
    """
    connection, operation = find_promotion(desk, operation_id)
    records = read_promotion(connection, operation)
    rounds, watches = rounds_of(records), watches_of(records)
    if not rounds and not watches:
        raise BadInputError(
            f"Nothing was decided about operation {operation_id} yet. Look at it: sitefleet "
            f"promotions show {operation_id} --env {operation.environment}"
        )
    differing = sum(len(stored.differing) for stored in rounds)
    differing += sum(watch.differs for watch in watches)
    if desk.as_json:
        desk.show_json(_document(operation, rounds, watches))
    else:
        desk.show_lines(lines_of(evidence_blocks(records, full=full)))
    if differing:
        desk.say(
            f"{count(differing, 'stored verdict')} not as the stored evidence says. Keep the "
            "records as they are, and ask who or what has written them."
        )
        raise typer.Exit(ExitCode.UNEXPECTED)


def evidence_blocks(records: PromotionRecords, *, full: bool) -> list[Block]:
    """Return each round, stored beside recomputed, and on request what it was decided from."""
    blocks = []
    for stored in rounds_of(records):
        blocks.append(_compared(stored))
        if full:
            blocks += _sources(stored.step, stored.round.evidence, stored.round.thresholds)
    for watch in watches_of(records):
        blocks.append(_watched(watch))
        if full:
            blocks += _sources(watch.step, watch.round.evidence, watch.round.thresholds)
    return blocks


# --- inside ---------------------------------------------------------------------------------


def _compared(stored: StoredRound) -> Block:
    differing = stored.differing
    if differing:
        note = Note(text="What differs was not decided from this evidence.", tone=Tone.BAD)
    else:
        note = _FOLLOWS
    return Block(
        title=f"Gates in {stored.title}",
        titles=("GATE", "STORED", "RECOMPUTED", "", "WHY"),
        rows=tuple(_row(verdict, again) for verdict, again in stored.compared()),
        notes=(note,),
    )


def _row(stored: GateVerdict, again: GateVerdict | None) -> TableRow:
    same = stored == again
    why = stored.why if again is None or same else f"{again.why} (stored: {stored.why})"
    cells = (
        str(stored.name),
        str(stored.verdict),
        "no such gate" if again is None else str(again.verdict),
        "same" if same else "DIFFERS",
        why,
    )
    return TableRow(cells=cells, tone=TONES[stored.verdict] if same else Tone.BAD)


def _watched(watch: StoredWatch) -> Block:
    stored, again = watch.round.judgement, watch.recomputed
    cells = (str(stored.state), str(again.state), "DIFFERS" if watch.differs else "same")
    tone = STATE_TONES[stored.state]
    return Block(
        title=f"Monitor window in {watch.title}",
        titles=("STORED", "RECOMPUTED", "", "WHY"),
        rows=(TableRow(cells=(*cells, again.sentence), tone=Tone.BAD if watch.differs else tone),),
        notes=() if watch.differs else (_FOLLOWS,),
    )


def _sources(step: str, evidence: EvidenceModel, thresholds: BaseModel) -> list[Block]:
    return [
        Block(title=f"{title} of {step}", pairs=tuple(flattened(values.model_dump(mode="json"))))
        for title, values in (("Evidence", evidence), ("Thresholds", thresholds))
    ]


def _document(
    operation: Operation, rounds: tuple[StoredRound, ...], watches: tuple[StoredWatch, ...]
) -> Document:
    differing = any(stored.differing for stored in rounds) or any(w.differs for w in watches)
    return {
        "operationId": operation.operation_id,
        "same": not differing,
        "rounds": [_round_document(stored) for stored in rounds],
        "monitor": [
            {
                "step": watch.step,
                **watch.round.model_dump(mode="json", by_alias=True),
                "recomputed": watch.recomputed.model_dump(mode="json", by_alias=True),
                "same": not watch.differs,
            }
            for watch in watches
        ],
    }


def _round_document(stored: StoredRound) -> Document:
    return {
        "step": stored.step,
        **stored.round.model_dump(mode="json", by_alias=True),
        "compared": [
            {
                "gate": verdict.name,
                "stored": verdict.verdict,
                "recomputed": None if again is None else again.verdict,
                "same": verdict == again,
            }
            for verdict, again in stored.compared()
        ],
    }
