"""`send --watch`: until the request is taken, refused, or nobody comes; then to the end."""

from __future__ import annotations

import json
import typing
from dataclasses import replace

import pytest
import typer

from core.adapters.memory.clock import ManualClock, SeededIds
from core.ports.messaging import QueueName
from events.formats import Environment
from ops.desk import Desk
from ops.errors import ExitCode, NotTakenError, RequestRefusedError
from ops.place import Options
from ops.send import send
from ops.sending import PATIENCE_SECONDS
from tests.ops.records import COMPLETED, DONE_ALL, ID, START
from tests.ops.test_send import PROMOTION, PROMOTION_ID, body

__all__ = ["body"]


class Sleeper(typing.NamedTuple):
    """Passes the time of a manual clock, and lets something happen meanwhile."""

    clock: ManualClock
    happens: typing.Callable[[], None]

    def __call__(self, seconds):
        self.clock.advance(seconds)
        self.happens()


def desk_with(happens, **options):
    clock = ManualClock(START)
    options = Options(env=Environment.SIT, **options)
    return Desk(options, {"AWS_ACCESS_KEY_ID": "x"}, clock, SeededIds(), Sleeper(clock, happens))


def send_cancel(desk, tmp_path, operation_id):
    path = tmp_path / "cancel.json"
    payload = {"operationId": operation_id, "reason": "wrong site"}
    cancel = {**PROMOTION, "messageType": "OPERATION_CANCEL_REQUEST", "payload": payload}
    path.write_text(json.dumps(cancel))
    send(desk, str(path), watch=True)


def test_watch_waits_until_the_request_is_accepted(cloud, capsys, body):
    def accept():
        renamed = [replace(record, operation_id=PROMOTION_ID) for record in DONE_ALL]
        cloud.store(replace(COMPLETED, operation_id=PROMOTION_ID), *renamed)

    with pytest.raises(typer.Exit) as ended:
        send(desk_with(accept), body(), watch=True)
    assert ended.value.exit_code == ExitCode.COMPLETED
    out, err = capsys.readouterr()
    assert out == f"{PROMOTION_ID}\n"
    assert "COMPLETED after 2 min 5 s" in err


def test_watch_with_json_prints_one_object(cloud, capsys, body, tmp_path):
    cloud.store(COMPLETED, *DONE_ALL)
    with pytest.raises(typer.Exit):
        send_cancel(desk_with(lambda: None, as_json=True), tmp_path, ID)
    document = json.loads(capsys.readouterr().out)
    assert document["operation"]["status"] == "COMPLETED"
    assert [row["mark"] for row in document["operation"]["steps"]] == ["done"] * 6


def refusing(cloud, queue, code, reason):
    """Return what buries the one message of a queue, as the fleet does."""

    def refuse():
        [message] = cloud.messages(queue)
        values = {"messageId": message["MessageId"], "errorCode": code, "reason": reason}
        cloud.sqs.send_message(
            QueueUrl=cloud.queue_url("site-operations-dlq"),
            MessageBody=message["Body"],
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in values.items()
            },
        )

    return refuse


def test_watch_tells_why_the_fleet_refused(cloud, body):
    refuse = refusing(cloud, "site-promotion", "PROM_005", "No.")
    with pytest.raises(RequestRefusedError, match=r"The fleet refused the request\. PROM_005: No"):
        send(desk_with(refuse), body(), watch=True)
    assert len(cloud.messages("site-operations-dlq")) == 1


def test_watch_tells_how_the_fleet_refused_what_was_forced_on_it(cloud, tmp_path):
    (path := tmp_path / "odd.json").write_text("banana")
    refuse = refusing(cloud, "site-update", "SITE_001", "The body is not JSON.")
    with pytest.raises(RequestRefusedError, match="SITE_001: The body is not JSON"):
        send(desk_with(refuse), str(path), QueueName.UPDATE, force=True, watch=True)


def test_watch_of_what_has_no_operation_says_where_to_look(cloud, tmp_path):
    (path := tmp_path / "odd.json").write_text("banana")
    with pytest.raises(NotTakenError, match="Look again later: sitefleet dlq list --env sit"):
        send(desk_with(lambda: None), str(path), QueueName.UPDATE, force=True, watch=True)


def test_watch_gives_up_when_nobody_takes_the_message(cloud, body):
    desk = desk_with(lambda: None)
    with pytest.raises(NotTakenError, match="the consumers of the promotion queue are not running"):
        send(desk, body(), watch=True)
    assert (desk.clock.now() - START).total_seconds() == PATIENCE_SECONDS
