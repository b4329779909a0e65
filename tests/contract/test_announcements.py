"""Announcements and what one correlation id led to: one contract, three stores."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.domain.notices import Notice
from core.ports.announcements import ANNOUNCING, Correlated, Mark
from tests.contract.stored_operations import NOW, claim, operation, store_on

CORRELATION = operation().correlation_id


@pytest.fixture
def store(backend):
    return store_on(backend)


def notice(mark="e1", minutes=0, **changes):
    told = Notice(
        mark=mark,
        event_id=mark,
        event_type="SITE_PROMOTION_COMPLETE",
        outcome="succeeded",
        severity="info",
        correlation_id=CORRELATION,
        tenant_id="tenant-1",
        site_id="site-1",
        operation_id=operation().operation_id,
        announced_at=NOW + timedelta(minutes=minutes),
    )
    return replace(told, **changes)


class TestAnnouncements:
    def test_a_fact_is_announced_until_it_is_done(self, store):
        assert store.announce("e1", NOW, by="m1") is Mark.MINE
        assert store.announce("e1", NOW, by="m1") is Mark.MINE
        store.announced(notice())
        assert store.announce("e1", NOW, by="m1") is Mark.DONE
        assert store.announce("e1", NOW, by="m2") is Mark.DONE
        assert store.announce("e2", NOW, by="m2") is Mark.MINE

    def test_of_many_marks_it_tells_which_are_done(self, store):
        store.announce("e1", NOW, by="m1")
        store.announced(notice())
        store.announce("e2", NOW, by="m2")
        assert set(store.announced_of(["e1", "e2", "e3"])) == {"e1"}
        assert set(store.announced_of([])) == set()

    def test_a_copy_of_the_event_waits_while_the_first_is_announced(self, store):
        store.announce("e1", NOW, by="m1")
        soon, late = NOW + ANNOUNCING - timedelta(seconds=1), NOW + ANNOUNCING
        assert store.announce("e1", soon, by="m2") is Mark.TAKEN
        assert store.announce("e1", late, by="m2") is Mark.MINE
        assert store.announce("e1", late, by="m1") is Mark.TAKEN

    def test_a_mark_that_is_always_set_with_one_time_stays_with_the_first(self, store):
        assert store.announce("e1", NOW, by="m1") is Mark.MINE
        assert store.announce("e1", NOW, by="m2") is Mark.TAKEN
        assert set(store.announced_of(["e1"])) == set()

    def test_the_newest_of_a_day_first_with_everything_that_was_said(self, store):
        first, second = notice("e1"), notice("e2", 5, replay_of="m1", site_id=None)
        store.announce("open", NOW, by="m1")
        mailed = notice("m", 9, outcome=None, severity=None, audience="customer", reached=False)
        for one in (second, mailed, first, notice("e0", -24 * 60)):
            store.announced(one)
        assert store.notices(day="2026-11-21", limit=10) == [mailed, second, first]
        assert store.notices(day="2026-11-21", limit=1) == [mailed]
        assert store.notices(day="2026-11-22", limit=10) == []

    def test_announcing_again_after_a_crash_leaves_one_entry(self, store):
        store.announced(notice())
        store.announced(notice(minutes=1))
        assert store.notices(day="2026-11-21", limit=10) == [notice(minutes=1)]

    def test_announcements_are_no_operations(self, store):
        store.accept(operation(), "{}")
        store.announced(notice())
        assert store.recent(day="2026-11-21", limit=10) == [operation()]
        assert store.of_site("tenant-1", "site-1", limit=10) == [operation()]
        assert store.due(NOW + timedelta(days=9), 10) == [operation()]


class TestCorrelation:
    def test_finds_operations_and_announcements_in_order_of_time(self, store):
        later = replace(operation(1), created_at=NOW + timedelta(hours=1))
        other = replace(operation(3), correlation_id="correlation-2")
        for one in (later, operation(2), other):
            store.accept(one, "{}")
        for told in (notice("e2", 5), notice("e1"), notice("e3", correlation_id="correlation-2")):
            store.announced(told)
        found = store.of_correlation(CORRELATION, limit=10)
        assert found.operations == (operation(2), later)
        assert found.notices == (notice("e1"), notice("e2", 5))

    def test_still_finds_an_operation_that_has_moved(self, store):
        store.accept(operation(), "{}")
        claimed = claim(store, operation())
        assert store.of_correlation(CORRELATION, limit=10).operations == (claimed,)

    def test_finds_nothing_of_an_id_that_nobody_has_used(self, store):
        assert store.of_correlation("nobody", limit=10) == Correlated()

    def test_brings_no_more_than_asked_for(self, store):
        for number in range(3):
            store.accept(operation(number), "{}")
        assert len(store.of_correlation(CORRELATION, limit=2).operations) == 2
