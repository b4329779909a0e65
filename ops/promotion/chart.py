"""The timeline one can look at: one bar per step, long waits cut so that the work stays visible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from core.domain.approval import Decision
from events.vocabulary import Phase
from ops.timeline import Mark, Row
from ops.wording import duration, moment

LONGEST_SHARE: Final = 0.3
"""The most of the width that one bar may take; a longer one is drawn cut."""
_ALL_CUT_SHARE: Final = 0.6
"""The most that all bars that are cut may take together."""
_AWAIT_APPROVAL: Final = "await_approval"
KINDS: Final = {
    "await_approval": "wait",
    "lock_site": "wait",
    "take_site_over": "wait",
    "await_window": "wait",
    "confirm_window": "wait",
    "monitor": "monitor",
    "cut_over": "switch",
    "point_back": "switch",
}
"""What a step mostly is, where it is not work."""


@dataclass(frozen=True, kw_only=True)
class Sign:
    """A moment within a bar: a decision."""

    left_percent: float
    text: str
    good: bool


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One step, drawn from left to right in the order in which time passed."""

    step: str
    undo: bool
    kind: str
    """work, wait, switch, monitor; or failed, running, stalled."""
    left_percent: float
    width_percent: float
    cut: bool
    took: str
    began: str
    note: str
    signs: tuple[Sign, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Span:
    row: Row
    begin: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return max(0.0, (self.end - self.begin).total_seconds())


def bars(rows: Sequence[Row], decisions: Sequence[Decision]) -> tuple[Bar, ...]:
    """Return a bar for each step that has begun, with the idle moments between them.

    Bars share one scale but for those that are cut; a cut one says how long it really was.
    """
    spans = _spans(rows)
    if not spans:
        return ()
    longest = longest_drawn([span.seconds for span in spans])
    drawn = [min(span.seconds, longest) for span in spans]
    gaps = [max(0.0, (b.begin - a.end).total_seconds()) for a, b in pairwise(spans)]
    gaps = [0.0, *(min(gap, longest) for gap in gaps)]
    scale = 100 / ((sum(drawn) + sum(gaps)) or 1)
    made, at = [], 0.0
    for span, seconds, gap in zip(spans, drawn, gaps, strict=True):
        at += gap * scale
        bar = _bar(span, at, seconds * scale, cut=span.seconds > longest)
        made.append(replace(bar, signs=_signs(span, bar, decisions)))
        at += seconds * scale
    return tuple(made)


def longest_drawn(seconds: Sequence[float]) -> float:
    """Return the length beyond which a bar is cut: none takes more than its share of the width.

    Where a few long waits stand beside much short work, the waits are cut; where nothing stands
    out, nothing is.
    """
    ordered = sorted(seconds, reverse=True)
    if ordered[0] <= LONGEST_SHARE * sum(ordered):
        return ordered[0]
    for cut in range(1, len(ordered)):
        share = min(LONGEST_SHARE, _ALL_CUT_SHARE / cut)
        longest = share * sum(ordered[cut:]) / (1 - share * cut)
        if longest >= ordered[cut]:
            return longest
    return ordered[0]


# --- inside ---------------------------------------------------------------------------------


def _spans(rows: Sequence[Row]) -> list[_Span]:
    spans = [
        _Span(row=row, begin=row.since, end=row.since + timedelta(seconds=row.seconds))
        for row in rows
        if row.since is not None and row.seconds is not None
    ]
    return sorted(spans, key=lambda span: (span.begin, span.end))


def _bar(span: _Span, left_percent: float, width_percent: float, *, cut: bool) -> Bar:
    row = span.row
    return Bar(
        step=row.step,
        undo=row.phase is Phase.UNDO,
        kind=_kind(row),
        left_percent=round(left_percent, 3),
        width_percent=round(width_percent, 3),
        cut=cut,
        took=duration(span.seconds),
        began=moment(span.begin),
        note=row.note,
    )


def _kind(row: Row) -> str:
    if row.mark in {Mark.FAILED, Mark.STALLED, Mark.RUNNING}:
        return str(row.mark)
    if row.mark is Mark.WAITING:
        return "wait"
    if row.phase is Phase.UNDO:
        return "undo"
    return KINDS.get(row.step, "work")


def _signs(span: _Span, bar: Bar, decisions: Sequence[Decision]) -> tuple[Sign, ...]:
    if span.row.step != _AWAIT_APPROVAL:
        return ()
    return tuple(
        Sign(
            left_percent=_within(span, bar, decision.decided_at),
            text=f"{decision.person} {'approved' if decision.approves else 'rejected'} as "
            f"{decision.role}, {moment(decision.decided_at)}",
            good=decision.approves,
        )
        for decision in decisions
    )


def _within(span: _Span, bar: Bar, at: datetime) -> float:
    part = (at - span.begin).total_seconds() / (span.seconds or 1)
    return round(bar.left_percent + bar.width_percent * min(1.0, max(0.0, part)), 3)
