"""A finished promotion is taken back by a message, while visitors keep coming."""

import pytest

pytestmark = pytest.mark.machine
NEW = "Second article"


def test_the_former_release_is_live_again_and_the_other_one_is_kept(world, story, back):
    assert (back.rolled_back.status, back.rolled_back.data["release"]) == ("COMPLETED", 1)
    records = world.inventory["sit"].site(story.site_id)
    assert records[0]["liveRelease"] == "1"
    releases = {r["number"]: r["status"] for r in records if "#RELEASE#" in r["SK"]}
    assert releases == {"1": "LIVE", "2": "SUPERSEDED"}


def test_visitors_saw_no_error_while_it_went_back(back):
    pages = [page for visits in back.visits for page in visits.pages]
    assert [error for visits in back.visits for error in visits.errors] == []
    assert {page.status for page in pages} == {200}
    assert min(len(page.body) for page in pages) > 10_000


def test_visitors_saw_it_go_back_once(back):
    """The new page, then the old one, never the new one again."""
    for visits in back.visits:
        seen = [NEW in page.text for page in visits.pages]
        assert seen == sorted(seen, reverse=True)
        assert len(seen) >= 5
    together = {NEW in page.text for visits in back.visits for page in visits.pages}
    assert together == {False, True}


def test_what_was_written_since_the_switch_is_kept_and_counted(back):
    assert back.rolled_back.data["salvagedRows"] >= 1


def test_subscribers_hear_that_the_promotion_was_rolled_back(world, story, back):
    told = world.notifications["sit"].wait_for(story.site_id, "SITE_PROMOTION_ROLLED_BACK")
    assert told["MessageAttributes"]["outcome"]["Value"] == "rolled_back"
