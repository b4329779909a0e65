"""A promotion from dev to sit with everything that its steps store, to print and to judge."""

from __future__ import annotations

import json
from dataclasses import replace

from core.domain.approval import Decision
from core.domain.census import Census, ContentSummary
from core.domain.gate_evidence import PathEvidence
from core.domain.gates import decide_round
from core.domain.job_facts import JobResult, TargetCensusFacts, VerifyFacts
from core.domain.job_models import Check
from core.domain.site import ReleaseStatus
from core.domain.window_policy import WindowPolicy
from events.formats import Environment
from events.vocabulary import OperationStatus
from tests.domain.gate_cases import GOOD, THRESHOLDS
from tests.ops.records import ID, SITE, START, at, operation, release, step

BASE_ID = "11111111-1111-4111-8111-111111111111"
OLDER_ID = "22222222-2222-4222-8222-222222222222"
PLAN_HASH = f"sha256:{'ab' * 32}"
PROMOTION_PLAN = (
    "open_record",
    "plan",
    "survey_target",
    "check_source",
    "check_gates",
    "await_approval",
    "lock_site",
    "cut_over",
    "complete",
)
REQUEST = json.dumps(
    {
        "messageType": "SITE_PROMOTION_REQUEST",
        "correlationId": "correlation-1",
        "timestamp": "2026-11-21T08:00:00Z",
        "requestedBy": "jane.doe@example.com",
        "payload": {
            "siteId": "site-1",
            "tenantId": "tenant-1",
            "sourceEnvironment": "dev",
            "targetEnvironment": "sit",
            "changeTicket": "CHG-7",
            "dryRun": False,
            "selection": {"database": "all", "content": ["uploads", "themes"]},
            "protect": {"tables": ["wp_newsletter"], "options": [], "folders": []},
        },
    }
)


def census(**changes) -> Census:
    """What is live in dev."""
    found = Census(
        tenant_id="tenant-1",
        site_id="site-1",
        environment=Environment.DEV,
        site_name="Banana Shop",
        subdomain="banana",
        site_url="https://banana.wpdev.kimmyai.io",
        release=3,
        site_version=9,
        image_digest="sha256:22",
        wordpress_version="6.8.1",
        php_version="8.2.12",
        theme="storefront",
        plugins={
            "seo/seo.php": "4.1",
            "woocommerce/woocommerce.php": "9.4.0",
        },
        permalinks="/%postname%/",
        tables={"wp_options": 412, "wp_posts": 1204, "wp_wc_orders": 3},
        posts={"page:publish": 9, "post:draft": 2},
        content=ContentSummary(
            files=2104,
            size_bytes=54_525_952,
            folders={"themes": 2_097_152, "uploads": 52_428_800},
        ),
        replacements={"wp_options": 14, "wp_posts": 388},
        domain_bound_options=["admin_email", "maps_api_key"],
        rights=[Check(name="s3:PutObject", passed=True, evidence="written and deleted")],
        database_size_bytes=12_582_912,
    )
    return found.model_copy(update=changes)


BASE_CENSUS = census(
    release=2,
    wordpress_version="6.7.2",
    plugins={"hello/hello.php": "1.7", "woocommerce/woocommerce.php": "9.3.1"},
    image_digest="sha256:11",
)
TARGET = TargetCensusFacts(
    tables={"wp_options": 398, "wp_posts": 1190, "wp_wc_orders": 41, "wp_old": 5},
    new_rows={"wp_wc_orders": 7, "wp_comments": 0},
    changed_tables=["wp_wc_orders"],
    kept_options=["admin_email", "blog_public"],
    domain_bound_options=["recaptcha_site_key"],
    size_bytes=11_534_336,
    content_size_bytes=52_428_800,
    rights=[Check(name="make a schema", passed=True, evidence="made and dropped")],
)
WAY_BACK = {
    "host": "banana.wpsit.kimmyai.io",
    "live_release": 2,
    "kept_releases": [1, 2],
    "rule_arn": "arn:rule",
    "target_group_arn": "arn:tg-r2",
    "dns_target": None,
}


def facts(name, begin, end, found):
    return replace(step(name, begin, end), facts=found)


GATE_EVIDENCE = GOOD.model_copy(
    update={
        "change_ticket": "CHG-7",
        "path": PathEvidence(
            source=Environment.DEV, target=Environment.SIT, allowed_source=Environment.DEV
        ),
        "live_since": at(-3 * 86_400),
    }
)
GATE_THRESHOLDS = THRESHOLDS.model_copy(
    update={"window": WindowPolicy(expected_seconds=3600, rollback_seconds=900)}
)


def gate_round(evidence=GATE_EVIDENCE, seconds=19):
    """Decide the gates as the step does; return its facts."""
    decided = decide_round(evidence, GATE_THRESHOLDS, at(seconds))
    return {"round": decided.model_dump(mode="json")}


PLANNED = (
    facts("open_record", 0, 1, {"opened_at": "2026-11-21T08:00:00.000Z"}),
    facts(
        "plan",
        1,
        4,
        {
            "census": census().model_dump(mode="json", by_alias=True),
            "plan_hash": PLAN_HASH,
            "pages": 9,
        },
    ),
    facts(
        "survey_target",
        4,
        6,
        {"target": TARGET.model_dump(mode="json", by_alias=True), "way_back": WAY_BACK},
    ),
    facts(
        "check_source",
        6,
        16,
        {"passed": True, "checks": 2, "names": ["front page", "assets"]},
    ),
    facts("check_gates", 16, 19, gate_round()),
)
DECISION = Decision(
    operation_id=ID,
    plan_hash=PLAN_HASH,
    role="TECH_LEAD",
    person="thabo",
    principal="arn:aws:iam::815856636111:user/thabo",
    approves=True,
    comment="Looked at it with QA.",
    decided_at=at(300),
    proof_digest="d1",
)
AWAITING = operation(
    plan=PROMOTION_PLAN,
    status=OperationStatus.AWAITING_APPROVAL,
    cursor=5,
    step_since=at(20),
    updated_at=at(20),
    waiting_for="OPERATIONS_LEAD to approve the plan",
    due_at=at(1200),
    summary={
        "planHash": PLAN_HASH,
        "roles": ["TECH_LEAD", "OPERATIONS_LEAD"],
        "expiresAt": "2026-11-23T08:00:20.000Z",
    },
)
SOURCE_CHECKS = (
    Check(name="front page", passed=True, evidence="200, 14,200 bytes"),
    Check(name="assets", passed=True, evidence="31 of 31 load"),
)


def job_result(step, checks):
    """Return what a verify job has reported."""
    facts = VerifyFacts(passed=all(check.passed for check in checks), checks=list(checks))
    return JobResult(
        operation_id=ID,
        step=step,
        attempt=0,
        kind="verify",
        started_at="2026-11-21T08:00:06.000Z",
        completed_at="2026-11-21T08:00:16.000Z",
        facts=facts.model_dump(mode="json", by_alias=True),
    ).model_dump_json(by_alias=True)


RELEASES = (
    replace(release(1, ReleaseStatus.SUPERSEDED), operation_id=OLDER_ID),
    replace(release(2, ReleaseStatus.LIVE), operation_id=BASE_ID),
)


def store_promotion(cloud, stored=AWAITING, *more, decisions=(DECISION,)):
    """Put a planned promotion, the release that it would replace and how that one was built."""
    cloud.store(stored, *PLANNED, *more, request=REQUEST)
    cloud.keep(f"jobs/{ID}/check_source/0/result.json", job_result("check_source", SOURCE_CHECKS))
    base = operation(operation_id=BASE_ID, created_at=START, updated_at=START)
    built = {"census": BASE_CENSUS.model_dump(mode="json", by_alias=True)}
    cloud.store(base, replace(facts("plan", 1, 2, built), operation_id=BASE_ID))
    cloud.sites.put(SITE, expected_version=None)
    for one in RELEASES:
        cloud.sites.put_release(one)
    for decision in decisions:
        cloud.decisions.put(decision)
