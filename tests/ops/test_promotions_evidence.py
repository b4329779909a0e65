"""`promotions evidence`: verdicts follow from what was stored, or the command says which do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.domain.monitoring import judge_round
from core.domain.operation import Failure
from events.vocabulary import StepStatus
from ops.errors import ExitCode
from tests.domain.test_monitoring import END, POLICY, PROBE
from tests.domain.test_monitoring import GOOD as QUIET
from tests.ops.promotion_records import AWAITING, GATE_EVIDENCE, REQUEST, facts, gate_round
from tests.ops.records import ID, RUNNING

GATES = (
    "promotion_path",
    "source_tested",
    "source_errors",
    "source_throttles",
    "critical_log_lines",
    "stability_age",
    "maintenance_window",
    "change_ticket",
    "database_storage",
    "rule_priorities",
    "permissions",
)


@pytest.fixture(autouse=True)
def _sit(monkeypatch):
    monkeypatch.setenv("SITEFLEET_ENV", "sit")


def forged(**verdict):
    """Return a round in which one verdict is not the one that was decided."""
    stored = gate_round(GATE_EVIDENCE.model_copy(update={"source_test": None}))
    for one in stored["round"]["verdicts"]:
        if one["name"] == "source_tested":
            one.update(verdict)
    return stored


def watch(**changes):
    decided = judge_round(QUIET.model_copy(update=changes), POLICY, END + timedelta(minutes=1))
    return {"round": decided.model_dump(mode="json", by_alias=True)}


def test_what_follows_from_the_evidence_is_the_same(cloud, sitefleet):
    cloud.store(AWAITING, facts("check_gates", 16, 19, gate_round()), request=REQUEST)
    answer = sitefleet("promotions", "evidence", ID)
    assert (answer.code, answer.err) == (0, "")
    title, titles, *rows, note = answer.out.splitlines()
    assert title == "Gates in check_gates, 2026-11-21T08:00:19Z"
    assert titles.split() == ["GATE", "STORED", "RECOMPUTED", "WHY"]
    assert tuple(row.split()[0] for row in rows) == GATES
    assert {tuple(row.split()[1:4]) for row in rows} == {("pass", "pass", "same")}
    assert note == "  Every verdict follows from the stored evidence."


def test_a_forged_verdict_is_found(cloud, sitefleet):
    stored = forged(verdict="pass", why="All 14 checks passed in dev.", would_pass=None)
    cloud.store(AWAITING, facts("check_gates", 16, 19, stored), request=REQUEST)
    answer = sitefleet("promotions", "evidence", ID)
    assert answer.code == ExitCode.UNEXPECTED
    assert answer.err == (
        "1 stored verdict not as the stored evidence says. Keep the records as they are, and ask "
        "who or what has written them.\n"
    )
    [line] = [line for line in answer.out.splitlines() if line.startswith("  source_tested")]
    assert line.split()[:4] == ["source_tested", "pass", "inconclusive", "DIFFERS"]
    assert line.endswith(
        "The checks did not run against the site in dev. (stored: All 14 checks passed in dev.)"
    )


def test_changed_evidence_is_found(cloud, sitefleet):
    stored = gate_round()
    stored["round"]["evidence"]["capacity"]["free_rule_priorities"] = 2
    cloud.store(AWAITING, facts("check_gates", 16, 19, stored), request=REQUEST)
    document = sitefleet("promotions", "evidence", ID, "--json")
    assert document.code == ExitCode.UNEXPECTED
    assert document.json["same"] is False
    [round_] = document.json["rounds"]
    assert [gate for gate in round_["compared"] if not gate["same"]] == [
        {"gate": "rule_priorities", "stored": "pass", "recomputed": "fail", "same": False}
    ]


def test_the_evidence_of_a_failed_step_is_judged_too(cloud, sitefleet):
    failed = replace(
        facts(
            "check_gates",
            16,
            19,
            gate_round(GATE_EVIDENCE.model_copy(update={"source_test": None})),
        ),
        status=StepStatus.FAILED,
        failure=Failure(code="PROM_002", message="1 of 11 gates stop this promotion."),
    )
    cloud.store(AWAITING, failed, request=REQUEST)
    answer = sitefleet("promotions", "evidence", ID)
    assert answer.code == 0
    assert "source_tested       inconclusive  inconclusive  same" in answer.out


def test_the_monitor_window_is_judged_again(cloud, sitefleet):
    cloud.store(AWAITING, facts("monitor", 30, 60, watch()), request=REQUEST)
    answer = sitefleet("promotions", "evidence", ID)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == [
        "Monitor window in monitor, 2026-11-24T20:46:00Z",
        "  STORED   RECOMPUTED        WHY",
        (
            "  healthy  healthy     same  Watched for 15 min: 180 requests of our own, 0 failed; 0 "
            "answers with 5xx."
        ),
        "  Every verdict follows from the stored evidence.",
    ]


def test_a_forged_judgement_of_the_window_is_found(cloud, sitefleet):
    broken = PROBE.model_copy(update={"failures": 9, "ended_early": True})
    stored = watch(probe=broken)
    assert stored["round"]["judgement"]["state"] == "breached"
    stored["round"]["judgement"] = {"state": "healthy", "why": ["Fine."], "until": None}
    cloud.store(AWAITING, facts("monitor", 30, 60, stored), request=REQUEST)
    answer = sitefleet("promotions", "evidence", ID)
    assert answer.code == ExitCode.UNEXPECTED
    assert "  healthy  breached    DIFFERS  9 of 180 requests" in answer.out


def test_full_prints_evidence_and_thresholds(cloud, sitefleet):
    cloud.store(AWAITING, facts("check_gates", 16, 19, gate_round()), request=REQUEST)
    lines = sitefleet("promotions", "evidence", ID, "--full").out.splitlines()
    assert "Evidence of check_gates" in lines
    assert "  capacity free rule priorities          60" in lines
    assert "  gates errors below                5" in lines


def test_before_anything_was_decided_there_is_nothing_to_judge(cloud, sitefleet):
    cloud.store(RUNNING)
    answer = sitefleet("promotions", "evidence", ID)
    assert (answer.code, answer.err) == (
        ExitCode.BAD_INPUT,
        (
            f"Nothing was decided about operation {ID} yet. Look at it: sitefleet promotions show "
            f"{ID} --env sit\n"
        ),
    )
