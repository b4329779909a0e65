"""The same message sent ten times, and once more when all is done."""

import pytest

pytestmark = pytest.mark.machine


@pytest.fixture
def operation(repeats):
    return repeats.created.operation_id


def test_it_is_one_operation(world, repeats, operation):
    mine = {"correlationId": repeats.created.request["correlationId"]}
    events = world.events["dev"].where(**mine)
    assert {event["detail"]["metadata"]["operationId"] for event in events} == {operation}
    ids = {e["detail"]["metadata"]["eventId"] for e in events if "Accepted" in e["detail-type"]}
    assert len(ids) == 1
    completed = world.events["dev"].where("SiteOperationCompleted", **mine)
    assert len({event["detail"]["metadata"]["eventId"] for event in completed}) == 1
    assert repeats.created.status == "COMPLETED"


def test_its_work_is_done_once(world, repeats, operation):
    """One release, one of each resource, one container job of each step, in one attempt."""
    dev, site = world.inventory["dev"], repeats.created.request["payload"]["siteId"]
    records = [item for item in dev.site(site) if "#RELEASE#" in item["SK"]]
    assert [(r["number"], r["status"]) for r in records] == [("1", "LIVE")]
    key = records[0]["schema"].split("_")[1]
    for kind, found in dev.releases().items():
        assert {r: n for r, n in found.items() if r[0] == key} == {(key, 1): 1}, kind
    assert dev.jobs(operation) == ["check_after/0", "check_before/0", "install_wordpress/0"]
    assert dev.hosts()["ten-times.wpdev.kimmyai.io"] == 1


def test_each_step_is_reported_as_one_fact(world, operation):
    steps = world.events["dev"].where("SiteStepCompleted", operationId=operation)
    facts = {(e["detail"]["metadata"]["step"], e["detail"]["metadata"]["eventId"]) for e in steps}
    assert len(facts) == len({step for step, _ in facts}) == 14


def test_the_repeats_are_answered_by_status_events(world, repeats, operation):
    """Nine repeats of the ten, and the late one, which hears that all is done."""
    answers = world.events["dev"].where("SiteOperationStatus", operationId=operation)
    assert len(answers) >= 10
    assert repeats.late_answer["detail"]["data"]["siteUrl"] == repeats.created.url


def test_completion_is_announced_once(world, repeats):
    site = repeats.created.request["payload"]["siteId"]
    world.completions["dev"].wait_for(site, "SITE_CREATION_COMPLETE")
    assert len(world.completions["dev"].about(site)) == 1


def test_the_same_key_with_another_payload_is_rejected(world, repeats, operation):
    error = repeats.other_payload["detail"]["data"]["error"]
    assert error["code"] == "SITE_001"
    assert "idempotencyKey" in error["message"]
    letter = world.letters["dev"].wait_for(operationId=operation)
    assert "Another name" in letter["body"]
    assert letter["attributes"]["errorCode"] == "SITE_001"
    assert "idempotencyKey" in letter["attributes"]["reason"]
    title = world.browser.get(repeats.created.url).text
    assert "The ten-times shop" in title
    assert "Another name" not in title
