"""`send` and `promotions start`: the right message on the right queue, or clear words why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from events import identity
from events.filters import REQUEST_QUEUES
from ops.errors import ExitCode
from tests.ops.records import ID, WAITING

SAMPLES = Path(__file__).resolve().parents[2] / "events" / "samples"
PROMOTION = {
    "messageType": "SITE_PROMOTION_REQUEST",
    "correlationId": "correlation-1",
    "timestamp": "2026-11-21T08:00:00Z",
    "payload": {
        "siteId": "site-1",
        "tenantId": "tenant-1",
        "sourceEnvironment": "dev",
        "targetEnvironment": "sit",
    },
}
PROMOTION_ID = identity.operation_id(
    "sit",
    "tenant-1",
    "SITE_PROMOTION_REQUEST",
    "SITE_PROMOTION_REQUEST#site-1#correlation-1",
)
START_PROMOTION = (
    "promotions",
    "start",
    "--tenant-id=tenant-1",
    "--site-id=site-1",
    "--source=dev",
    "--target=SIT",
)


@pytest.fixture
def body(tmp_path):
    def write(**changes):
        path = tmp_path / "request.json"
        path.write_text(json.dumps({**PROMOTION, **changes}))
        return str(path)

    return write


def test_send_prints_the_operation_id_alone(cloud, sitefleet, body):
    answer = sitefleet("send", body())
    assert (answer.code, answer.out) == (0, f"{PROMOTION_ID}\n")
    assert answer.err == "Sent SITE_PROMOTION_REQUEST to the promotion queue of sit.\n"
    [message] = cloud.messages("site-promotion")
    assert json.loads(message["Body"]) == PROMOTION
    assert message["Attributes"]["MessageGroupId"] == "tenant-1"


def test_send_reads_standard_input_and_prints_json(cloud, sitefleet):
    answer = sitefleet("--json", "send", "-", stdin=json.dumps(PROMOTION))
    [message] = cloud.messages("site-promotion")
    assert answer.json == {
        "operationId": PROMOTION_ID,
        "environment": "sit",
        "queue": "promotion",
        "messageId": message["MessageId"],
        "correlationId": "correlation-1",
    }


@pytest.mark.parametrize(
    "kind", [kind for kind, queues in REQUEST_QUEUES.items() if len(queues) == 1]
)
def test_every_sample_goes_to_the_queue_of_its_type(cloud, sitefleet, kind):
    sample = json.loads((SAMPLES / f"{kind}.json").read_text())
    for name in ("environment", "targetEnvironment"):
        if name in sample["payload"]:
            sample["payload"][name] = "sit"
    answer = sitefleet("send", "-", "--env", "sit", stdin=json.dumps(sample))
    assert (answer.code, answer.err) == (
        0,
        f"Sent {kind} to the {REQUEST_QUEUES[kind][0]} queue of sit.\n",
    )
    assert cloud.bodies(f"site-{REQUEST_QUEUES[kind][0]}") == [sample]


def test_a_decision_goes_to_the_queue_of_its_operation(cloud, sitefleet):
    cloud.store(WAITING)
    cancel = {
        **PROMOTION,
        "messageType": "OPERATION_CANCEL_REQUEST",
        "payload": {"operationId": ID, "reason": "wrong site"},
    }
    answer = sitefleet("send", "-", "--env=sit", stdin=json.dumps(cancel))
    assert (answer.code, answer.out) == (0, f"{ID}\n")
    [message] = cloud.messages("site-promotion")
    assert message["Attributes"]["MessageGroupId"] == "tenant-1"


def test_wrong_fields_are_named_and_nothing_is_sent(cloud, sitefleet, body):
    path = body(payload={"siteId": "Site 1", "targetEnvironment": "sit"})
    answer = sitefleet("send", path)
    assert (answer.code, answer.out) == (ExitCode.BAD_INPUT, "")
    assert answer.err.splitlines() == [
        "This is not a request that the fleet accepts: the message is not valid.",
        '  payload.siteId: does not have the form ^[a-z0-9][a-z0-9-]{1,62}$ (got "Site 1")',
        "  payload.tenantId: is missing",
        "  payload.sourceEnvironment: is missing",
        "Correct it and send it again; --force sends it as it is.",
    ]
    assert cloud.messages("site-promotion") == []


def test_force_sends_what_the_fleet_will_refuse(cloud, sitefleet, body):
    path = body(payload={"siteId": "Site 1", "tenantId": "tenant-1"})
    answer = sitefleet("send", path, "--force", "--env", "sit")
    assert (answer.code, answer.out) == (0, "")
    [message] = cloud.messages("site-promotion")
    assert message["Attributes"]["MessageGroupId"] == "tenant-1"


def test_force_needs_a_queue_for_what_says_nothing(cloud, sitefleet):
    answer = sitefleet("send", "-", "--force", "--env=sit", stdin="banana")
    assert answer.code == ExitCode.BAD_INPUT
    assert "say --queue" in answer.err
    again = sitefleet("send", "-", "--force", "--env=sit", "--queue=update", stdin="banana")
    assert again.code == 0
    assert [m["Body"] for m in cloud.messages("site-update")] == ["banana"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff\xfe", "is not UTF-8 text (byte 0)."),
        (b"{", "the body cannot be read"),
        (b"[]", "the message is not an object but a list"),
        (b'{"messageType": "WAKE_UP", "reason": "x"}', "a message of the fleet to itself"),
    ],
)
def test_bad_files(sitefleet, tmp_path, content, sentence):
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    answer = sitefleet("send", str(path), "--env=sit")
    assert (answer.code, answer.out) == (ExitCode.BAD_INPUT, "")
    assert sentence in answer.err
    assert "Traceback" not in answer.err


def test_a_file_that_is_not_there(sitefleet):
    answer = sitefleet("send", "no-such.json")
    assert (answer.code, answer.err) == (
        2,
        "no-such.json cannot be read: No such file or directory.\n",
    )


def test_the_environment_is_the_bodys_and_a_contradiction_is_refused(cloud, sitefleet, body):
    answer = sitefleet("send", body(), SITEFLEET_ENV="dev")
    assert answer.code == ExitCode.BAD_INPUT
    assert "The request is meant for sit, and --env (or SITEFLEET_ENV) says dev" in answer.err


def test_an_update_does_not_tell_its_environment(cloud, sitefleet):
    sample = (SAMPLES / "SITE_UPDATE_REQUEST.json").read_text()
    answer = sitefleet("send", "-", stdin=sample)
    assert (answer.code, answer.err) == (
        2,
        "Which environment? Say --env dev, --env sit or --env prod, or set SITEFLEET_ENV.\n",
    )


# --- promotions start ---------------------------------------------------------------------


def test_promotions_start_sends_to_the_target(cloud, sitefleet):
    answer = sitefleet(*START_PROMOTION, "--dry-run", "--env=dev", "--json")
    [sent] = cloud.bodies("site-promotion")
    assert sent["payload"] == {
        **PROMOTION["payload"],
        "dryRun": True,
        "selection": {"database": "all", "content": "all"},
        "protect": {"tables": [], "options": [], "folders": []},
    }
    assert sent["requestedBy"].startswith("arn:aws:")
    assert answer.json["correlationId"] == sent["correlationId"]
    assert answer.json["operationId"] == identity.operation_id(
        "sit",
        "tenant-1",
        "SITE_PROMOTION_REQUEST",
        f"SITE_PROMOTION_REQUEST#site-1#{sent['correlationId']}",
    )


def test_each_flag_has_an_environment_twin(cloud, sitefleet):
    answer = sitefleet(
        "promotions",
        "start",
        SITEFLEET_PROMOTIONS_START_TENANT_ID="tenant-1",
        SITEFLEET_PROMOTIONS_START_SITE_ID="site-1",
        SITEFLEET_PROMOTIONS_START_SOURCE="dev",
        SITEFLEET_PROMOTIONS_START_TARGET="sit",
        SITEFLEET_PROMOTIONS_START_REQUESTED_BY="jane@example.com",
    )
    assert answer.code == 0, answer.err
    assert cloud.bodies("site-promotion")[0]["requestedBy"] == "jane@example.com"


def test_what_travels_and_what_stays_can_be_said(cloud, sitefleet):
    answer = sitefleet(
        *START_PROMOTION,
        "--select-table=wp_posts",
        "--select-table=wp_postmeta",
        "--select-folder=uploads",
        "--protect-table=wp_newsletter",
        "--protect-folder=languages",
        "--protect-option=blogname",
        "--emergency-incident=INC-9",
        "--change-ticket=CHG-7",
        "--dry-run",
    )
    assert answer.code == 0, answer.err
    [sent] = cloud.bodies("site-promotion")
    assert sent["payload"] == {
        "siteId": "site-1",
        "tenantId": "tenant-1",
        "sourceEnvironment": "dev",
        "targetEnvironment": "sit",
        "changeTicket": "CHG-7",
        "dryRun": True,
        "selection": {"database": ["wp_posts", "wp_postmeta"], "content": ["uploads"]},
        "protect": {
            "tables": ["wp_newsletter"],
            "options": ["blogname"],
            "folders": ["languages"],
        },
        "emergency": {"incidentId": "INC-9"},
    }


def test_a_table_that_no_database_has_is_bad_input(cloud, sitefleet):
    answer = sitefleet(*START_PROMOTION, "--protect-table=wp_posts; DROP")
    assert answer.code == ExitCode.BAD_INPUT
    assert answer.err.startswith("The request is not valid: protect.tables[0]: ")
    assert cloud.messages("site-promotion") == []


def test_the_caller_is_named_where_nobody_else_is(cloud, sitefleet):
    sitefleet(*START_PROMOTION)
    [sent] = cloud.bodies("site-promotion")
    assert sent["requestedBy"] == "arn:aws:sts::123456789012:user/moto"


def test_two_promotions_are_two_operations(cloud, sitefleet):
    assert sitefleet(*START_PROMOTION).out != sitefleet(*START_PROMOTION).out


def test_prod_needs_a_change_ticket(cloud, sitefleet):
    answer = sitefleet(*START_PROMOTION[:-2], "--source=sit", "--target=prod")
    assert answer.code == ExitCode.BAD_INPUT
    assert answer.err == (
        "The request is not valid: changeTicket: a promotion to prod needs a change ticket. "
        "Nothing was sent.\n"
    )


@pytest.mark.parametrize("missing", range(2, 6))
def test_flags_that_are_missing_are_bad_input(sitefleet, missing):
    arguments = [a for index, a in enumerate(START_PROMOTION) if index != missing]
    assert sitefleet(*arguments).code == ExitCode.BAD_INPUT
