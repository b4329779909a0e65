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
        assert len(spans) >= 2, "the queues hand out in any order: the deletion may be second"
        for (_, ended), (taken, _) in pairwise(spans):
            assert ended <= taken, rivals.spans

    def test_the_recorded_steps_never_interleave_either(self, rivals):
        """By the table: whoever works on the site ends its last step before another begins one."""
        assert len(rivals.steps) > 20
        owners = [owner for _, _, owner in rivals.steps]
        changes = sum(one != other for one, other in pairwise(owners))
        assert changes == len(set(owners)) - 1
        for (_, ended, one), (began, _, other) in pairwise(rivals.steps):
            assert one == other or ended <= began

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

    def test_another_tenant_is_not_held_up(self, crowd, numbers):
        last = max(run.seconds for run in crowd.runs)
        numbers.append(
            f"an update: {crowd.alone.seconds:.0f} s alone, {crowd.between.seconds:.0f} s among "
            f"fifty creations, which took {last:.0f} s; at work at once: {crowd.most_running}"
        )
        assert crowd.between.status == "COMPLETED"
        assert crowd.between.seconds < last / 2


@pytest.mark.long
class TestThousand:
    """One tenant drops a thousand creations; another one changes its site.

    How long that takes is told, not judged: this machine has two cores, and all share them.
    """

    def test_the_other_one_is_served_long_before_they_are_done(self, thousand, numbers):
        numbers.append(
            f"an update: {thousand.alone.seconds:.0f} s alone, {thousand.behind.seconds:.0f} s "
            f"behind a thousand creations, of which {thousand.ended_before} had ended by then"
        )
        assert thousand.behind.status == "COMPLETED"
        assert thousand.ended_before < 50
