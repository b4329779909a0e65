"""What the report page of a promotion says: the same blocks as on the terminal, and a timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from events.notification_phrases import MEANINGS, NEXT_STEPS
from events.vocabulary import NotificationOutcome, OperationStatus
from ops.picture import OUTCOMES, next_command
from ops.promotion.blocks import Block, Tone
from ops.promotion.chart import Bar, bars
from ops.promotion.checklists import checklist_blocks
from ops.promotion.checks import checks_block
from ops.promotion.comparison import comparison_blocks
from ops.promotion.gates import rounds_of, watches_of
from ops.promotion.next_step import is_promotion, next_safe_command
from ops.promotion.people import approval_block
from ops.promotion.plan import heading_block, plan_only_blocks
from ops.promotion.proving import evidence_blocks
from ops.promotion.records import PromotionRecords
from ops.promotion.seal import Seal
from ops.promotion.way_back import way_back_block
from ops.promotion.work import artefact_block, failure_block, looks_block, work_block
from ops.timeline import timeline
from ops.wording import duration, moment

TEMPLATES: Final = Path(__file__).resolve().parent.parent / "templates"
TEMPLATE: Final = "promotion_report.html.j2"
_TONES: Final = {
    OperationStatus.COMPLETED: Tone.GOOD,
    OperationStatus.FAILED: Tone.BAD,
    OperationStatus.ROLLED_BACK: Tone.BAD,
    OperationStatus.ROLLBACK_FAILED: Tone.BAD,
    OperationStatus.REJECTED: Tone.WARN,
    OperationStatus.CANCELLED: Tone.WARN,
}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number that people look for first."""

    name: str
    value: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the page with blocks."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, kw_only=True)
class Page:
    """Everything that the template shows."""

    title: str
    subtitle: str
    status: str
    tone: Tone
    meaning: str
    heading: Block
    figures: Sequence[Figure]
    bars: Sequence[Bar]
    parts: Sequence[Part]
    seal: Seal
    seal_tone: Tone
    next_command: str
    written_at: str


def page_of(records: PromotionRecords, seal: Seal, now: datetime) -> Page:
    """Return the page of a promotion as it stands."""
    operation = records.operation
    rows = timeline(operation, records.steps, now)
    kind = "Promotion" if is_promotion(records) else "Rollback"
    name = records.site.site_name if records.site is not None else operation.site_id
    return Page(
        title=f"{kind} of {name}",
        subtitle=f"{records.path} · {operation.site_id} · {operation.tenant_id}",
        status=operation.status,
        tone=_TONES.get(operation.status, Tone.PLAIN),
        meaning=_meaning(records),
        heading=heading_block(records),
        figures=_figures(records, now),
        bars=bars(rows, records.decisions),
        parts=[part for part in _parts(records, seal, now) if part.blocks],
        seal=seal,
        seal_tone=_seal_tone(seal),
        next_command=_next(records),
        written_at=moment(now),
    )


def html_of(page: Page) -> str:
    """Return the page as HTML: self-contained, printable, light and dark."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(page=page)


def text_blocks(page: Page) -> list[Block]:
    """Return the page's blocks for the terminal."""
    return [page.heading, *(block for part in page.parts for block in part.blocks)]


# --- inside ---------------------------------------------------------------------------------


def _seal_tone(seal: Seal) -> Tone:
    if seal.is_broken:
        return Tone.BAD
    return Tone.GOOD if seal.is_sealed else Tone.WARN


def _meaning(records: PromotionRecords) -> str:
    operation = records.operation
    if operation.status in OUTCOMES:
        return MEANINGS[OUTCOMES[operation.status]]
    if operation.status is OperationStatus.ROLLBACK_FAILED:
        return "Taking it back failed too; a person has to act."
    if operation.stalled_since is not None:
        return NEXT_STEPS[NotificationOutcome.STALLED]
    if operation.waiting_for is not None:
        return f"At {operation.step}: {operation.waiting_for}"
    return f"Under way at {operation.step}."


def _next(records: PromotionRecords) -> str:
    """Return the next safe command of somebody who has the report already."""
    command = next_safe_command(records)
    is_report = command.startswith("sitefleet promotions report ")
    return next_command(records.operation) if is_report else command


def _figures(records: PromotionRecords, now: datetime) -> list[Figure]:
    operation = records.operation
    took = ((operation.completed_at or now) - operation.created_at).total_seconds()
    figures = [Figure(name="took", value=duration(took)), _release_figure(records)]
    rounds, watches = rounds_of(records), watches_of(records)
    if rounds:
        verdicts = rounds[-1].round.verdicts
        passed = sum(verdict.verdict == "pass" for verdict in verdicts)
        figures.append(_of("gates passed", passed, len(verdicts)))
    if records.roles:
        agreed = len(records.roles) - len(records.missing_roles)
        figures.append(_of("approvals", agreed, len(records.roles)))
    ran = [check for checks in records.checks.values() for check in checks]
    if ran:
        figures.append(_of("checks passed", sum(check.passed for check in ran), len(ran)))
    held = records.facts("cut_over").get("held_seconds")
    if isinstance(held, int | float):
        figures.append(Figure(name="writes held", value=f"{held:.2f} s"))
    probe = watches[-1].round.evidence.probe if watches else None
    if probe is not None:
        tone = Tone.GOOD if probe.failures == 0 else Tone.BAD
        value = f"{probe.failures} of {probe.requests}"
        figures.append(Figure(name="failed requests after the switch", value=value, tone=tone))
    return figures


def _release_figure(records: PromotionRecords) -> Figure:
    before, after = records.base_release, records.release
    former = "nothing" if before is None else f"r{before}"
    return Figure(name="release", value=f"{former} → {'?' if after is None else f'r{after}'}")


def _of(name: str, good: int, everything: int) -> Figure:
    tone = Tone.GOOD if good == everything else Tone.WARN
    return Figure(name=name, value=f"{good} of {everything}", tone=tone)


def _parts(records: PromotionRecords, seal: Seal, now: datetime) -> list[Part]:
    census = records.census
    compared = comparison_blocks(records, census) if census is not None else []
    return [
        Part(title="Outcome", blocks=_known(failure_block(records), work_block(records))),
        Part(title="Plan", blocks=[*compared, *plan_only_blocks(records)]),
        Part(title="Gates and monitor window", blocks=evidence_blocks(records, full=True)),
        Part(title="Approvals", blocks=_known(approval_block(records))),
        Part(
            title="Checks",
            blocks=[checks_block(step, checks) for step, checks in records.checks.items()],
        ),
        Part(title="Artefacts", blocks=[artefact_block(records)]),
        Part(title="Checklists", blocks=checklist_blocks(records, seal, now)),
        Part(title="Way back", blocks=_known(way_back_block(records), looks_block(records))),
    ]


def _known(*blocks: Block | None) -> list[Block]:
    return [block for block in blocks if block is not None]
