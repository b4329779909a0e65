"""What cannot be accepted is answered, kept with its reason, and harms nobody."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.log_lines import log_lines
from tests.acceptance.malformed import all_messages

pytestmark = pytest.mark.machine


@pytest.fixture(scope="module")
def kept(world, malformed_messages):
    """The dead letters by the body that was sent: what is oversized is found in S3."""
    s3, found = world.accounts["dev"].client("s3"), {}
    for letter in world.letters["dev"].with_reason():
        body = letter["body"]
        if body.startswith('{"pointer"'):
            pointer = json.loads(body)
            bucket, _, key = pointer["pointer"].removeprefix("s3://").partition("/")
            content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            assert hashlib.sha256(content).hexdigest() == pointer["sha256"]
            body = content.decode()
        found.setdefault((letter["attributes"].get("originQueue"), body), []).append(letter)
    return found


@pytest.fixture(scope="module")
def redelivered(world, malformed_messages):
    """Messages that SQS handed out again, because a function was killed before it was done."""
    lines = [line for function in log_lines(world.accounts["dev"]) for line in function.json]
    return {line["messageId"] for line in lines if line.get("receiveCount", 1) > 1}


def once(letters, redelivered):
    """Leave one of the letters of a message that was handed out more than once."""
    seen, left = set(), []
    for letter in letters:
        message_id = letter["attributes"]["messageId"]
        if message_id not in seen or message_id not in redelivered:
            left.append(letter)
        seen.add(message_id)
    return left


def test_every_queue_and_every_field_is_covered():
    messages = list(all_messages())
    names = Counter(message.name for message in messages)
    assert {m.queue for m in messages} == {"creation", "update", "deletion", "promotion"}
    assert min(names["1 MiB of noise"], names["not JSON"], names["deep nesting"]) == 4
    assert sum("SQL in" in name for name in names) == sum("shell in" in name for name in names) > 25
    assert len({(m.queue, m.body) for m in messages}) == len(messages)


def test_each_ends_as_one_dead_letter_that_says_why(malformed_messages, kept, redelivered):
    wrong = {}
    for message in malformed_messages.messages:
        letters = once(kept.get((message.queue, message.body), []), redelivered)
        reasons = [letter["attributes"].get("reason", "") for letter in letters]
        if len(reasons) != 1 or message.says not in reasons[0]:
            wrong[message.queue, message.name] = reasons
    assert wrong == {}


def test_each_dead_letter_carries_what_a_replay_needs(malformed_messages, kept):
    needed = {"reason", "errorCode", "operationId", "correlationId", "originQueue", "messageId"}
    for message in malformed_messages.messages:
        attributes = kept[message.queue, message.body][0]["attributes"]
        assert needed <= set(attributes)
        assert len(attributes) <= 10
        assert attributes["errorCode"] == message.code


def test_each_ends_as_one_rejection_event(world, malformed_messages, kept, redelivered):
    events = world.events["dev"].where("SiteOperationRejected")
    times = Counter(event["detail"]["metadata"]["eventId"] for event in events)
    codes = {e["detail"]["metadata"]["eventId"]: e["detail"]["data"]["error"] for e in events}
    wrong = {}
    for message in malformed_messages.messages:
        attributes = kept[message.queue, message.body][0]["attributes"]
        event_id = attributes["rejectionEventId"]
        allowed = {1, 2} if attributes["messageId"] in redelivered else {1}
        code = codes.get(event_id, {}).get("code")
        if times[event_id] not in allowed or code != message.code:
            wrong[message.queue, message.name] = (times[event_id], code)
    assert wrong == {}


def test_the_rejection_names_the_wrong_field(world, malformed_messages):
    event = world.events["dev"].wait_for(
        "SiteOperationRejected", correlationId="shell-in-payload-subdomain"
    )
    data = event["detail"]["data"]
    assert data["status"] == "REJECTED"
    assert [error["field"] for error in data["fieldErrors"]] == ["payload.subdomain"]


def test_a_rejection_is_announced(world, malformed_messages):
    told = [json.loads(m["Body"]) for m in world.notifications["dev"].messages]
    rejected = [n["MessageAttributes"] for n in told if "OPERATION_REJECTED" in n["Message"]]
    assert len(rejected) >= len(malformed_messages.messages)
    assert {a["outcome"]["Value"] for a in rejected} == {"rejected"}


def test_the_good_message_among_them_is_unharmed(world, malformed_messages):
    """Its name is a shell and SQL injection, which for a text means nothing."""
    good = malformed_messages.good
    assert good.status == "COMPLETED"
    page = world.browser.get(good.url)
    assert page.status == 200
    assert "DROP TABLE wp_posts" in page.text
    assert "<script>x</script>" not in page.text
    posts = world.browser.get(good.url, "/wp-json/wp/v2/posts").json
    assert [post["slug"] for post in posts] == ["hello-world"]
    assert not Path("/tmp/pwned").exists()


def test_nothing_was_made_for_them(world, malformed_messages):
    good = malformed_messages.good.request["payload"]["siteId"]
    sites = {item["siteId"] for item in world.inventory["dev"].items("sites") if "siteId" in item}
    sent = [json.loads(m.body) for m in malformed_messages.messages if m.body.endswith('"}}')]
    asked = {request["payload"].get("siteId") for request in sent if "payload" in request}
    assert good in sites
    assert not sites & asked
    assert "DROP TABLE" not in json.dumps(sorted(sites))
