"""Maintenance windows as policy data: weekly openings in a time zone, freezes, what must fit in."""

from __future__ import annotations

from datetime import time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, field_validator, model_validator

from core.domain.policy_model import PolicyModel, Seconds

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


class Weekday(StrEnum):
    """A day of a maintenance window."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"

    @property
    def number(self) -> int:
        """The day's place in the week, Monday 0, as `date.weekday` counts."""
        return list(Weekday).index(self)


class Opening(PolicyModel):
    """One weekly opening, in the window's zone; an end at or before its start is the next day's."""

    day: Weekday
    start: time
    end: time

    @field_validator("start", "end")
    @classmethod
    def _is_local(cls, value: time) -> time:
        if value.tzinfo is not None:
            raise ValueError("Times of an opening are in the window's zone; leave the offset out.")
        return value

    @property
    def ends_next_day(self) -> bool:
        return self.end <= self.start

    @property
    def week_span(self) -> tuple[timedelta, timedelta]:
        """Start and end as times since Monday 00:00, as the clock on the wall counts."""
        day = _DAY * self.day.number
        end = day + _since_midnight(self.end) + (_DAY if self.ends_next_day else timedelta())
        return day + _since_midnight(self.start), end


class Freeze(PolicyModel):
    """A span in which nothing is promoted, whatever the window says."""

    start: AwareDatetime
    end: AwareDatetime
    reason: str

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Freeze:
        if self.end <= self.start:
            raise ValueError(f"The freeze {self.reason!r} ends before it starts.")
        return self


class WindowPolicy(PolicyModel):
    """When promotions may change something."""

    zone: str = "Africa/Johannesburg"
    openings: tuple[Opening, ...] = ()
    """None: always open, but for freezes."""
    freezes: tuple[Freeze, ...] = ()
    expected_seconds: Seconds
    """How long the work may take (the workflows' expected durations)."""
    rollback_seconds: Seconds
    """How long a rollback may take; both must fit into what is left of the window."""
    emergencies_wait: bool = False
    """Whether a promotion with an incident id, agreed to by the emergency roles, waits for an
    opening and for the end of a freeze too."""

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"There is no time zone {value!r}.") from error
        return value

    @model_validator(mode="after")
    def _work_fits_into_an_opening(self) -> WindowPolicy:
        if not self.openings:
            return self
        longest, needed = _longest_opening(self.openings), self.needed
        if longest < needed:
            raise ValueError(
                f"The longest opening lasts {longest.total_seconds() / 60:.0f} min, and work and "
                f"rollback need {needed.total_seconds() / 60:.0f} min: nothing could ever be "
                "promoted. Lengthen an opening, or lower expected_seconds or rollback_seconds."
            )
        return self

    @property
    def needed(self) -> timedelta:
        """How much of an opening must be left when the work begins."""
        return timedelta(seconds=self.expected_seconds + self.rollback_seconds)


def _since_midnight(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)


def _longest_opening(openings: tuple[Opening, ...]) -> timedelta:
    """Return the longest stretch without a pause; two weeks are laid out, so that Sunday joins."""
    spans = sorted(opening.week_span for opening in openings)
    longest, start, end = timedelta(), *spans[0]
    for begin, finish in [*spans, *((a + _WEEK, b + _WEEK) for a, b in spans)]:
        start, end = (start, max(end, finish)) if begin <= end else (begin, finish)
        longest = max(longest, end - start)
    return longest
