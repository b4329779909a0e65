"""The replayer's role on one machine: it reads what letters of every kind are about, and no more.

Every sample of a message, event and notification lies among the dead letters of sit; the fleet's
own code, with the deployed function's variables and the credentials of its role, foretells them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from local_calls import OPERATION
from local_fleet import Fleet, session_client

from core.adapters.aws.errors import DENIED_CODES
from core.adapters.system import SystemClock
from core.bootstrap import fleet as wired
from core.domain.replays import Fate, Pace, ReplayFilter, ReplayStatus
from core.letter_room import LetterRoom
from core.replay.replayer import Rest, Wishes
from local.layout import CHECKOUT
from tests.acceptance.spans import span

pytestmark = pytest.mark.machine
SAMPLES = CHECKOUT / "events" / "samples"
QUEUES = {
    "SITE_CREATION_REQUEST": "creation",
    "SITE_UPDATE_REQUEST": "update",
    "SITE_DELETION_REQUEST": "deletion",
}
"""Message type -> the queue it came from; others: promotion."""
MEANT = {
    "SITE_CREATION_REQUEST": {"environment": "sit", "siteId": "site-new", "configuration": {}},
    "SITE_PROMOTION_REQUEST": {"sourceEnvironment": "dev", "targetEnvironment": "sit"},
    "PROMOTION_ROLLBACK_REQUEST": {"environment": "sit"},
}
"""What of a sample's payload is another thing in sit."""
SITE, TENANT = "site-550e8400-e29b-41d4-a716-446655440000", "tenant-1"


@pytest.fixture(scope="module")
def room(fleet: Fleet) -> Iterator[LetterRoom]:
    variables = fleet.variables("sit", "dlq-replayer")
    found = wired(variables, fleet.function("sit", "dlq-replayer")).letters
    assert found is not None
    with span("letters"):
        yield found


def test_it_foretells_letters_of_every_kind(fleet: Fleet, room: LetterRoom):
    fleet.put_site("sit", TENANT, SITE)
    bodies = {path.stem: path.read_text() for path in SAMPLES.glob("*.json")}
    for name, body in bodies.items():
        box, queue = place_of(name, body)
        meant = MEANT.get(name, {})
        sent = as_delivered(body) if queue == "mailer" else with_payload(body, **meant)
        bury(fleet, name, sent, box=box, queue=queue)
    letters = room.desk.collect(ReplayFilter())
    foretold = {one.letter.raw.text("sample"): one.forecast for one in room.desk.foretell(letters)}
    room.desk.give_back(letters)
    assert set(foretold) == set(bodies)
    refused = {name for name, told in foretold.items() if told.fate is Fate.REFUSED}
    assert {"SITE_UPDATE_REQUEST", "SITE_RESTORE_REQUEST"} <= refused
    assert foretold["SITE_DELETION_REQUEST"].fate is Fate.ACCEPTED
    assert foretold["SITE_PROMOTION_REQUEST"].fate is Fate.ACCEPTED
    assert foretold["SITE_CREATION_COMPLETE"].fate is Fate.ANNOUNCED
    assert "TEMP_001" in foretold["SITE_CREATION_REQUEST"].sentence


def test_it_replays_and_announces_the_end(fleet: Fleet, room: LetterRoom):
    purge(fleet)
    bury(fleet, "nothing", "no request", box="operations-dlq", queue="update")
    letters = room.desk.collect(ReplayFilter())
    wishes = Wishes(
        requested_by="tester",
        reason="a test",
        filters=ReplayFilter(),
        pace=Pace(),
        sends_refused=True,
    )
    opened = room.replayer.begin(wishes, room.desk.foretell(letters))
    until = SystemClock().now() + timedelta(minutes=2)
    rest = room.replayer.advance(opened.replay_id, owner="test", until=until)
    while rest is not Rest.FINISHED and SystemClock().now() < until:
        time.sleep(1)
        rest = room.replayer.advance(opened.replay_id, owner="test", until=until)
    ended = room.journal.get(opened.replay_id)
    assert ended is not None
    assert ended.status is ReplayStatus.FINISHED
    [entry] = room.journal.entries(opened.replay_id)
    assert entry.fate is Fate.REFUSED, "the update function has told it"


def test_the_recorded_attempts_are_its_to_read(room: LetterRoom):
    assert room.failures.of_operations([OPERATION]) == {OPERATION: []}


@pytest.mark.parametrize("table", ["sites", "tenants"])
def test_it_changes_no_site_and_no_tenant(fleet: Fleet, table: str):
    dynamodb = session_client(fleet.function("sit", "dlq-replayer"), "dynamodb")
    item = {"PK": {"S": "TENANT#tenant-1"}, "SK": {"S": "SITE#x"}}
    with pytest.raises(ClientError) as error:
        dynamodb.put_item(TableName=table, Item=item)
    assert error.value.response["Error"]["Code"] in DENIED_CODES


def as_delivered(sample: str) -> str:
    """Return what a queue that subscribes gets of a notification's sample."""
    return json.dumps(json.loads(sample)["default"])


def with_payload(body: str, **values: object) -> str:
    read = json.loads(body)
    return json.dumps(read | {"payload": read["payload"] | values}) if values else body


def place_of(name: str, body: str) -> tuple[str, str]:
    """Return in which box a sample ends when it cannot be worked on, and from which queue."""
    if not name.isupper():
        return "undeliverable", "notifier"
    if "messageType" not in json.loads(body):
        return "undeliverable", "mailer"
    return "operations-dlq", QUEUES.get(name, "promotion")


def bury(fleet: Fleet, name: str, body: str, *, box: str, queue: str) -> None:
    sqs = fleet.clouds["sit"].sqs
    values = {"sample": name, "reason": "a test", "errorCode": "SYS_001", "originQueue": queue}
    sqs.send_message(
        QueueUrl=sqs.get_queue_url(QueueName=f"bbws-wp-site-{box}-sit")["QueueUrl"],
        MessageBody=body,
        MessageAttributes={
            key: {"DataType": "String", "StringValue": value} for key, value in values.items()
        },
    )


def purge(fleet: Fleet) -> None:
    sqs = fleet.clouds["sit"].sqs
    for box in ("undeliverable", "operations-dlq"):
        sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName=f"bbws-wp-site-{box}-sit")["QueueUrl"])
