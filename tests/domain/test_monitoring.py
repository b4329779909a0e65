"""The monitor window: every trigger at its boundary, and what missing data means."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from core.domain.gate_evidence import (
    ErrorPoint,
    FunctionReadings,
    HealthEvidence,
    LookBack,
    TargetGroupReadings,
)
from core.domain.job_facts import ProbeFacts
from core.domain.monitoring import (
    MonitorEvidence,
    MonitorRound,
    MonitorState,
    judge,
    judge_round,
    recompute_monitor,
    worst_span,
)
from core.domain.promotion_policy import MonitorPolicy
from tests.domain.gate_cases import NOW

WATCHING, HEALTHY = MonitorState.WATCHING, MonitorState.HEALTHY
BREACHED, OPEN = MonitorState.BREACHED, MonitorState.INCONCLUSIVE
POLICY = MonitorPolicy(window_seconds=900)
END = NOW + timedelta(minutes=15)
LATE = END + timedelta(minutes=5)

PROBE = ProbeFacts(
    requests=180, failures=0, statuses={"200": 180}, latency_median_ms=30, latency_p95_ms=80,
    window_seconds=900,
)  # fmt: skip
GROUP = TargetGroupReadings(requests=1000, answers=1000, server_errors=None, heartbeats=15)
HEALTH = HealthEvidence(
    look_back=LookBack(start=NOW, end=END, period_seconds=60),
    target_group=GROUP,
    functions=(FunctionReadings(name="prod-sweeper", invocations=15, errors=0, throttles=0),),
    heartbeats=15,
)
GOOD = MonitorEvidence(
    started_at=NOW,
    gathered_at=END,
    probe=PROBE,
    health=HEALTH,
    latency_p95_ms=240,
    former_p95_ms=220,
)


def seen(health=None, group=None, **changes):
    parts = HEALTH.model_copy(update=health or {})
    if group:
        parts = parts.model_copy(update={"target_group": GROUP.model_copy(update=group)})
    return GOOD.model_copy(update={"health": parts, **changes})


def judged(evidence, now=LATE, **policy):
    return judge(evidence, POLICY.model_copy(update=policy), now)


def points(*minutes_and_errors):
    return tuple(ErrorPoint(at=NOW + timedelta(minutes=m), errors=e) for m, e in minutes_and_errors)


class TestWhen:
    @pytest.mark.parametrize(
        ("now", "state"),
        [(NOW, WATCHING), (END - timedelta(seconds=1), WATCHING), (END, HEALTHY)],
    )
    def test_it_ends_with_the_window(self, now, state):
        assert judged(GOOD, now).state is state

    def test_the_probe_is_waited_for(self):
        stands = judged(seen(probe=None), LATE + timedelta(hours=1))
        assert (stands.state, stands.sentence) == (
            WATCHING,
            "The window is over; waiting for the probe's report.",
        )

    def test_a_good_window_is_summed_up(self):
        assert judged(GOOD).sentence == (
            "Watched for 15 min: 180 requests of our own, 0 failed; 0 answers with 5xx."
        )

    def test_late_metrics_are_waited_for(self):
        blind = seen(health={"heartbeats": 0})
        assert judged(blind, END).state is WATCHING
        assert judged(blind, END).until == LATE
        assert judged(blind, LATE).state is OPEN


class TestBreaches:
    """Each counts at once, in the middle of the window."""

    def breach(self, evidence, now=NOW + timedelta(minutes=3), **policy):
        return judged(evidence, now, **policy)

    def test_a_request_that_was_not_answered_with_200(self):
        probe = PROBE.model_copy(
            update={
                "failures": 1,
                "ended_early": True,
                "first_failure": "Request 12 at 10.0.0.1:80: status 502.",
            }
        )
        stands = self.breach(seen(probe=probe))
        assert stands.state is BREACHED
        assert stands.why == (
            "1 of 180 requests were not answered with 200. Request 12 at 10.0.0.1:80: status 502.",
        )

    def test_failures_that_policy_puts_up_with(self):
        probe = PROBE.model_copy(update={"failures": 2})
        assert judged(seen(probe=probe), failures_to_breach=3).state is HEALTHY

    @pytest.mark.parametrize(
        ("errors", "state"),
        [
            (points((0, 5)), WATCHING),
            (points((0, 6)), BREACHED),
            (points((0, 3), (1, 2)), WATCHING),
            (points((0, 3), (1, 3)), BREACHED),
            (points((0, 3), (2, 3)), WATCHING),
            (points((0, 2), (1, 3), (2, 3)), BREACHED),
        ],
    )
    def test_more_than_5_errors_in_2_minutes(self, errors, state):
        assert self.breach(seen(health={"error_points": errors})).state is state

    @pytest.mark.parametrize(("throttles", "state"), [(10, WATCHING), (11, BREACHED)])
    def test_more_than_10_throttled_calls_in_2_minutes(self, throttles, state):
        assert self.breach(seen(throttle_points=points((1, throttles)))).state is state

    @pytest.mark.parametrize(
        ("server_errors", "state"), [(100, WATCHING), (101, BREACHED), (0, WATCHING)]
    )
    def test_more_than_10_percent_server_errors(self, server_errors, state):
        assert self.breach(seen(group={"server_errors": server_errors})).state is state

    @pytest.mark.parametrize(
        ("p95", "former", "state"),
        [
            (5000, None, WATCHING),
            (5000.1, None, BREACHED),
            (450, 300, WATCHING),
            (451, 300, BREACHED),
            (200, 20, WATCHING),
            (201, 20, BREACHED),
            (4000, None, WATCHING),
            (4000, 0, WATCHING),
            (None, 300, WATCHING),
        ],
    )
    def test_too_slow_or_half_as_slow_again_as_before(self, p95, former, state):
        assert self.breach(seen(latency_p95_ms=p95, former_p95_ms=former)).state is state

    @pytest.mark.parametrize(("p95", "state"), [(5000, WATCHING), (5001, BREACHED)])
    def test_our_own_requests_are_too_slow(self, p95, state):
        probe = PROBE.model_copy(update={"latency_p95_ms": p95})
        assert self.breach(seen(probe=probe)).state is state

    def test_all_that_is_wrong_is_told(self):
        probe = PROBE.model_copy(update={"ended_early": True, "failures": 1})
        stands = self.breach(seen(probe=probe, throttle_points=points((0, 11))))
        assert len(stands.why) == 2

    def test_a_breach_counts_after_the_window_and_without_metrics_too(self):
        probe = PROBE.model_copy(update={"ended_early": True, "failures": 1})
        blind = seen(probe=probe, metrics_problem="throttled")
        assert judged(blind, LATE).state is BREACHED


class TestMissingData:
    @pytest.mark.parametrize(
        ("evidence", "told"),
        [
            (seen(group={"heartbeats": 11}), "there for 11 periods of the look-back, and 12"),
            (seen(group={"answers": 999}), "no datapoint tells of the others"),
            (seen(health={"target_group": None}), "target group is not known"),
            (seen(health={"heartbeats": 0}), "Metrics of the fleet's functions"),
            (seen(latency_p95_ms=None), "no datapoint tells of their latency"),
            (seen(metrics_problem="It is throttled."), "CloudWatch could not be asked: It is"),
            (seen(probe=None, probe_problem="The job was killed."), "The job was killed."),
        ],
    )
    def test_is_no_proof_of_health(self, evidence, told):
        stands = judged(evidence)
        assert stands.state is OPEN
        assert told in stands.sentence

    def test_no_traffic_is_no_missing_data(self):
        quiet = seen(group={"requests": None, "answers": None}, latency_p95_ms=None)
        assert judged(quiet).state is HEALTHY


def test_the_judgement_is_recomputed_from_what_was_stored():
    stored = judge_round(seen(throttle_points=points((0, 11))), POLICY, END)
    read = MonitorRound.model_validate(json.loads(stored.model_dump_json(by_alias=True)))
    assert recompute_monitor(read) == stored.judgement
    assert stored.judgement.state is BREACHED


def test_the_worst_span_of_nothing_is_nothing():
    assert worst_span((), 120) == 0
