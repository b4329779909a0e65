"""The maintenance window: the settled policy, midnight, freezes, and clocks that change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from core.domain.window_policy import Freeze, Opening, Weekday, WindowPolicy
from core.domain.windows import open_spans, window_state

SETTLED = [
    {"day": "tuesday", "start": "22:00", "end": "02:00"},
    {"day": "thursday", "start": "22:00", "end": "02:00"},
    {"day": "saturday", "start": "06:00", "end": "10:00"},
]


def policy(
    openings=(), freezes=(), zone="Africa/Johannesburg", expected=3600, rollback=900, **more
):
    return WindowPolicy.model_validate(
        {
            "zone": zone,
            "openings": openings,
            "freezes": freezes,
            "expected_seconds": expected,
            "rollback_seconds": rollback,
            **more,
        }
    )


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "is_open", "has_time", "closes_at", "opens_at"),
    [
        # 2026-11-24 is a Tuesday; Johannesburg is two hours ahead of UTC.
        ("2026-11-24T19:59:59", False, False, None, "2026-11-24T20:00:00"),
        ("2026-11-24T20:00:00", True, True, "2026-11-25T00:00:00", None),
        ("2026-11-24T22:30:00", True, True, "2026-11-25T00:00:00", None),
        ("2026-11-24T22:45:00", True, True, "2026-11-25T00:00:00", None),
        ("2026-11-24T22:45:01", True, False, "2026-11-25T00:00:00", "2026-11-26T20:00:00"),
        ("2026-11-24T23:59:59", True, False, "2026-11-25T00:00:00", "2026-11-26T20:00:00"),
        ("2026-11-25T00:00:00", False, False, None, "2026-11-26T20:00:00"),
        ("2026-11-27T00:00:00", False, False, None, "2026-11-28T04:00:00"),
        ("2026-11-28T03:59:59", False, False, None, "2026-11-28T04:00:00"),
        ("2026-11-28T04:00:00", True, True, "2026-11-28T08:00:00", None),
        ("2026-11-28T08:00:00", False, False, None, "2026-12-01T20:00:00"),
    ],
)
def test_the_settled_window_of_prod(at, is_open, has_time, closes_at, opens_at):
    state = window_state(policy(SETTLED), utc(at))
    assert (state.is_open, state.has_time) == (is_open, has_time)
    assert state.closes_at == (utc(closes_at) if closes_at else None)
    assert state.opens_at == (utc(opens_at) if opens_at else None)


def test_what_is_left_is_told_in_seconds():
    rules = policy(SETTLED)
    assert window_state(rules, utc("2026-11-24T23:00")).left_seconds(
        utc("2026-11-24T23:00")
    ) == pytest.approx(3600)
    assert window_state(rules, utc("2026-11-25T12:00")).left_seconds(utc("2026-11-25T12:00")) == 0
    assert (
        window_state(policy(), utc("2026-11-25T12:00")).left_seconds(utc("2026-11-25T12:00"))
        is None
    )


def test_no_openings_means_always_open():
    state = window_state(policy(), utc("2026-11-25T12:00"))
    assert (state.is_open, state.has_time, state.closes_at, state.opens_at) == (
        True,
        True,
        None,
        None,
    )
    assert state.why == "The window is open; nothing closes it."


def test_less_is_needed_when_a_part_of_the_work_is_done():
    late = utc("2026-11-24T23:30:00")
    assert not window_state(policy(SETTLED), late).has_time
    assert window_state(policy(SETTLED), late, needed_seconds=1800).has_time
    assert not window_state(policy(SETTLED), late, needed_seconds=1801).has_time


@pytest.mark.parametrize(("emergencies_wait", "is_open"), [(False, True), (True, False)])
def test_an_emergency_waits_only_where_policy_says_so(emergencies_wait, is_open):
    rules = policy(SETTLED, emergencies_wait=emergencies_wait)
    assert window_state(rules, utc("2026-11-25T12:00"), emergency=True).is_open is is_open


def test_openings_that_touch_are_one():
    whole_night = [
        {"day": "sunday", "start": "23:00", "end": "00:00"},
        {"day": "monday", "start": "00:00", "end": "03:00"},
    ]
    rules = policy(whole_night, expected=4 * 3600, rollback=0)
    state = window_state(rules, utc("2026-11-22T21:00:00"))
    assert state.has_time
    assert state.closes_at == utc("2026-11-23T01:00:00")


def test_seven_full_days_never_close():
    days = [{"day": day, "start": "00:00", "end": "00:00"} for day in Weekday]
    state = window_state(policy(days), utc("2026-11-25T12:00"))
    assert (state.is_open, state.closes_at) == (True, None)


YEAR_END = {
    "start": "2026-12-15T00:00:00+02:00",
    "end": "2027-01-05T00:00:00+02:00",
    "reason": "end of the year",
}


class TestFreezes:
    def test_nothing_opens_in_a_freeze(self):
        state = window_state(policy(SETTLED, [YEAR_END]), utc("2026-12-22T21:00:00"))
        assert not state.is_open
        # 2027-01-05 is a Tuesday.
        assert state.opens_at == utc("2027-01-05T20:00:00")
        assert state.why == (
            "Frozen until Tuesday 2027-01-05 00:00 Africa/Johannesburg: end of the year. It next "
            "opens for long enough on Tuesday 2027-01-05 22:00 Africa/Johannesburg."
        )

    def test_a_freeze_closes_what_is_always_open(self):
        state = window_state(policy(freezes=[YEAR_END]), utc("2026-12-14T21:30:00"))
        assert (state.is_open, state.has_time) == (True, False)
        assert state.closes_at == utc("2026-12-14T22:00:00")
        assert state.opens_at == utc("2027-01-04T22:00:00")

    def test_it_ends_with_its_last_moment(self):
        rules = policy(freezes=[YEAR_END])
        assert not window_state(rules, utc("2027-01-04T21:59:59")).is_open
        assert window_state(rules, utc("2027-01-04T22:00:00")).is_open

    def test_what_is_left_of_an_opening_after_a_freeze_counts(self):
        noon = {
            "start": "2026-11-28T06:00:00+02:00",
            "end": "2026-11-28T08:00:00+02:00",
            "reason": "audit",
        }
        state = window_state(policy(SETTLED, [noon]), utc("2026-11-28T04:30:00"))
        assert state.opens_at == utc("2026-11-28T06:00:00")

    @pytest.mark.parametrize(
        ("start", "end", "told"),
        [
            ("2026-12-15T00:00:00", "2026-12-16T00:00:00", "timezone"),
            ("2026-12-16T00:00:00Z", "2026-12-16T00:00:00Z", "ends before it starts"),
        ],
    )
    def test_one_that_says_nothing_clear_is_refused(self, start, end, told):
        with pytest.raises(ValidationError, match=told):
            policy(freezes=[{"start": start, "end": end, "reason": "audit"}])


class TestClocksThatChange:
    """Berlin: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00."""

    def spans(self, start, end, day="sunday"):
        rules = policy(
            [{"day": day, "start": start, "end": end}], zone="Europe/Berlin", expected=0, rollback=0
        )
        march = open_spans(rules, utc("2026-03-28T12:00"), utc("2026-03-29T22:00"))
        october = open_spans(rules, utc("2026-10-24T12:00"), utc("2026-10-25T22:00"))
        return [[(s.start, s.end) for s in spans] for spans in (march, october)]

    def test_a_night_has_an_hour_less_or_more(self):
        march, october = self.spans("01:00", "05:00")
        assert march == [(utc("2026-03-29T00:00"), utc("2026-03-29T03:00"))]
        assert october == [(utc("2026-10-24T23:00"), utc("2026-10-25T04:00"))]

    def test_a_start_that_is_skipped_counts_as_later_and_an_end_as_earlier(self):
        march, _ = self.spans("02:30", "05:00")
        assert march == [(utc("2026-03-29T01:30"), utc("2026-03-29T03:00"))]
        march, _ = self.spans("00:00", "02:30")
        assert march == [(utc("2026-03-28T23:00"), utc("2026-03-29T00:30"))]

    def test_an_opening_that_is_skipped_whole_does_not_happen(self):
        march, _ = self.spans("02:15", "02:45")
        assert march == []

    def test_an_end_that_comes_twice_is_the_first_one(self):
        _, october = self.spans("01:00", "02:30")
        assert october == [(utc("2026-10-24T23:00"), utc("2026-10-25T00:30"))]

    def test_the_same_wall_time_is_another_moment_in_summer(self):
        rules = policy([{"day": "monday", "start": "20:00", "end": "23:00"}], zone="Europe/Berlin")
        assert window_state(rules, utc("2026-07-06T18:00:00")).is_open
        assert not window_state(rules, utc("2026-07-06T17:59:59")).is_open
        assert window_state(rules, utc("2026-12-07T19:00:00")).is_open
        assert not window_state(rules, utc("2026-12-07T18:59:59")).is_open


class TestRefusedWhenLoaded:
    def test_no_opening_holds_work_and_rollback(self):
        with pytest.raises(ValidationError, match="nothing could ever be promoted"):
            policy(SETTLED, expected=4 * 3600, rollback=1)

    def test_one_that_just_holds_them_is_fine(self):
        assert policy(SETTLED, expected=4 * 3600, rollback=0).needed == timedelta(hours=4)

    def test_openings_that_join_over_the_end_of_the_week_count_together(self):
        joined = [
            {"day": "sunday", "start": "22:00", "end": "00:00"},
            {"day": "monday", "start": "00:00", "end": "02:00"},
        ]
        assert policy(joined, expected=4 * 3600, rollback=0).needed == timedelta(hours=4)

    def test_an_offset_in_an_opening(self):
        with pytest.raises(ValidationError, match="leave the offset out"):
            policy([{"day": "monday", "start": "20:00+02:00", "end": "23:00"}])

    def test_a_zone_that_does_not_exist(self):
        with pytest.raises(ValidationError, match="no time zone 'Africa/Atlantis'"):
            policy(zone="Africa/Atlantis")


ZONES = st.sampled_from(
    ["Africa/Johannesburg", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]
)
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
OPENINGS = st.lists(
    st.builds(Opening, day=st.sampled_from(list(Weekday)), start=TIMES, end=TIMES),
    min_size=1,
    max_size=4,
)
MOMENTS = st.integers(0, 730 * 86_400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
FREEZES = st.lists(
    st.builds(
        lambda start, hours: Freeze(start=start, end=start + timedelta(hours=hours), reason="x"),
        MOMENTS,
        st.integers(1, 24 * 40),
    ),
    max_size=2,
)


@st.composite
def policies(draw):
    return WindowPolicy(
        zone=draw(ZONES),
        openings=tuple(draw(OPENINGS)),
        freezes=tuple(draw(FREEZES)),
        expected_seconds=0,
        rollback_seconds=0,
    )


def shows_an_opening(rules, at):
    """Say it in other words than the code: what the clock on the wall shows."""
    wall = at.astimezone(ZoneInfo(rules.zone))
    for opening in rules.openings:
        today = opening.day.number == wall.weekday()
        yesterday = opening.day.number == (wall.weekday() - 1) % 7
        now = wall.time()
        if not opening.ends_next_day:
            if today and opening.start <= now < opening.end:
                return True
        elif (today and now >= opening.start) or (yesterday and now < opening.end):
            return True
    return False


def near_a_change(rules, at):
    zone = ZoneInfo(rules.zone)
    offsets = {(at + timedelta(hours=h)).astimezone(zone).utcoffset() for h in range(-30, 31)}
    return len(offsets) > 1


@settings(deadline=None)
@given(rules=policies(), at=MOMENTS)
def test_open_is_what_the_wall_clock_shows_outside_freezes(rules, at):
    frozen = any(freeze.start <= at < freeze.end for freeze in rules.freezes)
    is_open = window_state(rules, at).is_open
    if frozen:
        assert not is_open
    elif not near_a_change(rules, at):
        assert is_open == shows_an_opening(rules, at)


@settings(deadline=None)
@given(rules=policies(), at=MOMENTS)
def test_it_is_open_until_it_closes_and_closed_until_it_opens(rules, at):
    state = window_state(rules, at)
    end = state.closes_at if state.is_open else state.opens_at
    if end is None:
        return
    assert end > at
    assert window_state(rules, end).is_open is not state.is_open
    assert window_state(rules, end - timedelta(seconds=1)).is_open is state.is_open


@settings(deadline=None)
@given(rules=policies(), at=MOMENTS, minutes=st.integers(1, 600))
def test_where_it_opens_next_there_is_time(rules, at, minutes):
    state = window_state(rules, at, needed_seconds=minutes * 60)
    if state.opens_at is not None:
        assert not state.has_time
        assert window_state(rules, state.opens_at, needed_seconds=minutes * 60).has_time


def test_an_opening_that_the_horizon_cuts_is_no_endless_one():
    """Found by the property above: the last opening that was looked at seemed to have no end."""
    rules = WindowPolicy(
        openings=(Opening(day=Weekday.WEDNESDAY, start=time(0), end=time(1)),),
        freezes=(
            Freeze(
                start=datetime(2026, 1, 12, 3, 57, 58, tzinfo=UTC),
                end=datetime(2026, 1, 12, 19, 57, 58, tzinfo=UTC),
                reason="x",
            ),
        ),
        expected_seconds=0,
        rollback_seconds=0,
    )
    state = window_state(rules, datetime(2026, 1, 1, 15, tzinfo=UTC), needed_seconds=182 * 60)
    assert (state.is_open, state.opens_at) == (False, None)
