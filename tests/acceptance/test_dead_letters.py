"""An operator reads dead letters, is told what a replay will do, and that is what happens."""

import pytest

pytestmark = pytest.mark.machine


def plan_of(typed, **wanted):
    return [one for one in typed.json["plan"] if all(one[k] == v for k, v in wanted.items())]


def test_letters_are_listed_by_what_failed(dead_letters):
    assert dead_letters.listed.code == 0, dead_letters.listed.err
    groups = {group["failure"]: group for group in dead_letters.listed.json["groups"]}
    assert {"PROM_005", "SITE_001", "SITE_002", "SDK_CLIENT_ERROR"} <= set(groups)
    assert groups["PROM_005"]["tenants"] == {"tenant-letters": 1}
    assert groups["SDK_CLIENT_ERROR"]["kinds"] == {"target failure": 1}
    assert groups["SDK_CLIENT_ERROR"]["boxes"] == {"undeliverable": 1}


def test_a_letter_tells_why_it_is_one(dead_letters):
    assert dead_letters.shown.code == 0, dead_letters.shown.err
    assert "tenant-letters is SUSPENDED" in dead_letters.shown.out
    assert dead_letters.site_id in dead_letters.shown.out


def test_the_plan_tells_what_will_happen(dead_letters):
    [before] = dead_letters.before.json["plan"]
    assert before["fate"] == "refused"
    [created] = plan_of(dead_letters.planned, groupId=before["groupId"])
    assert created["fate"] == "accepted"
    [event] = plan_of(dead_letters.planned, origin="notifier")
    assert event["fate"] == "nothing"
    assert len(plan_of(dead_letters.planned, fate="refused")) >= 2


def test_without_yes_nothing_is_sent(dead_letters):
    assert "Nothing has been sent." in dead_letters.told.err
    assert (
        "sitefleet dlq replay --tenant-id tenant-letters --env sit --reason"
        in dead_letters.told.err
    )


@pytest.mark.parametrize("how", ["replayed", "remote"])
def test_what_the_plan_said_is_what_happened(dead_letters, how):
    replay = getattr(dead_letters, how)
    assert replay.code == 0, replay.err
    [entry] = replay.json["entries"]
    assert entry["state"] == "done"
    assert entry["fate"] == entry["forecast"]


def test_what_would_be_refused_stays_and_can_be_put_aside(dead_letters):
    assert [one["fate"] for one in dead_letters.left.json["plan"]] == ["refused"]
    assert dead_letters.parked.code == 0, dead_letters.parked.err
    assert "Parked 1 letter" in dead_letters.parked.err


def test_who_did_what_and_why_is_kept(dead_letters):
    remote, own = dead_letters.history.json["replays"][:2]
    assert (remote["reason"], own["reason"]) == ("It works.", "It pays again.")
    assert {remote["status"], own["status"]} == {"FINISHED"}
    assert all(one["requestedBy"] for one in (remote, own))


def test_subscribers_hear_of_the_end(world, dead_letters):
    heard = [n["body"] for n in world.notifications["sit"].all]
    assert sum(n["eventType"] == "DLQ_REPLAY_FINISHED" for n in heard) == 2
