"""A promotion policy that contradicts itself, or that nobody could satisfy, is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.domain.promotion_policy import PromotionPolicy

GOOD = {
    "gates": {"lookback_seconds": 3600, "errors_below": 5},
    "window": {"expected_seconds": 900, "rollback_seconds": 300},
    "monitor": {"window_seconds": 300},
}


def with_changes(section, changes):
    return PromotionPolicy.model_validate({**GOOD, section: {**GOOD.get(section, {}), **changes}})


def test_a_good_one_is_taken():
    assert PromotionPolicy.model_validate(GOOD).window.rollback_seconds == 300


@pytest.mark.parametrize(
    ("section", "changes", "told"),
    [
        ("gates", {"errors_below": 0}, "errors_below"),
        ("gates", {"lookback_seconds": 0}, "lookback_seconds"),
        ("gates", {"throttles_at_most": -1}, "throttles_at_most"),
        ("gates", {"critical_lines_at_most": -1}, "critical_lines_at_most"),
        ("gates", {"free_storage_factor": 0.5}, "free_storage_factor"),
        ("gates", {"free_rule_priorities": 0}, "free_rule_priorities"),
        ("gates", {"stable_secs": 5}, "stable_secs"),
        ("protection", {"hold_seconds": 0}, "hold_seconds"),
        ("protection", {"drain_seconds": -1}, "drain_seconds"),
        ("monitor", {"window_seconds": 0}, "nothing ever could"),
        ("monitor", {"window_seconds": 10, "failures_to_breach": 3}, "makes 2 requests"),
        ("monitor", {"poll_seconds": 901}, "poll_seconds"),
        ("monitor", {"server_error_percent_over": 100}, "server_error_percent_over"),
        ("monitor", {"latency_p95_ms_over": 0}, "latency_p95_ms_over"),
        ("monitor", {"missing_data": "pass"}, "missing_data"),
        ("monitor", {"look_again_hours": [4, 1]}, "must rise"),
        ("monitor", {"look_again_hours": [0]}, "must rise"),
        ("monitor", {"window_seconds": 901}, "still being watched"),
        ("window", {"expected_seconds": 299}, "still being watched"),
        ("approval", {"roles": ["QA"], "requester_required": True}, "nobody in approval.people"),
    ],
)
def test_what_contradicts_itself_is_refused_with_the_place(section, changes, told):
    with pytest.raises(ValidationError, match=told):
        with_changes(section, changes)
