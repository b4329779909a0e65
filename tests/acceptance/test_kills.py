"""kill -9 in the middle: the operation completes, and its effects are there once."""

import pytest

pytestmark = pytest.mark.machine
KINDS = ["job_kills", "worker_kills"]


@pytest.fixture(params=KINDS)
def kills(request):
    return request.getfixturevalue(request.param)


def test_a_migrator_was_killed_in_each_of_four_steps(job_kills):
    steps = ("install_wordpress", "export_source", "import_database", "place_content")
    assert len(job_kills.killed) == len(steps)
    for job, step in zip(job_kills.killed, steps, strict=True):
        assert f"-{step}-0-" in job


def test_a_killed_job_is_done_by_another_attempt(world, job_kills):
    created, promoted = job_kills.created.operation_id, job_kills.promoted.operation_id
    done = {
        step: event["detail"]["metadata"]["attempt"]
        for operation, name in ((created, "dev"), (promoted, "sit"))
        for event in world.events[name].where("SiteStepCompleted", operationId=operation)
        if (step := event["detail"]["metadata"]["step"])
    }
    assert done["install_wordpress"] >= 1
    assert min(done["export_source"], done["import_database"], done["place_content"]) >= 1
    jobs = world.inventory["sit"].jobs(promoted) + world.inventory["dev"].jobs(promoted)
    assert {"export_source/0", "export_source/1", "import_database/0"} <= set(jobs)


def test_workers_died_with_a_message_in_hand(worker_kills):
    assert len(worker_kills.killed) == len(("created", "promoted"))
    assert min(worker_kills.killed) >= 1


def test_the_operations_complete(kills):
    assert (kills.created.status, kills.promoted.status) == ("COMPLETED", "COMPLETED")


def test_the_site_answers_in_both_environments(world, kills):
    for run in (kills.created, kills.promoted):
        page = world.browser.get(run.url)
        assert page.status == 200
        assert "Hello world!" in page.text
    assert "wpdev" not in world.browser.get(kills.promoted.url).everything


def test_the_effects_are_there_once(world, kills):
    """One release, one of each resource, one rule, one name; nothing left of what was killed."""
    site = kills.created.request["payload"]["siteId"]
    for run, name in ((kills.created, "dev"), (kills.promoted, "sit")):
        here = world.inventory[name]
        record, *others = here.site(site)
        releases = [item for item in others if "#RELEASE#" in item["SK"]]
        assert (record["status"], record["liveRelease"]) == ("ACTIVE", "1")
        assert [(r["number"], r["status"]) for r in releases] == [("1", "LIVE")]
        key = releases[0]["schema"].split("_")[1]
        for kind, found in here.releases().items():
            assert {r: n for r, n in found.items() if r[0] == key} == {(key, 1): 1}, kind
        host = run.url.removeprefix("https://")
        assert here.hosts()[host] == 1
        assert host in here.names()
        assert here.users().count(f"u_{key}") == 1


def test_each_end_is_announced_once(world, kills):
    for run, name in ((kills.created, "dev"), (kills.promoted, "sit")):
        heard = [n for n in world.completions[name].all if n["operationId"] == run.operation_id]
        assert len({n["body"]["eventId"] for n in heard}) == 1
