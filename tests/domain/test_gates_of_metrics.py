"""The gates that read metrics: errors, throttles, and what no datapoint means."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.domain.gate_evidence import (
    ErrorPoint,
)
from core.domain.gate_verdicts import GateName
from tests.domain.gate_cases import (
    FAIL,
    GOOD,
    GROUP,
    HEALTH,
    LOG,
    NOW,
    OPEN,
    PASS,
    verdict_of,
    with_functions,
    with_group,
    with_health,
)


class TestErrors:
    @pytest.mark.parametrize(
        ("errors", "limit", "verdict"),
        [(0, 5, PASS), (4, 5, PASS), (5, 5, FAIL), (6, 5, FAIL), (9, 10, PASS), (10, 10, FAIL)],
    )
    def test_exactly_the_limit_is_too_many(self, errors, limit, verdict):
        """The seeds' script lets exactly 5 errors pass where fewer than 5 are allowed."""
        found = verdict_of(
            GateName.SOURCE_ERRORS, with_group(server_errors=errors), gates={"errors_below": limit}
        )
        assert found.verdict is verdict

    def test_those_of_the_target_group_and_of_functions_are_added(self):
        group = GROUP.model_copy(update={"server_errors": 3})
        functions = with_functions(("sit-promotion", 9, 1, 0), ("sit-sweeper", 9, 1, 0))
        evidence = functions.model_copy(
            update={"health": functions.health.model_copy(update={"target_group": group})}
        )
        found = verdict_of(GateName.SOURCE_ERRORS, evidence)
        assert found.verdict is FAIL
        assert found.why == (
            "5 errors in 24 h in sit (target group 3, sit-promotion 1, sit-sweeper 1); fewer than "
            "5 are allowed."
        )

    def test_it_is_told_from_when_on_they_are_old_enough(self):
        hours = [-20, -10, -9, -8, -7]
        points = tuple(ErrorPoint(at=NOW + timedelta(hours=h), errors=1) for h in hours)
        evidence = with_health(
            target_group=GROUP.model_copy(update={"server_errors": 5}), error_points=points
        )
        found = verdict_of(GateName.SOURCE_ERRORS, evidence)
        assert found.would_pass == (
            "Find and repair what causes the errors. Without new ones the gate passes from "
            "2026-11-25 00:35 UTC on."
        )

    def test_an_error_is_singular(self):
        found = verdict_of(GateName.SOURCE_ERRORS, with_group(server_errors=1))
        assert found.why.startswith("1 error in 24 h in sit (target group 1); ")


class TestNoDatapoint:
    """CloudWatch's "None", which the seeds' script lets pass."""

    @pytest.mark.parametrize(
        ("group", "verdict"),
        [
            # No traffic, proved: the heartbeat was there all the time and no request was counted.
            ({"requests": None, "answers": None}, PASS),
            ({"requests": 0, "answers": None}, PASS),
            # Every request has another answer on record.
            ({"requests": 1000, "answers": 1000}, PASS),
            # Traffic, and nothing tells how it was answered.
            ({"requests": 1000, "answers": None}, OPEN),
            ({"requests": 1000, "answers": 999}, OPEN),
            ({"requests": 1, "answers": 0}, OPEN),
            # Nothing was measured at all.
            ({"requests": None, "answers": None, "heartbeats": 0}, OPEN),
            ({"requests": 0, "heartbeats": 0}, OPEN),
            ({"requests": 1000, "answers": 1000, "heartbeats": 0}, OPEN),
            # A number is no proof where most of the look-back is missing, yet enough to fail.
            ({"server_errors": 1, "heartbeats": 10}, OPEN),
            ({"server_errors": 5, "heartbeats": 10}, FAIL),
        ],
    )
    def test_of_the_target_group(self, group, verdict):
        assert verdict_of(GateName.SOURCE_ERRORS, with_group(**group)).verdict is verdict

    def test_a_target_group_that_nobody_knows(self):
        found = verdict_of(GateName.SOURCE_ERRORS, with_health(target_group=None))
        assert (found.verdict, found.why) == (OPEN, "The release's target group is not known.")

    @pytest.mark.parametrize(
        ("readings", "errors", "throttles"),
        [
            ((None, None, None), PASS, PASS),
            ((0, None, None), PASS, PASS),
            ((12, 0, 0), PASS, PASS),
            ((12, None, 0), OPEN, PASS),
            ((12, 0, None), PASS, OPEN),
            ((12, 5, None), FAIL, OPEN),
            ((None, None, 1), PASS, FAIL),
        ],
    )
    def test_of_a_function(self, readings, errors, throttles):
        evidence = with_functions(("sit-promotion", *readings), ("sit-sweeper", 1440, 0, 0))
        assert verdict_of(GateName.SOURCE_ERRORS, evidence).verdict is errors
        assert verdict_of(GateName.SOURCE_THROTTLES, evidence).verdict is throttles

    def test_of_any_function_at_all(self):
        silent = with_health(heartbeats=0)
        assert verdict_of(GateName.SOURCE_ERRORS, silent).verdict is OPEN
        assert verdict_of(GateName.SOURCE_THROTTLES, silent).verdict is OPEN

    @pytest.mark.parametrize(
        ("lines", "heartbeats", "verdict"),
        [
            (0, 288, PASS),
            (1, 288, FAIL),
            (1, 1, FAIL),
            (0, 1, OPEN),
            (None, 0, OPEN),
        ],
    )
    def test_of_the_log(self, lines, heartbeats, verdict):
        log = LOG.model_copy(update={"lines": lines, "heartbeats": heartbeats})
        evidence = GOOD.model_copy(update={"critical_log": log})
        assert verdict_of(GateName.CRITICAL_LOG_LINES, evidence).verdict is verdict

    @pytest.mark.parametrize(("lines", "verdict"), [(None, OPEN), (0, OPEN), (1, FAIL)])
    def test_of_a_part_of_the_log(self, lines, verdict):
        """What was found in the part that was read counts, and what was not found says nothing."""
        log = LOG.model_copy(update={"lines": lines, "unread": "The log group does not exist."})
        evidence = GOOD.model_copy(update={"critical_log": log})
        found = verdict_of(GateName.CRITICAL_LOG_LINES, evidence)
        assert found.verdict is verdict
        assert ("does not exist" in found.why) is (verdict is OPEN)

    @pytest.mark.parametrize(
        ("heartbeats", "verdict"),
        # 287 periods are old enough to be asked for, and 90 of 100 must be there.
        [(288, PASS), (259, PASS), (258, OPEN), (0, OPEN)],
    )
    def test_most_of_the_look_back_must_be_there(self, heartbeats, verdict):
        assert (
            verdict_of(GateName.SOURCE_ERRORS, with_group(heartbeats=heartbeats)).verdict is verdict
        )

    @pytest.mark.parametrize(
        ("minutes", "heartbeats", "verdict"),
        [(60, 10, PASS), (60, 9, OPEN), (4, 1, PASS), (4, 0, OPEN), (60, 0, OPEN)],
    )
    def test_of_a_young_release_only_its_life_is_asked_for(self, minutes, heartbeats, verdict):
        young = GOOD.model_copy(update={"live_since": NOW - timedelta(minutes=minutes)})
        group = GROUP.model_copy(update={"heartbeats": heartbeats})
        evidence = young.model_copy(
            update={"health": HEALTH.model_copy(update={"target_group": group})}
        )
        assert verdict_of(GateName.SOURCE_ERRORS, evidence).verdict is verdict

    def test_one_datapoint_is_needed_even_where_policy_asks_for_none(self):
        lenient = {"metrics_coverage_percent": 0, "metrics_delay_seconds": 0}
        one, none = with_group(heartbeats=1), with_group(heartbeats=0)
        assert verdict_of(GateName.SOURCE_ERRORS, one, gates=lenient).verdict is PASS
        assert verdict_of(GateName.SOURCE_ERRORS, none, gates=lenient).verdict is OPEN


class TestThrottles:
    @pytest.mark.parametrize(
        ("throttles", "allowed", "verdict"), [(0, 0, PASS), (1, 0, FAIL), (1, 1, PASS)]
    )
    def test_none_is_allowed(self, throttles, allowed, verdict):
        evidence = with_functions(("sit-sweeper", 10, 0, throttles))
        found = verdict_of(
            GateName.SOURCE_THROTTLES, evidence, gates={"throttles_at_most": allowed}
        )
        assert found.verdict is verdict
