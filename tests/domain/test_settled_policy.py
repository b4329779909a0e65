"""policy/sit.toml and policy/prod.toml hold the values of the settled table, line by line."""

from __future__ import annotations

import pytest

from core.bootstrap import POLICY_FOLDER, load_policy
from core.domain.errors import ConfigurationError

SIT, PROD = load_policy("sit").promotion, load_policy("prod").promotion


def test_approvers():
    assert SIT.approval.roles == ("DEV_LEAD",)
    assert PROD.approval.roles == ("TECH_LEAD", "OPERATIONS_LEAD")
    assert PROD.approval.wait_seconds == 600
    assert PROD.approval.emergency_roles == ("TECH_LEAD", "CTO")
    assert PROD.approval.emergency_wait_seconds == 0
    assert SIT.approval.emergency_roles == ()
    assert SIT.approval.requester_required
    assert PROD.approval.requester_required


def test_the_error_gate():
    sit, prod = SIT.gates, PROD.gates
    assert (sit.errors_below, sit.lookback_seconds) == (10, 3600)
    assert (prod.errors_below, prod.lookback_seconds) == (5, 86_400)
    assert (sit.throttles_at_most, prod.throttles_at_most) == (0, 0)
    assert (sit.critical_lines_at_most, sit.critical_lookback_seconds) == (0, 86_400)
    assert (sit.stable_seconds, prod.stable_seconds) == (0, 86_400)
    assert (sit.change_ticket_required, prod.change_ticket_required) == (False, True)


def test_the_window_of_prod():
    assert PROD.window.zone == "Africa/Johannesburg"
    assert [(o.day.value, f"{o.start:%H:%M}", f"{o.end:%H:%M}") for o in PROD.window.openings] == [
        ("tuesday", "22:00", "02:00"),
        ("thursday", "22:00", "02:00"),
        ("saturday", "06:00", "10:00"),
    ]
    assert SIT.window.openings == ()
    assert not PROD.window.emergencies_wait


@pytest.mark.parametrize(("rules", "seconds"), [(SIT, 300), (PROD, 900)])
def test_the_monitor_window_and_its_triggers(rules, seconds):
    monitor = rules.monitor
    assert monitor.window_seconds == seconds
    assert monitor.failures_to_breach == 1
    assert (monitor.errors_over, monitor.throttles_over, monitor.spike_seconds) == (5, 10, 120)
    assert monitor.server_error_percent_over == 10
    assert (monitor.latency_p95_ms_over, monitor.latency_worse_percent_over) == (5000, 50)
    assert monitor.missing_data == "hold"


def test_prod_is_looked_at_again_and_backed_up():
    assert PROD.monitor.look_again_hours == (1, 4, 12, 24)
    for rules in (SIT, PROD):
        assert rules.backup.database
        assert rules.backup.file_system
    assert PROD.read_only_after
    assert PROD.comprehensive_checks


@pytest.mark.parametrize("name", ["sit", "prod", "local-sit", "local-prod"])
def test_the_database_is_the_one_of_the_environment(name):
    policy = load_policy(name)
    assert policy.promotion.gates.database_cluster == f"bbws-aurora-{policy.environment}"


@pytest.mark.parametrize(
    ("step", "wait"),
    [
        ("monitor", "deadline_seconds = 1800"),
        ("decide_again", "deadline_seconds = 691200"),
        ("confirm_window", "deadline_seconds = 691200"),
        ("await_approval", "deadline_seconds = 184000"),
    ],
)
def test_a_step_that_stalls_before_its_wait_can_be_over_is_refused(tmp_path, step, wait):
    text = (POLICY_FOLDER / "prod.toml").read_text()
    before, section, after = text.partition(f"[steps.{step}]")
    shorter = after.replace(wait, "deadline_seconds = 1100", 1)
    (tmp_path / "prod.toml").write_text(before + section + shorter)
    with pytest.raises(ConfigurationError, match=rf"steps\.{step} is reported as stalled"):
        load_policy("prod", tmp_path)
