"""The gates, each at its boundary; and that nothing passes on missing evidence."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from core.domain.gate_evidence import (
    CapacityEvidence,
    PermissionEvidence,
    SourceTestEvidence,
)
from core.domain.gate_verdicts import GateName
from core.domain.gates import GateRound, decide, decide_round, recompute
from core.domain.job_models import Check
from events.formats import Environment
from tests.domain.gate_cases import (
    CAPACITY,
    DAY,
    FAIL,
    FINE,
    GIB,
    GOOD,
    HEALTH,
    LOG,
    LOOK_BACK,
    NOW,
    OPEN,
    PASS,
    THRESHOLDS,
    verdict_of,
    with_capacity,
    with_group,
)

BROKEN = Check(name="make a schema", passed=False, evidence="Access denied")


def test_all_pass_when_nothing_is_wrong():
    verdicts = decide(GOOD, THRESHOLDS, NOW)
    assert [v.name for v in verdicts] == list(GateName)
    assert {v.verdict for v in verdicts} == {PASS}
    assert {v.would_pass for v in verdicts} == {None}


def test_whatever_does_not_pass_says_what_would_make_it_pass():
    bare = GOOD.model_copy(
        update={
            "change_ticket": None,
            "source_test": None,
            "live_since": None,
            "path": GOOD.path.model_copy(update={"allowed_source": None}),
            "health": HEALTH.model_copy(update={"target_group": None, "heartbeats": 0}),
            "critical_log": LOG.model_copy(update={"lines": None, "heartbeats": 0}),
            "capacity": CAPACITY.model_copy(
                update={"free_storage_bytes": None, "free_rule_priorities": None}
            ),
            "permissions": PermissionEvidence(simulated=0),
        }
    )
    verdicts = decide(bare, THRESHOLDS, NOW + timedelta(hours=6))
    assert PASS not in {v.verdict for v in verdicts}
    assert all(v.why.endswith(".") and v.would_pass.endswith(".") for v in verdicts)


def test_a_closed_window_does_not_stop_a_promotion_and_everything_else_does():
    closed = decide_round(GOOD, THRESHOLDS, NOW + timedelta(hours=6))
    assert closed.of(GateName.MAINTENANCE_WINDOW).verdict is FAIL
    assert closed.stopping == ()
    untested = decide_round(GOOD.model_copy(update={"source_test": None}), THRESHOLDS, NOW)
    assert [v.name for v in untested.stopping] == [GateName.SOURCE_TESTED]


class TestRecomputed:
    def test_the_same_verdicts_come_out_of_what_was_stored(self):
        stored = decide_round(with_group(server_errors=7), THRESHOLDS, NOW)
        read = GateRound.model_validate(json.loads(stored.model_dump_json(by_alias=True)))
        assert read == stored
        assert recompute(read) == stored.verdicts

    def test_facts_of_a_step_are_read_back_too(self):
        stored = decide_round(GOOD, THRESHOLDS, NOW)
        assert GateRound.model_validate(stored.model_dump(mode="json")) == stored

    def test_a_verdict_that_was_changed_by_hand_is_found_out(self):
        stored = decide_round(with_group(server_errors=7), THRESHOLDS, NOW)
        better = tuple(v.model_copy(update={"verdict": PASS}) for v in stored.verdicts)
        assert recompute(stored.model_copy(update={"verdicts": better})) != better


class TestTheOthers:
    @pytest.mark.parametrize(
        ("age", "verdict"),
        [(DAY, PASS), (DAY - timedelta(seconds=1), FAIL), (timedelta(0), FAIL), (-DAY, FAIL)],
    )
    def test_stable_for_exactly_24_hours(self, age, verdict):
        evidence = GOOD.model_copy(update={"live_since": NOW - age})
        assert verdict_of(GateName.STABILITY_AGE, evidence).verdict is verdict

    def test_when_it_will_be_stable_is_told(self):
        evidence = GOOD.model_copy(update={"live_since": NOW - timedelta(hours=20)})
        found = verdict_of(GateName.STABILITY_AGE, evidence)
        assert found.why == "The release in sit has been live for 20 h, and 24 h are asked for."
        assert found.would_pass == "Wait until 2026-11-25 00:30 UTC, then send the promotion again."

    def test_no_age_is_known(self):
        evidence = GOOD.model_copy(update={"live_since": None})
        assert verdict_of(GateName.STABILITY_AGE, evidence).verdict is OPEN
        none_needed = {"stable_seconds": 0}
        assert verdict_of(GateName.STABILITY_AGE, evidence, gates=none_needed).verdict is PASS

    @pytest.mark.parametrize(
        ("source", "allowed", "verdict"),
        [("sit", "sit", PASS), ("dev", "sit", FAIL), ("sit", None, FAIL)],
    )
    def test_the_path(self, source, allowed, verdict):
        path = GOOD.path.model_copy(
            update={
                "source": Environment(source),
                "allowed_source": Environment(allowed) if allowed else None,
            }
        )
        evidence = GOOD.model_copy(update={"path": path})
        assert verdict_of(GateName.PROMOTION_PATH, evidence).verdict is verdict

    @pytest.mark.parametrize(
        ("test", "verdict"),
        [
            (SourceTestEvidence(checks=14), PASS),
            (SourceTestEvidence(checks=14, failed=("mojibake: 3 places on /",)), FAIL),
            (SourceTestEvidence(checks=0), OPEN),
            (None, OPEN),
        ],
    )
    def test_tested_in_the_source(self, test, verdict):
        evidence = GOOD.model_copy(update={"source_test": test})
        found = verdict_of(GateName.SOURCE_TESTED, evidence)
        assert found.verdict is verdict
        assert (verdict is FAIL) == ("1 of 14 checks failed in sit: mojibake" in found.why)

    @pytest.mark.parametrize(
        ("ticket", "required", "verdict"),
        [("CHG1", True, PASS), (None, False, PASS), (None, True, FAIL), ("", True, FAIL)],
    )
    def test_the_change_ticket(self, ticket, required, verdict):
        evidence = GOOD.model_copy(update={"change_ticket": ticket})
        gates = {"change_ticket_required": required}
        assert verdict_of(GateName.CHANGE_TICKET, evidence, gates=gates).verdict is verdict

    @pytest.mark.parametrize(
        ("free", "source_size", "verdict"),
        [
            (3 * GIB, GIB, PASS),
            (3 * GIB - 1, GIB, FAIL),
            (0, GIB, FAIL),
            (None, GIB, OPEN),
            (3 * GIB, None, OPEN),
            (3 * GIB, 0, OPEN),
        ],
    )
    def test_free_storage(self, free, source_size, verdict):
        evidence = with_capacity(free_storage_bytes=free, source_size_bytes=source_size)
        assert verdict_of(GateName.DATABASE_STORAGE, evidence).verdict is verdict

    def test_free_storage_is_told_in_units(self):
        evidence = with_capacity(free_storage_bytes=2.5 * GIB)
        assert verdict_of(GateName.DATABASE_STORAGE, evidence).why == (
            "2.5 GiB are free (FreeStorageSpace of bbws-prod), and 3 GiB are needed (3 times "
            "1 GiB)."
        )

    @pytest.mark.parametrize(("free", "verdict"), [(10, PASS), (9, FAIL), (0, FAIL), (None, OPEN)])
    def test_listener_rules(self, free, verdict):
        evidence = with_capacity(free_rule_priorities=free)
        assert verdict_of(GateName.RULE_PRIORITIES, evidence).verdict is verdict

    def test_the_limit_that_binds_is_named_and_what_to_do(self):
        full = with_capacity(free_rule_priorities=400, free_target_groups=9)
        found = verdict_of(GateName.RULE_PRIORITIES, full)
        assert (found.verdict, found.why) == (
            FAIL,
            "The load balancer has room for 9 more target groups, and 10 must be free.",
        )
        assert "lower kept_releases" in (found.would_pass or "")
        full = with_capacity(free_rule_priorities=9, free_target_groups=60)
        found = verdict_of(GateName.RULE_PRIORITIES, full)
        assert "9 more listener rules" in found.why
        assert "ListenerRuleQuota" in (found.would_pass or "")

    def test_what_passes_is_told_by_the_tighter_limit(self):
        evidence = with_capacity(free_rule_priorities=400, free_target_groups=60)
        found = verdict_of(GateName.RULE_PRIORITIES, evidence)
        assert found.why == "The load balancer has room for 60 more releases; 10 must be free."

    def test_evidence_of_a_version_that_counted_no_groups_is_judged_by_its_rules(self):
        stored = CAPACITY.model_dump(exclude={"free_target_groups"})
        evidence = GOOD.model_copy(update={"capacity": CapacityEvidence.model_validate(stored)})
        assert verdict_of(GateName.RULE_PRIORITIES, evidence).verdict is PASS

    @pytest.mark.parametrize(
        ("source", "target", "simulated", "missing", "verdict"),
        [
            (FINE, FINE, 20, (), PASS),
            (BROKEN, FINE, 20, (), FAIL),
            (FINE, BROKEN, 20, (), FAIL),
            (FINE, FINE, 20, ("ecs:RunTask on *",), FAIL),
            (FINE, FINE, 0, (), OPEN),
            (None, FINE, 20, (), OPEN),
            (FINE, None, 20, (), OPEN),
            (None, BROKEN, 0, (), FAIL),
        ],
    )
    def test_rights(self, source, target, simulated, missing, verdict):
        rights = PermissionEvidence(
            tried_in_source=(source,) if source else (),
            tried_in_target=(target,) if target else (),
            simulated=simulated,
            missing=missing,
        )
        evidence = GOOD.model_copy(update={"permissions": rights})
        assert verdict_of(GateName.PERMISSIONS, evidence).verdict is verdict


class TestWindow:
    @pytest.mark.parametrize(
        ("hours", "verdict"),
        [(-0.51, FAIL), (-0.5, PASS), (2.25, PASS), (2.26, FAIL), (4, FAIL)],
    )
    def test_it_must_hold_the_work_and_a_rollback(self, hours, verdict):
        now = NOW + timedelta(hours=hours)
        assert verdict_of(GateName.MAINTENANCE_WINDOW, GOOD, now=now).verdict is verdict

    def test_an_emergency_does_not_wait(self):
        urgent = GOOD.model_copy(update={"incident_id": "INC1"})
        late = NOW + timedelta(hours=10)
        assert verdict_of(GateName.MAINTENANCE_WINDOW, urgent, now=late).verdict is PASS
        waits = {"emergencies_wait": True}
        found = verdict_of(GateName.MAINTENANCE_WINDOW, urgent, now=late, window=waits)
        assert found.verdict is FAIL
        assert found.would_pass == "The promotion waits for it by itself."


def test_the_look_back_of_the_cases_is_the_one_of_the_policy():
    assert LOOK_BACK.end - LOOK_BACK.start == DAY
