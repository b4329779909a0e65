"""`promotions evidence`: every verdict decided again from what was stored, and compared."""

from __future__ import annotations

from typing import Annotated

import typer

from core.domain.gate_verdicts import GateVerdict
from core.domain.operation import Operation
from ops.desk import Desk
from ops.documents import Document
from ops.errors import BadInputError, ExitCode
from ops.promotion.blocks import Block, Note, TableRow, Tone, lines_of
from ops.promotion.gates import TONES, StoredRound, rounds_of
from ops.promotion.looking import OperationId
from ops.promotion.records import PromotionRecords, find_promotion, read_promotion
from ops.promotion.way_back import flattened
from ops.wording import count

Full = Annotated[bool, typer.Option("--full", help="Print the evidence and the thresholds too.")]


def evidence(desk: Desk, operation_id: OperationId, *, full: Full = False) -> None:
    """Decide every gate again from the stored evidence, thresholds and clock, and compare.

    Ends with exit code 1 where a stored verdict is not the one that follows from its evidence.
    """
    connection, operation = find_promotion(desk, operation_id)
    records = read_promotion(connection, operation)
    rounds = rounds_of(records)
    if not rounds:
        raise BadInputError(
            f"Nothing was decided about operation {operation_id} yet. Look at it: sitefleet "
            f"promotions show {operation_id} --env {operation.environment}"
        )
    differing = sum(len(stored.differing) for stored in rounds)
    if desk.as_json:
        desk.show_json(_document(operation, rounds))
    else:
        desk.show_lines(lines_of(evidence_blocks(records, full=full)))
    if differing:
        desk.say(f"{count(differing, 'stored verdict')} do not follow from the stored evidence.")
        raise typer.Exit(ExitCode.UNEXPECTED)


def evidence_blocks(records: PromotionRecords, *, full: bool) -> list[Block]:
    """Return each round, stored beside recomputed, and on request what it was decided from."""
    blocks = []
    for stored in rounds_of(records):
        blocks.append(_compared(stored))
        if full:
            blocks += _sources(stored)
    return blocks


# --- inside ---------------------------------------------------------------------------------


def _compared(stored: StoredRound) -> Block:
    differing = stored.differing
    if differing:
        note = Note(text="What differs was not decided from this evidence.", tone=Tone.BAD)
    else:
        note = Note(text="Every verdict follows from the stored evidence.", tone=Tone.GOOD)
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


def _sources(stored: StoredRound) -> list[Block]:
    found, thresholds = stored.round.evidence, stored.round.thresholds
    return [
        Block(title=f"{title} of {stored.step}", pairs=tuple(flattened(values)))
        for title, values in (
            ("Evidence", found.model_dump(mode="json")),
            ("Thresholds", thresholds.model_dump(mode="json")),
        )
    ]


def _document(operation: Operation, rounds: tuple[StoredRound, ...]) -> Document:
    return {
        "operationId": operation.operation_id,
        "same": not any(stored.differing for stored in rounds),
        "rounds": [_round_document(stored) for stored in rounds],
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
