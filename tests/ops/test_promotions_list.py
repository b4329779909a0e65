"""`promotions list`: promotions and rollbacks only, newest first, narrowed by flags."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.domain.operation import Failure
from events.vocabulary import OperationStatus, OperationType
from tests.ops.promotion_records import BASE_ID, store_promotion
from tests.ops.records import COMPLETED, ID, at, operation


@pytest.fixture(autouse=True)
def _sit(monkeypatch):
    monkeypatch.setenv("SITEFLEET_ENV", "sit")


@pytest.fixture
def stored(cloud):
    store_promotion(cloud)
    cloud.store(
        operation(
            operation_id="33333333-3333-4333-8333-333333333333",
            operation_type=OperationType.SITE_CREATION,
            created_at=at(5),
        )
    )
    cloud.store(
        replace(
            COMPLETED,
            operation_id="44444444-4444-4444-8444-444444444444",
            operation_type=OperationType.SITE_ROLLBACK,
            status=OperationStatus.FAILED,
            failure=Failure(code="SYS_001", message="No.", step="start_former"),
            created_at=at(60),
            site_id="site-2",
        )
    )


def test_the_list_of_a_day_has_promotions_and_rollbacks_only(stored, sitefleet):
    titles, rollback, *rest = sitefleet("promotions", "list", "--day=2026-11-21").out.splitlines()
    assert titles.split() == [
        "OPERATION",
        "KIND",
        "ENV",
        "TENANT",
        "SITE",
        "RELEASE",
        "STATUS",
        "STARTED",
        "TOOK",
        "NOW",
    ]
    assert rollback.split("  ")[:2] == ["44444444-4444-4444-8444-444444444444", "rollback"]
    said = "r2 FAILED 2026-11-21T08:01:00Z 1 min 5 s SYS_001 in start_former"
    assert " ".join(rollback.split()).endswith(said)
    assert {line.split()[0] for line in rest} == {ID, BASE_ID}
    waiting = next(line for line in rest if line.startswith(ID))
    assert waiting.endswith("await_approval: OPERATIONS_LEAD to approve the plan")


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--site-id=site-2",), ["44444444-4444-4444-8444-444444444444"]),
        (("--status=awaiting_approval",), [ID]),
        (("--site-id=site-1", "--tenant-id=tenant-1", "--status=AWAITING_APPROVAL"), [ID]),
        (("--day=2026-11-20",), []),
    ],
)
def test_the_list_can_be_narrowed(stored, sitefleet, arguments, wanted):
    day = () if any("--day" in a for a in arguments) else ("--day=2026-11-21",)
    answer = sitefleet("promotions", "list", *arguments, *day, "--json")
    assert [p["operationId"] for p in json.loads(answer.out)["promotions"]] == wanted


def test_an_empty_list_says_so(cloud, sitefleet):
    answer = sitefleet("promotions", "list")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == "No promotions match. --days looks further back.\n"
