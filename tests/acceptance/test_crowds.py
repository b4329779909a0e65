"""Many at once: nobody is lost, nobody waits for ever, and no two are at work on one site."""

from itertools import pairwise

import pytest

pytestmark = pytest.mark.machine
COMPLETED = "SiteOperationCompleted"


class TestOneSite:
    """Two updates, a deletion and two promotions of one site at one moment."""

    def test_each_is_answered(self, rivals):
        statuses = {what: run.end["detail-type"] for what, run in rivals.asked.items()}
        assert statuses["deletion"] == COMPLETED
        done = {COMPLETED, "SiteOperationRejected"}
        assert set(statuses.values()) <= {*done, "SiteOperationFailed"}, statuses

    def test_who_came_too_late_is_told_why(self, rivals):
        answers = rivals.asked.values()
        refused = [r for r in answers if r.end["detail-type"] != COMPLETED]
        codes = {run.data["error"]["code"] for run in refused}
        assert codes <= {"PROM_001", "PROM_002", "SITE_002", "SITE_005"}

    def test_they_never_interleave(self, rivals):
        spans = sorted(rivals.spans.values())
        assert len(spans) >= 3
        for (_, ended), (taken, _) in pairwise(spans):
            assert ended <= taken, rivals.spans

    def test_the_site_is_gone_or_whole(self, rivals):
        """Whatever came last: no part of a site without the others."""
        site, *releases = rivals.records
        live = [r for r in releases if r["status"] == "LIVE"]
        kinds = {kind: len(found) for kind, found in rivals.left["releases"].items()}
        if site["status"] == "DELETED":
            assert (set(kinds.values()), rivals.left["hosts"], live) == ({0}, [], [])
        else:
            assert site["status"] == "ACTIVE"
            assert (set(kinds.values()), len(rivals.left["hosts"]), len(live)) == ({1}, 1, 1)


@pytest.mark.long
class TestFifty:
    """Fifty creations of five tenants at once; two ask for one subdomain."""

    def test_all_sites_are_there(self, world, crowd):
        assert {run.status for run in crowd.runs} == {"COMPLETED"}
        assert len({run.url for run in crowd.runs}) == len(crowd.runs) == 48
        assert {world.browser.get(run.url).status for run in crowd.runs} == {200}

    def test_one_of_two_gets_the_subdomain(self, world, crowd):
        winner, loser = sorted(crowd.rivals, key=lambda run: run.status)
        assert (winner.status, loser.status) == ("COMPLETED", "FAILED")
        assert loser.data["error"]["code"] == "SITE_003"
        assert world.browser.get(winner.url).status == 200

    def test_no_tenant_has_more_at_work_than_its_share(self, crowd):
        assert all(0 < running <= 8 for running in crowd.most_running.values())

    def test_another_tenant_is_not_held_up(self, crowd, record_property):
        """Told, not judged: this machine has two cores, and all share them."""
        record_property("alone_seconds", crowd.alone.seconds)
        record_property("between_seconds", crowd.between.seconds)
        last = max(run.seconds for run in crowd.runs)
        assert crowd.between.status == "COMPLETED"
        assert crowd.between.seconds < last / 2
