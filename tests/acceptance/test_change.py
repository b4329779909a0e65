"""A site that is live in both environments is changed in dev and promoted again."""

import pytest

pytestmark = pytest.mark.machine
NEW = "Second article"


def test_the_second_release_is_live(change):
    assert (change.promoted.status, change.promoted.data["release"]) == ("COMPLETED", 2)
    assert change.records[0]["liveRelease"] == "2"
    releases = {r["number"]: r["status"] for r in change.records if "#RELEASE#" in r["SK"]}
    assert releases == {"1": "SUPERSEDED", "2": "LIVE"}


def test_sit_shows_the_change_and_no_trace_of_dev(change):
    page = change.page
    assert NEW in page.text
    assert "First article" in page.text
    assert "wpdev" not in page.everything


def test_visitors_saw_no_error_while_it_switched(change):
    pages = [page for visits in change.visits for page in visits.pages]
    assert [error for visits in change.visits for error in visits.errors] == []
    assert {page.status for page in pages} == {200}
    assert min(len(page.body) for page in pages) > 10_000


def test_visitors_saw_the_switch_happen_once(change):
    """The old page, then the new one, never back: and enough of them to have been there."""
    for visits in change.visits:
        seen = [NEW in page.text for page in visits.pages]
        assert seen == sorted(seen)
        assert len(seen) >= 5
    together = {NEW in page.text for visits in change.visits for page in visits.pages}
    assert together == {False, True}
