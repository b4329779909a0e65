"""Old releases are removed with schema and folder; a live one refuses the whole job."""

from __future__ import annotations


def job(fleet, *numbers):
    releases = [fleet.names.release(number) for number in numbers]
    return {
        "databases": [fleet.job_database(number) for number in numbers],
        "contentRoots": [release.content_root for release in releases],
    }


def made(fleet, *numbers):
    for number in numbers:
        fleet.database.run(f"CREATE DATABASE `{fleet.names.release(number).schema}`")
        fleet.content(number).mkdir(parents=True)
        (fleet.content(number) / "a.txt").write_text("x")


def schemas(fleet):
    found = fleet.database.run("SHOW DATABASES")
    return {name for (name,) in found if name.startswith(f"s_{fleet.names.key}")}


def test_old_releases_go_and_the_others_stay(fleet):
    made(fleet, 1, 2, 3)
    fleet.record(live=3)
    assert fleet.done("retire", **job(fleet, 1, 2)) == {"dropped": 2, "removed": 2}
    assert schemas(fleet) == {fleet.names.release(3).schema}
    assert [p.name for p in fleet.content(3).parent.iterdir()] == ["r3"]


def test_a_second_run_finds_nothing_and_that_is_fine(fleet):
    made(fleet, 1)
    fleet.record(live=3)
    fleet.done("retire", **job(fleet, 1))
    assert fleet.done("retire", **job(fleet, 1)) == {"dropped": 0, "removed": 0}


def test_a_live_release_refuses_the_whole_job(fleet):
    made(fleet, 1, 2)
    fleet.record(live=2)
    assert "is live" in fleet.failed("retire", **job(fleet, 1, 2)).message
    assert schemas(fleet) == {fleet.names.release(n).schema for n in (1, 2)}
    assert fleet.content(1).exists()
