"""The gates: one line each where people decide, and recomputed from what was stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ValidationError

from core.domain.gate_verdicts import GateVerdict, Verdict
from core.domain.gates import GateRound, recompute
from core.domain.monitoring import Judgement, MonitorRound, recompute_monitor
from core.domain.operation import StepRecord
from events.vocabulary import Phase
from ops.promotion.blocks import Block, Note, TableRow, Tone
from ops.promotion.records import PromotionRecords
from ops.wording import moment

TONES: Final[Mapping[Verdict, Tone]] = {
    Verdict.PASS: Tone.GOOD,
    Verdict.FAIL: Tone.BAD,
    Verdict.INCONCLUSIVE: Tone.WARN,
}


@dataclass(frozen=True, kw_only=True)
class StoredWatch:
    """The judgement of the monitor window, as its step has stored it."""

    step: str
    round: MonitorRound

    @property
    def title(self) -> str:
        return f"{self.step}, {moment(self.round.decided_at)}"

    @property
    def recomputed(self) -> Judgement:
        return recompute_monitor(self.round)

    @property
    def differs(self) -> bool:
        return self.recomputed != self.round.judgement


@dataclass(frozen=True, kw_only=True)
class StoredRound:
    """One round of decisions as a step has stored it."""

    step: str
    round: GateRound

    @property
    def title(self) -> str:
        return f"{self.step}, {moment(self.round.decided_at)}"

    def compared(self) -> tuple[tuple[GateVerdict, GateVerdict | None], ...]:
        """Return each stored verdict beside the one that follows from the stored evidence."""
        again = {verdict.name: verdict for verdict in recompute(self.round)}
        return tuple((verdict, again.get(verdict.name)) for verdict in self.round.verdicts)

    @property
    def differing(self) -> tuple[tuple[GateVerdict, GateVerdict | None], ...]:
        return tuple(pair for pair in self.compared() if pair[0] != pair[1])


def rounds_of(records: PromotionRecords) -> tuple[StoredRound, ...]:
    """Return every stored round, oldest first: also that of a step which failed for it."""
    return tuple(
        StoredRound(step=record.step, round=found)
        for record in _forward(records)
        for found in [_stored(GateRound, record, "verdicts")]
        if found is not None
    )


def watches_of(records: PromotionRecords) -> tuple[StoredWatch, ...]:
    """Return the judgements of the monitor window; a breach is kept by the step that failed."""
    return tuple(
        StoredWatch(step=record.step, round=found)
        for record in _forward(records)
        for found in [_stored(MonitorRound, record, "judgement")]
        if found is not None
    )


def gate_block(records: PromotionRecords) -> Block | None:
    """Return the newest round, a line per gate; None while nothing was decided."""
    rounds = rounds_of(records)
    return round_block(rounds[-1], len(rounds)) if rounds else None


def round_block(stored: StoredRound, number: int) -> Block:
    """Return one round as a table: what stops comes first."""
    verdicts = stored.round.verdicts
    passed = sum(verdict.verdict is Verdict.PASS for verdict in verdicts)
    again = f" (round {number})" if number > 1 else ""
    return Block(
        title=f"Gates: {passed} of {len(verdicts)} pass, decided at "
        f"{moment(stored.round.decided_at)}{again}",
        titles=("GATE", "VERDICT", "WHY"),
        rows=tuple(_row(verdict) for verdict in sorted(verdicts, key=_passes)),
        notes=tuple(
            Note(text=f"{verdict.name}: {verdict.would_pass}", tone=Tone.WARN)
            for verdict in verdicts
            if verdict.would_pass is not None
        ),
    )


# --- inside ---------------------------------------------------------------------------------


def _row(verdict: GateVerdict) -> TableRow:
    plain = verdict.verdict is Verdict.PASS
    said = verdict.verdict.value if plain else verdict.verdict.value.upper()
    return TableRow(cells=(verdict.name, said, verdict.why), tone=TONES[verdict.verdict])


def _passes(verdict: GateVerdict) -> bool:
    return verdict.verdict is Verdict.PASS


def _forward(records: PromotionRecords) -> list[StepRecord]:
    forward = (record for record in records.steps if record.phase is Phase.FORWARD)
    return sorted(forward, key=lambda record: record.completed_at)


def _stored[M: BaseModel](kind: type[M], record: StepRecord, mark: str) -> M | None:
    """Return what a step has stored of this kind, which its mark tells from other facts."""
    for found in _candidates(record):
        if mark in found and "thresholds" in found:
            try:
                return kind.model_validate(found)
            except ValidationError:
                continue
    return None


def _candidates(record: StepRecord) -> Iterator[Mapping[str, object]]:
    """A round is its step's facts or a part of them; a failed step keeps it in the details."""
    details = record.failure.details if record.failure is not None else {}
    places: Sequence[Mapping[str, object]] = (record.facts, details)
    for facts in places:
        yield facts
        yield from (part for part in facts.values() if isinstance(part, Mapping))
