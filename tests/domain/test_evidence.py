"""The sealed evidence: built from what real runs of the simulated fleet stored, to the letter."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from core.adapters.memory.boundary import Boundary
from core.domain.approval import Decision
from core.domain.checklists import ROLLBACK, TO_PROD, TO_SIT
from core.domain.evidence import build_document, deployment_record, seal
from core.domain.evidence_records import EvidenceSources
from core.domain.operation import Failure, StepRecord
from core.engine.stepping import stored_request
from events.formats import Environment
from events.vocabulary import OperationStatus, OperationType, Phase, StepStatus
from simulation.scenarios import SCENARIOS

AT = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)


@cache
def run_of(name):
    """Let a scenario run to its end; return the sources of its last operation's document."""
    scenario = next(s for s in SCENARIOS if s.name == name)
    fleet = scenario.start(Boundary())
    fleet.run()
    ended = max(fleet.store.operations.values(), key=lambda o: o.created_at)
    history = fleet.store.history(ended.operation_id)
    request = stored_request(ended, history)
    return EvidenceSources(
        operation=ended,
        payload=request.payload.model_dump(mode="json", by_alias=True, exclude_none=True),
        records=history.steps,
        decisions=tuple(fleet.engine.ports.decisions.of(ended.operation_id)),
        outcome=ended.status,
        sealed_at=ended.completed_at,
        policy_version=fleet.policy.version,
    )


def lines_of(document, title):
    listed = next(c for c in document["checklists"] if c["title"] == title)
    return {
        line["text"]: (line["state"], line["evidence"])
        for section in listed["sections"]
        for line in section["lines"]
    }


def test_a_promotion_to_sit_fills_in_the_list_of_7_1():
    document = build_document(run_of("promotion"))
    lines = lines_of(document, "DEV to SIT Promotion Checklist")
    assert Counter(state for state, _ in lines.values()) == {"done": 16, "not applicable": 5}
    outside = [text for text, (state, _) in lines.items() if state == "not applicable"]
    assert outside == [
        "All unit tests pass (80%+ coverage)",
        "Code linting passed (ruff, black)",
        "Type checking passed (mypy)",
        "Security scan passed (bandit)",
        "Release notes documented",
    ]
    assert lines["DEV error rate < 10 errors/hour"][1].startswith(
        "decide_again, gate source_errors: pass. 0 errors in 1 h in dev; fewer than 10 are allowed."
    )
    assert "dev-lead as DEV_LEAD at" in lines["Dev Lead approval obtained"][1]


def test_everything_that_was_asked_for_is_in_it():
    document = build_document(run_of("promotion"))
    assert document["operation"]["sourceEnvironment"] == "dev"
    assert document["plan"]["planHash"].startswith("sha256:")
    assert document["plan"]["source"]["rows"] == 152
    assert document["plan"]["wayBack"]["live_release"] == 1
    assert [r["step"] for r in document["gates"]] == ["check_gates", "decide_again"]
    assert document["monitor"]["judgement"]["state"] == "healthy"
    assert document["approvals"]["roles"] == ["DEV_LEAD"]
    said = document["approvals"]["decisions"][0]
    assert (said["role"], said["person"], said["approves"]) == ("DEV_LEAD", "dev-lead", True)
    assert said["principal"].startswith("arn:aws:")
    artefacts = document["artefacts"]
    assert artefacts["imageDigest"] == "sha256:" + "d" * 64
    assert artefacts["dumpSha256"] == "e" * 64
    assert artefacts["databaseSnapshotArn"].startswith("arn:aws:rds:")
    assert artefacts["recoveryPointArn"].startswith("arn:aws:backup:")
    assert [c["step"] for c in document["checks"]] == [
        "check_source",
        "check_before",
        "check_after",
    ]
    assert all(step["durationSeconds"] >= 0 for step in document["steps"])
    outcome = document["outcome"]
    assert (outcome["status"], outcome["fromRelease"], outcome["toRelease"]) == (
        "COMPLETED",
        "r1",
        "r2",
    )


def test_a_promotion_that_was_taken_back_has_the_list_of_7_3_too():
    document = build_document(run_of("promotion, rolled back"))
    assert [c["title"] for c in document["checklists"]] == [
        "DEV to SIT Promotion Checklist",
        "Rollback Checklist",
    ]
    lines = lines_of(document, "Rollback Checklist")
    assert lines["Rollback command executed"] == (
        "done",
        "cut_over undone: the listener rule points at the former release again.",
    )
    assert lines["Rollback target version identified"] == ("done", "From r2 to r1.")
    assert lines["Incident documented"][1].startswith("PROM_002 at check_after: ")
    assert lines["Rollback approved by"][0] == "not applicable"
    assert document["outcome"]["error"]["step"] == "check_after"


def test_a_rollback_on_request_fills_in_the_list_of_7_3():
    document = build_document(run_of("rollback on request"))
    assert [c["title"] for c in document["checklists"]] == ["Rollback Checklist"]
    lines = lines_of(document, "Rollback Checklist")
    assert lines["Rollback command executed"][0] == "done"
    assert lines["Health check verified"][0] == "done"
    assert lines["Rollback target version identified"] == ("done", "From r2 to r1.")
    assert document["outcome"]["reason"] == "broken"


def test_what_did_not_happen_is_not_done():
    document = build_document(run_of("promotion, import fails"))
    lines = lines_of(document, "DEV to SIT Promotion Checklist")
    assert lines["Deployment completed successfully"][0] == "not done"
    assert "The rows do not match." in lines["Deployment completed successfully"][1]
    assert lines["SIT smoke tests pass"] == ("not done", "The step check_after did not run.")
    assert lines["No errors in CloudWatch (5-min window)"][0] == "not done"
    failed = [s for s in document["steps"] if s["error"]]
    assert [(s["step"], s["status"]) for s in failed] == [("import_database", "FAILED")]


class TestSealed:
    def test_the_same_records_give_the_same_text(self):
        sources = run_of("promotion")
        one, two = (seal(build_document(s)) for s in (sources, replace(sources)))
        assert one == two
        assert one.sha256 == hashlib.sha256(one.text.encode()).hexdigest()

    def test_the_text_is_canonical_json(self):
        document = build_document(run_of("promotion"))
        text = seal(document).text
        assert json.loads(text) == document
        assert text == json.dumps(
            json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )

    def test_another_decision_gives_another_digest(self):
        sources = run_of("promotion")
        other = replace(sources, decisions=())
        assert seal(build_document(sources)).sha256 != seal(build_document(other)).sha256


class TestDeploymentRecord:
    """The seeds' item: deployment_id, timestamp, environment, action, versions, actor, reason."""

    def test_of_a_promotion(self):
        sources = run_of("promotion")
        record = deployment_record(build_document(sources), "ab" * 32)
        operation = sources.operation
        assert record == {
            "deployment_id": f"promotion-{operation.operation_id}",
            "timestamp": record["timestamp"],
            "environment": "sit",
            "action": "promotion",
            "from_version": "r1",
            "to_version": "r2",
            "actor": "jane.doe@example.com",
            "reason": "promotion on request",
            "operation_id": operation.operation_id,
            "tenant_id": "tenant-1",
            "site_id": "site-banana",
            "status": "COMPLETED",
            "evidence_sha256": "ab" * 32,
        }
        assert datetime.fromisoformat(record["timestamp"]) <= operation.completed_at

    @pytest.mark.parametrize("name", ["promotion, rolled back", "rollback on request"])
    def test_of_what_went_back(self, name):
        record = deployment_record(build_document(run_of(name)), "ab" * 32)
        assert record["action"] == "rollback"
        assert record["deployment_id"].startswith("rollback-")
        assert (record["from_version"], record["to_version"]) == ("r2", "r1")

    def test_of_a_first_promotion(self):
        record = deployment_record(build_document(run_of("promotion, first")), "ab" * 32)
        assert (record["from_version"], record["to_version"]) == ("none", "r1")


# --- prod -----------------------------------------------------------------------------------


def record(step, facts=None, *, failure=None, minutes=0):
    at = AT + timedelta(minutes=minutes)
    return StepRecord(
        operation_id="op-1",
        phase=Phase.FORWARD,
        step=step,
        attempt=0,
        fence=1,
        status=StepStatus.FAILED if failure else StepStatus.COMPLETED,
        facts=facts or {},
        failure=failure,
        started_at=at,
        completed_at=at + timedelta(seconds=30),
    )


def decided(who, role, *, yes=True):
    return Decision(
        operation_id="op-1",
        plan_hash="sha256:1",
        role=role,
        person=who,
        principal=f"arn:aws:iam::093646564004:user/{who}",
        approves=yes,
        decided_at=AT,
        proof_digest=who,
    )


def prod(*records, roles=("TECH_LEAD", "OPERATIONS_LEAD"), by=None, **changes):
    sources = run_of("promotion")
    operation = replace(sources.operation, environment=Environment.PROD, operation_id="op-1")
    counted = by or {"TECH_LEAD": "thabo", "OPERATIONS_LEAD": "lerato"}
    values = {
        "operation": operation,
        "payload": {"changeTicket": "CHG1", "sourceEnvironment": "sit"},
        "records": (
            record("request_approval", {"roles": list(roles)}),
            record("await_approval", {"by_role": counted}),
            *records,
        ),
        "decisions": tuple(decided(who, role) for role, who in counted.items()),
        "sealed_at": AT,
        **changes,
    }
    return build_document(replace(sources, **values))


PROD = "SIT to PROD Promotion Checklist"


def test_both_leads_are_named_in_the_list_of_7_2():
    lines = lines_of(prod(), PROD)
    assert lines["Tech Lead approval"] == (
        "done",
        "thabo as TECH_LEAD at 2026-11-24T20:30:00.000Z, by a signed proof.",
    )
    assert lines["Operations Lead approval"][0] == "done"
    assert lines["GitHub environment approval received"][0] == "done"
    assert lines["CTO approval (emergency)"] == (
        "not applicable",
        "CTO was not asked; asked were TECH_LEAD, OPERATIONS_LEAD.",
    )


def test_in_an_emergency_the_cto_stands_in_for_operations():
    by = {"TECH_LEAD": "thabo", "CTO": "sipho"}
    document = prod(
        roles=tuple(by), by=by, payload={"emergency": {"incidentId": "INC1"}, "changeTicket": "C"}
    )
    lines = lines_of(document, PROD)
    assert lines["CTO approval (emergency)"][0] == "done"
    assert lines["Operations Lead approval"][0] == "not applicable"
    assert document["operation"]["incidentId"] == "INC1"
    assert document["outcome"]["reason"] == "incident INC1"


def test_a_rejection_is_not_an_approval():
    failure = Failure(code="PROM_003", message="TECH_LEAD rejected the plan: no", step="x")
    document = prod(
        record("await_approval", failure=failure, minutes=5),
        decisions=(decided("thabo", "TECH_LEAD", yes=False),),
        outcome=OperationStatus.REJECTED,
    )
    assert lines_of(document, PROD)["Tech Lead approval"] == (
        "not done",
        "Not approved. thabo as TECH_LEAD: no.",
    )


def test_looks_that_are_still_to_come_are_not_done_yet():
    looks = record("schedule_looks", {"looks": {"1": "op-look-1", "4": "op-look-4"}})
    lines = lines_of(prod(looks), PROD)
    assert lines["1-hour check: No errors"] == (
        "not done",
        "Still to come when this was sealed: operation op-look-1.",
    )
    assert lines["24-hour check: No errors"][0] == "not applicable"


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"invalidated": True}, "done"),
        ({"invalidated": False}, "not applicable"),
        (None, "not done"),
    ],
)
def test_a_distribution_where_there_is_one(facts, state):
    records = [record("invalidate_cache", facts)] if facts is not None else []
    assert lines_of(prod(*records), PROD)["CloudFront distribution healthy"][0] == state


@pytest.mark.parametrize(
    ("sections", "texts"),
    [
        (TO_SIT, ["- [ ] All unit tests pass (80%+ coverage)", "- [ ] SIT smoke tests pass"]),
        (TO_PROD, ["- [ ] SIT stable for 24 hours", "- [ ] Backup alias created"]),
        (ROLLBACK, ["- [ ] Lambda alias updated", "- [ ] DynamoDB rollback record created"]),
    ],
)
def test_the_lines_keep_the_runbooks_words(sections, texts):
    sources = run_of("promotion")
    kept = {line(sources)["text"] for _, lines in sections for line in lines}
    assert {text.removeprefix("- [ ] ") for text in texts} <= kept


def test_every_line_has_evidence():
    for name in ("promotion", "promotion, first", "promotion, rolled back", "rollback on request"):
        for listed in build_document(run_of(name))["checklists"]:
            for section in listed["sections"]:
                assert all(len(line["evidence"]) > 10 for line in section["lines"])


def test_a_check_of_a_site_has_no_list():
    sources = run_of("promotion")
    operation = replace(sources.operation, operation_type=OperationType.SITE_CHECK)
    assert build_document(replace(sources, operation=operation))["checklists"] == []
