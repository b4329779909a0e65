"""A promotion that has run through all its steps, and one that was taken back after its switch."""

from __future__ import annotations

import json
from dataclasses import replace

from core.domain.evidence import build_document, seal
from core.domain.evidence_records import EvidenceSources
from core.domain.job_models import Check
from core.domain.monitoring import judge_round
from core.domain.operation import Failure
from core.domain.site import ReleaseStatus
from events.vocabulary import OperationStatus, Phase, StepStatus
from tests.domain.test_monitoring import GOOD as QUIET
from tests.domain.test_monitoring import POLICY, PROBE
from tests.ops.promotion_records import (
    BASE_ID,
    DECISION,
    OLDER_ID,
    PLAN_HASH,
    PLANNED,
    REQUEST,
    SOURCE_CHECKS,
    facts,
    gate_round,
)
from tests.ops.records import URL, at, operation, release, step

HOUR = 3600
ASKED = 20
APPROVED = 2 * HOUR
OPEN = 5 * HOUR
ROLES = ["TECH_LEAD", "OPERATIONS_LEAD"]
SECOND = replace(
    DECISION,
    role="OPERATIONS_LEAD",
    person="lerato",
    principal="arn:aws:iam::815856636111:user/lerato",
    comment=None,
    decided_at=at(APPROVED),
    proof_digest="d2",
)
DECISIONS = (DECISION, SECOND)
CHECKS = (
    Check(name="page not empty", passed=True, evidence="/ answers 200 with 14,188 bytes"),
    Check(name="assets load", passed=True, evidence="31 of 31 stylesheets, scripts and images"),
    Check(name="no source host", passed=True, evidence="banana.wpdev.kimmyai.io is nowhere"),
    Check(name="no mixed content", passed=True, evidence="0 of 31 assets by http"),
    Check(name="ownership", passed=True, evidence="2,104 of 2,104 files are 33:33"),
)
EXPORT = {
    "rows": {"wp_options": 412, "wp_posts": 1204, "wp_wc_orders": 3},
    "dump_sha256": "5c" * 32,
    "manifest_sha256": "7e" * 32,
    "files": 2104,
    "files_travelled": 31,
    "content_size_bytes": 54_525_952,
}
IMPORT = {
    "rows": EXPORT["rows"],
    "replacements": 402,
    "leftovers": 0,
    "leftover_tables": [],
    "kept_options": ["admin_email", "blog_public"],
    "carried": {"wp_wc_orders": 41},
}
CUT_OVER = {
    "pointer_moved": True,
    "held_seconds": 0.84,
    "carried": {"wp_wc_orders": 2},
    "late": {"wp_wc_orders": 1},
    "conflicts": [],
    "rule_arn": "arn:rule",
}
TESTED = {"passed": True, "checks": 5, "names": [check.name for check in CHECKS]}


def watch(**changes):
    """Return the judgement of a window that began with the switch."""
    begun = at(OPEN + 610)
    evidence = QUIET.model_copy(update={"started_at": begun, **changes})
    decided = judge_round(evidence, POLICY, at(OPEN + 1512))
    return {"round": decided.model_dump(mode="json", by_alias=True)}


def _after(*steps):
    """Return steps one after the other, from the window's opening on."""
    begin, made = OPEN + 4, []
    for name, seconds, found in steps:
        made.append(facts(name, begin, begin + seconds, found))
        begin += seconds + 0.5
    return tuple(made)


AGREED = (
    facts("request_approval", 19, 19.3, {"roles": ROLES}),
    facts("await_approval", ASKED, APPROVED + 600, {"by_role": {"TECH_LEAD": "thabo"}}),
    facts("lock_site", APPROVED + 600, APPROVED + 600.4, {}),
    facts("decide_again", APPROVED + 601, OPEN + 3, gate_round(seconds=OPEN + 3)),
)
BUILT = _after(
    (
        "back_up_target",
        74,
        {"database_snapshot": "arn:aws:rds:snap", "recovery_point": "arn:aws:backup:point"},
    ),
    ("reserve_release", 1, {"release": 3, "live_release": 2, "had_site": True}),
    ("export_source", 118, EXPORT),
    ("import_database", 96, IMPORT),
    ("place_content", 141, {"files": 2104, "size_bytes": 54_525_952}),
    ("replicate_image", 9, {"image_digest": "sha256:22"}),
    ("start_release", 71, {"target_group_arn": "arn:tg-r3"}),
    ("check_before", 66, TESTED),
    ("cut_over", 7, CUT_OVER),
    ("check_after", 22, TESTED),
)
FINISH = (
    facts("monitor", OPEN + 612, OPEN + 1512, watch()),
    facts("retire_releases", OPEN + 1513, OPEN + 1519, {"retired": [1]}),
    facts("complete", OPEN + 1520, OPEN + 1521, {"live_release": 3}),
    facts("schedule_looks", OPEN + 1521, OPEN + 1522, {"looks": {"1": OLDER_ID, "4": BASE_ID}}),
    facts("seal_record", OPEN + 1522, OPEN + 1523, {}),
)
STEPS = (*PLANNED, *AGREED, *BUILT, *FINISH)
FINISHED = operation(
    plan=tuple(record.step for record in STEPS),
    status=OperationStatus.COMPLETED,
    cursor=len(STEPS),
    cut_over=True,
    created_at=at(0),
    updated_at=at(OPEN + 1523),
    completed_at=at(OPEN + 1523),
    summary={
        "siteUrl": URL,
        "release": 3,
        "planHash": PLAN_HASH,
        "roles": ROLES,
        "expiresAt": "2026-11-23T08:00:20.000Z",
    },
)
RELEASES = (
    replace(release(2, ReleaseStatus.SUPERSEDED), operation_id=BASE_ID),
    release(3, ReleaseStatus.LIVE),
)

# --- taken back -----------------------------------------------------------------------------

BREACH = Failure(
    code="PROM_002",
    message="9 of 180 requests were not answered with 200. The first, / at 13:10:22, was 502.",
    step="monitor",
)
BROKEN = replace(
    facts(
        "monitor",
        OPEN + 612,
        OPEN + 640,
        watch(probe=PROBE.model_copy(update={"failures": 9, "ended_early": True})),
    ),
    status=StepStatus.FAILED,
    failure=BREACH,
)
UNDONE = tuple(
    step(name, OPEN + 641 + index * 3, OPEN + 643.5 + index * 3, phase=Phase.UNDO)
    for index, name in enumerate(
        ("monitor", "check_after", "cut_over", "start_release", "place_content", "reserve_release")
    )
)
TAKEN_BACK = replace(
    FINISHED,
    status=OperationStatus.ROLLED_BACK,
    phase=Phase.UNDO,
    cursor=-1,
    failure=BREACH,
    updated_at=at(OPEN + 660),
    completed_at=at(OPEN + 660),
)
STEPS_TAKEN_BACK = (*PLANNED, *AGREED, *BUILT, BROKEN, *UNDONE)
CHECKED = {"check_source": SOURCE_CHECKS, "check_before": CHECKS, "check_after": CHECKS}


def evidence_of(ended, steps):
    """Seal the evidence as the last step does: from the records, before the operation has ended."""
    sources = EvidenceSources(
        operation=ended,
        payload=json.loads(REQUEST)["payload"],
        records=[record for record in steps if record.step != "seal_record"],
        decisions=DECISIONS,
        outcome=ended.status,
        sealed_at=ended.updated_at,
        policy_version="2026-11-21",
    )
    return seal(build_document(sources))
