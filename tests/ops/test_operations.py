"""`operations list, show, cancel, retry`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import typer

from core.adapters.memory.clock import ManualClock, SeededIds
from core.adapters.system import SystemClock
from core.domain.operation import AttemptFailure
from events.formats import Environment
from events.vocabulary import OperationStatus, Phase
from ops.desk import Desk
from ops.errors import ExitCode
from ops.operations import retry
from ops.place import Options
from tests.ops.records import (
    CHECK_FAILED,
    COMPLETED,
    DONE_ALL,
    DONE_THREE,
    FAILED,
    FAILED_STEP,
    ID,
    STALLED,
    START,
    WAITING,
    at,
    operation,
)

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
NOT_THERE = (
    f"There is no operation {UNKNOWN_ID} in sit. A request that was sent a moment ago may not "
    "have been accepted yet; one that was refused never becomes an operation.\n"
)


@pytest.fixture(autouse=True)
def _sit(monkeypatch):
    monkeypatch.setenv("SITEFLEET_ENV", "sit")


def test_show_prints_the_timeline(cloud, sitefleet):
    cloud.store(COMPLETED, *DONE_ALL)
    answer = sitefleet("operations", "show", ID)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines()[:4] == [
        "SITE_PROMOTION of site-1 (tenant-1) in sit: COMPLETED, 2 min 5 s",
        f"operation {ID}, requested by jane.doe@example.com",
        "",
        "  done     plan                  3.0 s",
    ]


def test_show_tells_that_an_operation_waits_for_its_turn(cloud, sitefleet):
    """One of the tenant's is at work, as many as the cap allows; another one came before."""
    body = '{"messageType": "SITE_PROMOTION_REQUEST"}'
    for number, operation_id in enumerate((UNKNOWN_ID, UNKNOWN_ID.replace("0", "1"), ID)):
        accepted = replace(
            WAITING,
            operation_id=operation_id,
            created_at=START + timedelta(seconds=number),
            wait_number=0,
        )
        cloud.operations.accept(accepted, body, most_running=1)
    answer = sitefleet("operations", "show", ID)
    assert (
        "It has not begun. At work of tenant-1: 1, as many as the policy allows. "
        "In line before it: 1."
    ) in answer.out.splitlines()
    look = f"next    sitefleet operations list --tenant-id tenant-1 --env {WAITING.environment}"
    assert look in answer.out.splitlines()


def test_show_tells_why_attempts_failed(cloud, sitefleet):
    cloud.store(STALLED, *DONE_THREE)
    cloud.operations.record_failure(
        AttemptFailure(
            message_id="m-1",
            operation_id=ID,
            step="export_source",
            attempt=0,
            exception_type="TransientError",
            message="ECS did not answer.",
            occurred_at=at(30),
        )
    )
    answer = sitefleet("operations", "show", ID)
    assert answer.out.splitlines()[-3:] == [
        "",
        "FAILED AT             STEP           ATTEMPT  WHY",
        "2026-11-21T08:00:30Z  export_source  1        TransientError: ECS did not answer.",
    ]


def test_show_json(cloud, sitefleet):
    cloud.store(FAILED, FAILED_STEP)
    answer = sitefleet("operations", "show", ID, "--json")
    assert answer.json == {
        "operationId": ID,
        "operationType": "SITE_PROMOTION",
        "tenantId": "tenant-1",
        "siteId": "site-1",
        "environment": "sit",
        "status": "FAILED",
        "phase": "undo",
        "step": None,
        "attempt": 0,
        "waitingFor": None,
        "stalledSince": None,
        "cancelRequested": False,
        "cancelReason": None,
        "error": {
            "code": "PROM_002",
            "message": CHECK_FAILED.message,
            "step": "export_source",
            "details": {},
            "suggestion": "Look at the gate's evidence, repair the cause, and ask for the "
            "promotion again.",
        },
        "summary": {},
        "requestedBy": "jane.doe@example.com",
        "correlationId": "correlation-1",
        "createdAt": "2026-11-21T08:00:00.000Z",
        "updatedAt": "2026-11-21T08:00:50.000Z",
        "completedAt": "2026-11-21T08:00:50.000Z",
        "elapsedSeconds": 50.0,
        "nextCommand": "sitefleet sites show site-1 --tenant-id tenant-1 --env sit",
        "steps": [
            {
                "phase": "forward",
                "step": "export_source",
                "mark": "failed",
                "since": "2026-11-21T08:00:10.000Z",
                "seconds": 32.0,
                "failedAttempts": 0,
                "note": "PROM_002: 2 of 12 checks failed. [31m",
            }
        ],
        "failures": [],
    }


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (COMPLETED, ExitCode.COMPLETED),
        (FAILED, ExitCode.NOT_SUCCEEDED),
        (replace(FAILED, status=OperationStatus.ROLLED_BACK), ExitCode.NOT_SUCCEEDED),
        (replace(FAILED, status=OperationStatus.CANCELLED), ExitCode.NOT_SUCCEEDED),
        (STALLED, ExitCode.STALLED),
        (
            replace(STALLED, status=OperationStatus.ROLLBACK_FAILED, phase=Phase.UNDO),
            ExitCode.STALLED,
        ),
    ],
)
def test_watch_ends_with_the_exit_code_of_the_outcome(cloud, sitefleet, state, code):
    cloud.store(state, *DONE_THREE)
    answer = sitefleet("operations", "show", ID, "--watch")
    assert answer.code == code
    assert state.status in answer.out
    assert answer.err == ""


def test_watch_with_json_keeps_standard_output_for_the_object(cloud, sitefleet):
    cloud.store(COMPLETED, *DONE_ALL)
    answer = sitefleet("operations", "show", ID, "--watch", "--json")
    assert answer.json["status"] == "COMPLETED"
    assert "COMPLETED after 2 min 5 s" in answer.err


@pytest.mark.parametrize(
    "arguments",
    [("show",), ("show", "--watch"), ("cancel", "--reason=x"), ("retry", "--reason=x")],
)
def test_unknown_ids_are_not_found(cloud, sitefleet, arguments):
    answer = sitefleet("operations", arguments[0], UNKNOWN_ID, *arguments[1:])
    assert (answer.code, answer.out, answer.err) == (ExitCode.NOT_FOUND, "", NOT_THERE)


# --- list ----------------------------------------------------------------------------------


@pytest.fixture
def three(cloud):
    now = SystemClock().now().replace(microsecond=0)

    def stored(number, **changes):
        name = f"00000000-0000-4000-8000-{number:012d}"
        cloud.store(operation(operation_id=name, **changes))
        return name

    old = now - timedelta(days=2)
    return now, [
        stored(1, created_at=now, updated_at=now),
        stored(2, created_at=now - timedelta(seconds=5), site_id="site-2", stalled_since=now),
        stored(3, created_at=old, completed_at=old + timedelta(seconds=7), status=FAILED.status),
    ]


def listed(answer):
    return [line.split("  ")[0] for line in answer.out.splitlines()[1:]]


def test_list_is_newest_first(three, sitefleet):
    now, ids = three
    answer = sitefleet("operations", "list", "--site-id=site-1")
    titles, first, second = answer.out.splitlines()
    assert titles.split()[:6] == ["OPERATION", "TYPE", "TENANT", "SITE", "STATUS", "STEP"]
    assert first.startswith(
        f"{ids[0]}  SITE_PROMOTION  tenant-1  site-1  PENDING  plan  {now:%Y-%m-%dT%H:%M:%SZ}"
    )
    assert second.endswith("7.0 s")
    assert listed(sitefleet("operations", "list")) == ids


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--site-id=site-1", "--tenant-id=tenant-1"), [0, 2]),
        (("--site-id=site-2", "--tenant-id=tenant-1"), [1]),
        (("--status=failed",), [2]),
        (("--stalled",), [1]),
        (("--limit=1",), [0]),
        (("--days=1", "--limit=5"), [0, 1]),
        (("--tenant-id=tenant-1", "--status=PENDING"), [0, 1]),
    ],
)
def test_list_filters(three, sitefleet, arguments, wanted):
    now, ids = three
    if now - timedelta(seconds=5) < datetime(now.year, now.month, now.day, tzinfo=UTC):
        pytest.skip("the five seconds after midnight")
    assert listed(sitefleet("operations", "list", *arguments)) == [ids[i] for i in wanted]


def test_list_json_and_an_empty_list(three, sitefleet):
    _, ids = three
    answer = sitefleet("operations", "list", "--json")
    assert [o["operationId"] for o in answer.json["operations"]] == ids
    nothing = sitefleet("operations", "list", "--tenant-id=tenant-9")
    assert (nothing.code, nothing.out) == (0, "")
    assert nothing.err == "No operations match. --days looks further back.\n"
    assert sitefleet("operations", "list", "--status=BANANA").code == ExitCode.BAD_INPUT


def test_what_stands_still_is_listed_at_any_age(cloud, sitefleet):
    """Its site is locked, and its alarm has long become quiet."""
    old = SystemClock().now() - timedelta(days=30)
    stands = replace(STALLED, created_at=old, updated_at=old, stalled_since=old, due_at=None)
    gave_up = operation(
        operation_id=ID[:-1] + "2",
        status=OperationStatus.ROLLBACK_FAILED,
        created_at=old,
        updated_at=old,
    )
    moves = replace(WAITING, operation_id=ID[:-1] + "3", created_at=old, due_at=old)
    for one in (stands, gave_up, moves):
        cloud.store(one)
    assert listed(sitefleet("operations", "list", "--stalled")) == [stands.operation_id]
    answer = sitefleet("operations", "list", "--status=ROLLBACK_FAILED")
    assert listed(answer) == [gave_up.operation_id]
    assert answer.err == ""
    other = sitefleet("operations", "list", "--stalled", "--tenant-id=tenant-9")
    assert other.err == "No operations match.\n"


def test_a_list_that_is_cut_says_so(three, sitefleet, monkeypatch):
    monkeypatch.setattr("ops.recent.READ_PER_DAY", 1)
    now, _ = three
    answer = sitefleet("operations", "list", "--status=CANCELLED", "--days=1")
    assert answer.err == (
        f"Only the newest 1 operations of {now:%Y-%m-%d} were looked at. Name --tenant-id and "
        "--site-id to see all of one site's.\nNo operations match. --days looks further back.\n"
    )


# --- cancel and retry ----------------------------------------------------------------------


def test_cancel_sends_to_the_operations_queue(cloud, sitefleet):
    cloud.store(WAITING)
    answer = sitefleet("operations", "cancel", ID, "--reason=wrong site", "--requested-by=jane")
    assert (answer.code, answer.out) == (0, f"{ID}\n")
    assert answer.err == "Sent OPERATION_CANCEL_REQUEST to the promotion queue of sit.\n"
    [sent] = cloud.bodies("site-promotion")
    assert sent["messageType"] == "OPERATION_CANCEL_REQUEST"
    assert sent["payload"] == {"operationId": ID, "reason": "wrong site"}
    assert sent["requestedBy"] == "jane"


def test_cancel_of_what_has_ended_is_refused_here(cloud, sitefleet):
    cloud.store(COMPLETED)
    answer = sitefleet("operations", "cancel", ID, "--reason=x")
    assert (answer.code, answer.err) == (
        2,
        f"Operation {ID} has ended as COMPLETED; there is nothing left to cancel.\n",
    )
    assert cloud.messages("site-promotion") == []


def test_retry_of_a_stalled_operation(cloud, sitefleet):
    cloud.store(STALLED)
    answer = sitefleet("operations", "retry", ID, "--reason=the bucket is back", "--json")
    assert answer.json["operationId"] == ID
    [sent] = cloud.bodies("site-promotion")
    assert sent["messageType"] == "OPERATION_RETRY_REQUEST"
    assert sent["correlationId"] == answer.json["correlationId"]


def test_retry_of_what_moves_is_refused_here(cloud, sitefleet):
    cloud.store(WAITING)
    answer = sitefleet("operations", "retry", ID, "--reason=x")
    assert answer.code == ExitCode.BAD_INPUT
    assert "neither stalled nor ROLLBACK_FAILED" in answer.err
    assert cloud.messages("site-promotion") == []


def test_retry_with_watch_follows_the_new_attempt_not_the_old_stall(cloud, capsys):
    cloud.store(STALLED)
    clock, looks = ManualClock(START), []

    def happens(_seconds):
        looks.append(1)
        cloud.operations._client.delete_item(
            TableName="bbws-wp-operations-sit", Key=cloud.operations._key(ID)
        )
        cloud.store(COMPLETED, *DONE_ALL)

    environ = {"AWS_ACCESS_KEY_ID": "x"}
    desk = Desk(Options(env=Environment.SIT), environ, clock, SeededIds(), happens)
    with pytest.raises(typer.Exit) as ended:
        retry(desk, ID, reason="the bucket is back", watch=True)
    assert ended.value.exit_code == ExitCode.COMPLETED
    assert looks == [1]
    out, err = capsys.readouterr()
    assert out == f"{ID}\n"
    assert "STALLED" not in err
