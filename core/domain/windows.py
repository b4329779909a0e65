"""The maintenance window at a given moment: open or not, for how long, and when next.

An opening starts when the clock on the wall first shows its start, and ends when it first shows
its end. On a night on which clocks change, a start that is skipped counts as later and an end that
is skipped as earlier: the window is never wider than the wall clock says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.domain.window_policy import Freeze, Opening, WindowPolicy

_FORTNIGHT = timedelta(days=15)


@dataclass(frozen=True, kw_only=True, order=True)
class Span:
    """From `start` on, up to but not including `end`."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@dataclass(frozen=True, kw_only=True)
class WindowState:
    """How the window stands at one moment."""

    is_open: bool
    has_time: bool
    """Open, and long enough for what is to be done."""
    closes_at: datetime | None = None
    """When it closes; None while it is closed, and when nothing closes it."""
    opens_at: datetime | None = None
    """When it next opens for long enough; None when it has time now, and when it never does."""
    why: str
    """A sentence for the person who waits."""

    def left_seconds(self, now: datetime) -> float | None:
        """Return how long it stays open; None when nothing closes it, 0 when it is closed."""
        if not self.is_open:
            return 0.0
        return (self.closes_at - now).total_seconds() if self.closes_at else None


def window_state(
    policy: WindowPolicy,
    now: datetime,
    *,
    needed_seconds: float | None = None,
    emergency: bool = False,
) -> WindowState:
    """Return whether the window is open and has time for the work and its rollback.

    `needed_seconds` stands in for both when only a part of the work is left to do.
    """
    if emergency and not policy.emergencies_wait:
        return WindowState(
            is_open=True, has_time=True, why="An emergency does not wait for a maintenance window."
        )
    needed = policy.needed if needed_seconds is None else timedelta(seconds=needed_seconds)
    horizon = _horizon(policy, now, needed)
    spans = open_spans(policy, now, horizon)
    current = spans[0] if spans and spans[0].start == now else None
    has_time = current is not None and current.length >= needed
    later = [s for s in spans if s.start > now and s.length >= needed]
    state = WindowState(
        is_open=current is not None,
        has_time=has_time,
        closes_at=current.end if current and current.end != horizon else None,
        opens_at=later[0].start if later and not has_time else None,
        why="",
    )
    return replace(state, why=_sentence(policy, state, now, needed))


def open_spans(policy: WindowPolicy, start: datetime, end: datetime) -> list[Span]:
    """Return what is open between two moments, oldest first, freezes taken out."""
    whole = Span(start=start.astimezone(UTC), end=end.astimezone(UTC))
    spans = _merged(_occurrences(policy, whole)) if policy.openings else [whole]
    for freeze in policy.freezes:
        spans = [part for span in spans for part in _without(span, freeze)]
    return [
        Span(start=max(span.start, whole.start), end=min(span.end, whole.end))
        for span in spans
        if span.end > whole.start and span.start < whole.end
    ]


# --- inside ---------------------------------------------------------------------------------


def _horizon(policy: WindowPolicy, now: datetime, needed: timedelta) -> datetime:
    """Return a moment by which everything that ever opens has opened once, for long enough."""
    ends = [freeze.end.astimezone(UTC) for freeze in policy.freezes]
    return max([now.astimezone(UTC), *ends]) + _FORTNIGHT + needed


def _occurrences(policy: WindowPolicy, whole: Span) -> list[Span]:
    zone = ZoneInfo(policy.zone)
    first = whole.start.astimezone(zone).date() - timedelta(days=2)
    days = [first + timedelta(days=n) for n in range(whole.length.days + 5)]
    spans = [
        _on(opening, day, zone)
        for day in days
        for opening in policy.openings
        if opening.day.number == day.weekday()
    ]
    return sorted(span for span in spans if span.end > span.start)


def _on(opening: Opening, day: date, zone: ZoneInfo) -> Span:
    last = day + timedelta(days=1) if opening.ends_next_day else day
    return Span(
        start=_moment(day, opening.start, zone, fold=0),
        end=min(_moment(last, opening.end, zone, fold=fold) for fold in (0, 1)),
    )


def _moment(day: date, at: time, zone: ZoneInfo, *, fold: int) -> datetime:
    return datetime.combine(day, at.replace(fold=fold), tzinfo=zone).astimezone(UTC)


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in spans:
        if merged and span.start <= merged[-1].end:
            merged[-1] = replace(merged[-1], end=max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _without(span: Span, freeze: Freeze) -> list[Span]:
    start, end = freeze.start.astimezone(UTC), freeze.end.astimezone(UTC)
    if end <= span.start or start >= span.end:
        return [span]
    before, after = replace(span, end=start), replace(span, start=end)
    return [part for part in (before, after) if part.end > part.start]


def _sentence(policy: WindowPolicy, state: WindowState, now: datetime, needed: timedelta) -> str:
    minutes = f"{needed.total_seconds() / 60:.0f} min are needed"
    if not state.is_open:
        return f"{_closed(policy, now)} {_next(policy, state)}"
    if state.closes_at is None:
        return "The window is open; nothing closes it."
    left = (state.closes_at - now).total_seconds() / 60
    stands = f"The window is open until {_shown(policy, state.closes_at)}: {left:.0f} min left"
    if state.has_time:
        return f"{stands}, {minutes}."
    return f"{stands}, and {minutes}. {_next(policy, state)}"


def _closed(policy: WindowPolicy, now: datetime) -> str:
    for freeze in policy.freezes:
        if freeze.start <= now < freeze.end:
            return f"Frozen until {_shown(policy, freeze.end)}: {freeze.reason}."
    return "The window is closed."


def _next(policy: WindowPolicy, state: WindowState) -> str:
    if state.opens_at is None:
        return "It never opens for long enough; change the policy's window."
    return f"It next opens for long enough on {_shown(policy, state.opens_at)}."


def _shown(policy: WindowPolicy, at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(policy.zone)):%A %Y-%m-%d %H:%M} {policy.zone}"
