"""The whole printed report of an operation in each state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.operation import Failure
from events.vocabulary import OperationStatus, OperationType, Phase
from ops.picture import picture
from ops.timeline import Mark, Row, stands_still, timeline
from tests.ops.records import (
    CHECK_FAILED,
    COMPLETED,
    DONE_ALL,
    DONE_THREE,
    FAILED,
    FAILED_STEP,
    ID,
    RUNNING,
    STALLED,
    UNDOING,
    UNDONE_ONE,
    URL,
    WAITING,
    at,
    operation,
    step,
)

NAME = "SITE_PROMOTION of site-1 (tenant-1) in sit"
WHO = f"operation {ID}, requested by jane.doe@example.com"
TABLES = "2 failed attempts; The export task runs: 3 of 10 tables."
SHOW_SITE = "sitefleet sites show site-1 --tenant-id tenant-1 --env sit"


def printed(operation, steps, seconds):
    now = at(seconds)
    return [line.text for line in picture(operation, timeline(operation, steps, now), now)]


def test_accepted_but_not_begun():
    assert printed(operation(requested_by=None), (), 2) == [
        f"{NAME}: PENDING, 2.0 s",
        f"operation {ID}",
        "",
        "  next     plan",
        "  next     lock_site",
        "  next     reserve_release",
        "  next     export_source",
        "  next     switch",
        "  next     complete",
    ]


def test_running():
    assert printed(RUNNING, DONE_THREE, 22) == [
        f"{NAME}: IN_PROGRESS, 22 s",
        WHO,
        "",
        "  done     plan                  3.0 s",
        "  done     lock_site             0.4 s",
        "  done     reserve_release       1.0 s  1 failed attempt",
        "  running  export_source          12 s",
        "  next     switch",
        "  next     complete",
    ]


def test_waiting_says_for_what_and_since_when():
    assert printed(WAITING, DONE_THREE, 85)[6] == (
        f"  waiting  export_source    1 min 15 s  {TABLES}"
    )


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"lease_owner": None, "lease_until": None, "attempt": 1}, "it will be tried again"),
        ({"lease_until": at(15)}, "its worker no longer answers; the sweeper starts it again"),
    ],
)
def test_a_step_that_nobody_is_at_says_so(changes, remark):
    row = timeline(replace(RUNNING, **changes), DONE_THREE, at(20))[3]
    assert row == Row(
        phase=Phase.FORWARD,
        step="export_source",
        mark=Mark.WAITING,
        since=at(10),
        seconds=10,
        failed_attempts=changes.get("attempt", 0),
        note=remark,
    )


def test_undo_is_clearly_marked():
    cancelled = replace(UNDOING, cancel_requested=True, cancel_reason="wrong site")
    assert printed(cancelled, (*DONE_THREE, FAILED_STEP, UNDONE_ONE), 47) == [
        f"{NAME}: ROLLING_BACK, 47 s",
        WHO,
        "cancel requested: wrong site",
        "",
        "  done     plan                  3.0 s",
        "  done     lock_site             0.4 s",
        "  done     reserve_release       1.0 s  1 failed attempt",
        "  failed   export_source          32 s  PROM_002: 2 of 12 checks failed. [31m",
        "  -- taking back, newest first --",
        "  undone   export_source         3.0 s",
        "  running  reserve_release       2.0 s",
    ]


def test_undo_lists_what_it_will_take_back_next():
    plan = ("lock_site", "prepare_secrets", "create_access_point", "place_content")
    turned = replace(UNDOING, plan=plan, cursor=3)
    undo = [row for row in timeline(turned, (), at(50)) if row.phase is Phase.UNDO]
    assert (undo[0].step, undo[0].mark) == ("place_content", Mark.RUNNING)
    assert {row.mark for row in undo[1:]} <= {Mark.NEXT}
    assert "create_access_point" in {row.step for row in undo[1:]}


def test_steps_of_an_unknown_workflow_are_not_promised():
    turned = replace(UNDOING, operation_type=OperationType.SITE_RESTORE)
    assert [row.step for row in timeline(turned, (), at(50))] == ["reserve_release"]


def test_failed():
    undone = (UNDONE_ONE, step("reserve_release", 45, 50, phase=Phase.UNDO))
    assert printed(FAILED, (*DONE_THREE, FAILED_STEP, *undone), 999) == [
        f"{NAME}: FAILED, 50 s",
        WHO,
        "",
        "  done     plan                  3.0 s",
        "  done     lock_site             0.4 s",
        "  done     reserve_release       1.0 s  1 failed attempt",
        "  failed   export_source          32 s  PROM_002: 2 of 12 checks failed. [31m",
        "  -- taking back, newest first --",
        "  undone   export_source         3.0 s",
        "  undone   reserve_release       5.0 s",
        "",
        "FAILED after 50 s: Nothing of it went live; what it had made was taken back.",
        "PROM_002 (step export_source): 2 of 12 checks failed. [31m",
        "advice  Look at the gate's evidence, repair the cause, and ask for the promotion again.",
        f"next    {SHOW_SITE}",
    ]


def test_completed():
    assert printed(COMPLETED, DONE_ALL, 999) == [
        f"{NAME}: COMPLETED, 2 min 5 s",
        WHO,
        "",
        "  done     plan                  3.0 s",
        "  done     lock_site             0.4 s",
        "  done     reserve_release       1.0 s  1 failed attempt",
        "  done     export_source    1 min 40 s",
        "  done     switch                1.0 s",
        "  done     complete               13 s",
        "",
        "COMPLETED after 2 min 5 s: It is done and checked.",
        "site     https://banana.wpsit.kimmyai.io",
        "release  2",
        "plan     sha256:2",
        f"next     {SHOW_SITE}",
    ]


def test_stalled():
    assert printed(STALLED, DONE_THREE, 300)[6:] == [
        f"  stalled  export_source    4 min 50 s  {TABLES}",
        "  next     switch",
        "  next     complete",
        "",
        "STALLED at export_source: It is past its deadline and makes no progress by itself.",
        "advice  Look at the last evidence, then retry or cancel it.",
        f'next    sitefleet operations retry {ID} --env sit --reason "..."',
    ]


def test_rollback_failed_waits_for_a_person():
    failure = Failure(code="SYS_001", message="The secret is locked.", step="reserve_release")
    given_up = replace(
        UNDOING,
        status=OperationStatus.ROLLBACK_FAILED,
        lease_owner=None,
        lease_until=None,
        step_since=None,
        failure=failure,
    )
    failed_undo = step("reserve_release", 45, 60, phase=Phase.UNDO, failure=failure)
    assert printed(given_up, (*DONE_THREE, FAILED_STEP, UNDONE_ONE, failed_undo), 90)[7:] == [
        "  -- taking back, newest first --",
        "  undone   export_source         3.0 s",
        "  failed   reserve_release        15 s  SYS_001: The secret is locked.",
        "",
        "ROLLBACK_FAILED: taking it back failed too; a person has to act.",
        "SYS_001 (step reserve_release): The secret is locked.",
        "advice  Look at the last evidence, then retry or cancel it.",
        f'next    sitefleet operations retry {ID} --env sit --reason "..."',
    ]
    retried = replace(given_up, lease_owner="worker", lease_until=at(200), step_since=at(95))
    last = timeline(retried, (UNDONE_ONE, failed_undo), at(96))[-1]
    assert (last.step, last.mark, last.seconds) == ("reserve_release", Mark.RUNNING, 1)
    assert not stands_still(retried)


def test_cancelled_before_a_step_ran():
    failure = Failure(code="CANCELLED", message="Cancelled on request: wrong site", step="plan")
    ended = replace(
        operation(),
        status=OperationStatus.CANCELLED,
        phase=Phase.UNDO,
        cursor=-1,
        failure=failure,
        completed_at=at(3),
    )
    assert printed(ended, (), 5)[3:] == [
        "",
        "CANCELLED after 3.0 s: It was cancelled, and what it had made was taken back.",
        "Cancelled on request: wrong site (step plan)",
        "advice  Nothing to do.",
        f"next    {SHOW_SITE}",
    ]


def test_what_comes_from_outside_cannot_steer_the_terminal():
    rows = timeline(FAILED, (FAILED_STEP,), at(60))
    assert CHECK_FAILED.message.endswith("\x1b[31m")
    assert all(line.text.isprintable() for line in picture(FAILED, rows, at(60)))


def test_a_finished_deletion_offers_no_address():
    deleted = replace(COMPLETED, operation_type=OperationType.SITE_DELETION)
    lines = printed(deleted, DONE_ALL, 200)
    assert [line for line in lines if URL in line] == []


def test_a_promotion_that_failed_names_the_site_that_serves_as_before():
    lines = printed(replace(FAILED, summary={"siteUrl": URL}), DONE_THREE, 60)
    assert [line for line in lines if URL in line] != []
