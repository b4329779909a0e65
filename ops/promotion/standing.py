"""Where a promotion stands: its steps, its gates in a line each, its people, what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ops.picture import Line, picture
from ops.promotion.blocks import Block, Note, Tone, lines_of
from ops.promotion.gates import gate_block
from ops.promotion.next_step import next_safe_command
from ops.promotion.people import approval_block
from ops.promotion.records import PromotionRecords
from ops.promotion.way_back import flattened, way_back_block
from ops.timeline import stands_still, timeline
from ops.wording import moment


def standing_lines(records: PromotionRecords, now: datetime) -> list[Line]:
    """Return everything that `promotions show` prints."""
    rows = timeline(records.operation, records.steps, now)
    head = picture(records.operation, rows, now)
    return [*head, Line(text=""), *lines_of(standing_blocks(records))]


def standing_blocks(records: PromotionRecords) -> list[Block]:
    """Return what stands below the timeline."""
    parts: Sequence[Block | None] = (
        _waiting(records),
        _parts(records),
        gate_block(records),
        approval_block(records),
        _releases(records),
        way_back_block(records),
        _next(records),
    )
    return [part for part in parts if part is not None]


# --- inside ---------------------------------------------------------------------------------


def _waiting(records: PromotionRecords) -> Block | None:
    operation = records.operation
    if operation.is_terminal or operation.waiting_for is None:
        return None
    due = operation.due_at
    return Block(
        title=f"Waits in {operation.step}",
        pairs=(
            ("for", operation.waiting_for),
            ("since", moment(operation.step_since) if operation.step_since else None),
            ("expires", moment(records.expires_at) if records.expires_at else None),
            ("looked at again by", moment(due) if due else None),
        ),
    )


def _parts(records: PromotionRecords) -> Block | None:
    """Return where pointer, name and releases were when the way back failed."""
    failure = records.operation.failure
    parts = failure.details.get("parts") if failure is not None else None
    if not isinstance(parts, Mapping):
        return None
    return Block(title="State of each part", pairs=tuple(flattened(parts)))


def _releases(records: PromotionRecords) -> Block:
    before, after = records.base_release, records.release
    census = records.census
    source = f"r{census.release} in {census.environment}" if census is not None else None
    return Block(
        title="Releases",
        pairs=(
            ("source", source),
            ("live before", "nothing" if before is None else f"r{before}"),
            ("this one", "none yet" if after is None else f"r{after}"),
            ("live now", _live_now(records)),
        ),
    )


def _live_now(records: PromotionRecords) -> str:
    site = records.site
    if site is None or site.live_release is None:
        return "nothing"
    return f"r{site.live_release}"


def _next(records: PromotionRecords) -> Block:
    tone = Tone.WARN if stands_still(records.operation) else Tone.PLAIN
    return Block(
        title="Next safe command", notes=(Note(text=next_safe_command(records), tone=tone),)
    )
