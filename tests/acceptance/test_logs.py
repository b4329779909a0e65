"""When everything is over: logs that can be followed, and no loose ends."""

import re

import pytest

from tests.acceptance.fleet_client import eventually
from tests.acceptance.log_lines import log_lines

pytestmark = pytest.mark.machine
ENVIRONMENTS = ["dev", "sit"]
CONTEXT = {"operationId", "step", "attempt", "tenantId", "siteId", "correlationId"}
ABOUT_AN_OPERATION = re.compile(
    r"running_step|waiting|accepting_operation|failing|losing_claim|turning_back|stalling|announcing"
)


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def environment(request, everything_done):
    return request.param


@pytest.fixture(scope="module")
def logs(world, environment):
    return log_lines(world.accounts[environment])


def test_the_functions_have_logged(logs, environment):
    wrote = {log.function.rpartition("-")[2] for log in logs if log.json}
    worker = "creation" if environment == "dev" else "promotion"
    assert {worker, "notifier"} <= wrote
    assert sum(len(log.json) for log in logs) > 30


def test_every_line_is_one_json_object(logs):
    wrong = [(log.function, line) for log in logs for line in log.own if not line.startswith("{")]
    assert wrong == []


def test_every_line_about_an_operation_says_which(logs):
    lines = [(log.function, line) for log in logs for line in log.json]
    about = [
        (function, line)
        for function, line in lines
        if "operationId" in line or ABOUT_AN_OPERATION.search(str(line.get("event")))
    ]
    wrong = [(f, CONTEXT - set(line), line) for f, line in about if not set(line) >= CONTEXT]
    assert len(about) > 30
    assert wrong == []


def test_nothing_exists_without_a_release(world, environment):
    """Services, target groups, access points, directories, schemas: one of each per release."""
    here = world.inventory[environment]
    kept = {
        (item["schema"].split("_")[1], int(item["number"])): 1
        for item in here.items("sites")
        if "#RELEASE#" in item["SK"] and item["status"] in {"LIVE", "SUPERSEDED"}
    }
    assert kept
    for kind, found in here.releases().items():
        assert dict(found) == kept, kind


def test_no_lock_is_held_and_every_operation_has_ended(world, environment):
    items = world.inventory[environment].items(f"bbws-wp-operations-{environment}")
    assert [item["PK"] for item in items if item["SK"] == "LOCK"] == []
    ended = {"COMPLETED", "FAILED", "CANCELLED"}
    seen_by_visitors = {"ROLLED_BACK"} if environment == "dev" else set()  # the broken pages
    assert {item["status"] for item in items if "opType" in item} <= ended | seen_by_visitors


@pytest.mark.parametrize("queue", ["creation", "update", "deletion", "promotion"])
def test_the_queues_are_drained(world, environment, queue):
    account = world.accounts[environment]
    names = [f"ApproximateNumberOfMessages{rest}" for rest in ("", "NotVisible", "Delayed")]

    def empty():
        attributes = account.client("sqs").get_queue_attributes(
            QueueUrl=account.queue_url(queue), AttributeNames=names
        )["Attributes"]
        return all(attributes[name] == "0" for name in names)

    eventually(empty, f"the {queue} queue of {environment} is empty", seconds=75)
