"""The monitor step: the probe job and CloudWatch on every look, and what follows from both."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.domain.job_facts import JobError, JobResult, ProbeFacts
from core.domain.jobs import ProbeJob, job_adapter
from core.domain.monitoring import MonitorRound, MonitorState, recompute_monitor
from core.engine.outcome import Done, Failed, Wait
from core.operations.steps.monitoring import monitor, stop_watching
from events.vocabulary import ErrorCode, Phase
from tests.operations.conftest import BALANCER

NEW = {"TargetGroup": "targetgroup/wp-x-r2/22", "LoadBalancer": BALANCER}
OLD = {"TargetGroup": "targetgroup/wp-x-r1/11", "LoadBalancer": BALANCER}
JOB = "jobs/0f1e2d3c-0000-5000-8000-000000000001/monitor/0"
MINUTE = timedelta(minutes=1)
GOOD = ProbeFacts(
    requests=180, failures=0, statuses={"200": 180}, latency_median_ms=30, latency_p95_ms=80,
    window_seconds=900,
)  # fmt: skip


@pytest.fixture
def watched(live):
    live.step = "monitor"
    return live


def report(stage, facts=None, error=None):
    """Let the probe job report."""
    result = JobResult(
        operation_id="op", step="monitor", attempt=0, kind="probe",
        started_at="2026-11-24T20:30:00Z", completed_at="2026-11-24T20:45:00Z",
        facts=(facts or GOOD).model_dump(mode="json") if error is None else {}, error=error,
    )  # fmt: skip
    stage.world.objects[f"{JOB}/result.json"] = result.model_dump_json(by_alias=True).encode()


def at_the_end(stage, minutes=15):
    """Let the probe report well and the window pass."""
    stage.run(monitor)
    report(stage)
    stage.now += minutes * MINUTE


def judgement_of(outcome):
    stored = MonitorRound.model_validate(outcome.facts["round"])
    assert recompute_monitor(stored) == stored.judgement
    return stored.judgement


class TestWatching:
    def test_it_starts_the_probe_and_looks_again_after_the_policys_interval(self, watched):
        assert watched.run(monitor) == Wait(
            seconds=60, why="Nothing is wrong so far; watching until 2026-11-24 20:45 UTC."
        )
        job = job_adapter.validate_json(watched.world.objects[f"{JOB}/job.json"])
        assert isinstance(job, ProbeJob)
        assert (job.window_seconds, job.interval_seconds, job.failures_to_end) == (900, 5, 1)
        assert job.site_url == "https://banana.wp.kimmyai.io"

    def test_it_looks_at_the_very_end_of_the_window(self, watched):
        watched.run(monitor)
        watched.now += 14.5 * MINUTE
        assert watched.run(monitor).seconds == 30

    def test_one_probe_is_started_however_often_it_looks(self, watched):
        for _ in range(3):
            watched.run(monitor)
        assert len(watched.world.tasks) == 1

    def test_a_good_window_ends_with_its_evidence(self, watched):
        at_the_end(watched)
        outcome = watched.run(monitor)
        assert isinstance(outcome, Done)
        assert outcome.facts["conclusive"] is True
        assert judgement_of(outcome).state is MonitorState.HEALTHY

    def test_the_probe_s_requests_are_told_for_the_metrics(self, watched):
        statuses = {"200": 176, "no answer": 4}
        watched.run(monitor)
        report(watched, GOOD.model_copy(update={"statuses": statuses, "failures": 4}))
        watched.now += 15 * MINUTE
        facts = watched.run(monitor).facts
        assert (facts["wordpress_requests"], facts["wordpress_timeouts"]) == (180, 4)

    def test_what_comes_after_the_window_is_not_its_business(self, watched):
        at_the_end(watched, minutes=20)
        watched.metric("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", (-3, 50), **NEW)
        assert isinstance(watched.run(monitor), Done)


class TestBreaches:
    def breach(self, stage):
        outcome = stage.run(monitor)
        assert isinstance(outcome, Failed)
        assert outcome.code is ErrorCode.PROM_002
        assert judgement_of(outcome).state is MonitorState.BREACHED
        return outcome.why

    def test_a_request_of_our_own_that_failed(self, watched):
        watched.run(monitor)
        first = "Request 3 at 10.0.0.1:80: it answered 502."
        report(
            watched,
            GOOD.model_copy(update={"ended_early": True, "failures": 1, "first_failure": first}),
        )
        watched.now += MINUTE
        assert first in self.breach(watched)

    @pytest.mark.parametrize(
        ("metric", "function", "count"),
        [("Errors", "promotion", 6), ("Throttles", "creation", 11)],
    )
    def test_spikes_of_the_fleets_own_functions(self, watched, metric, function, count):
        name = f"prod-bbws-async-processor-{function}"
        watched.now += 2 * MINUTE
        watched.metric("AWS/Lambda", metric, (-1, count), FunctionName=name)
        assert f"{count} " in self.breach(watched)

    def test_server_errors_of_the_new_release(self, watched):
        watched.now += 2 * MINUTE
        watched.metric("AWS/ApplicationELB", "RequestCount", (-1, 40), **NEW)
        watched.metric("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", (-1, 5), **NEW)
        assert "5 of 40 requests (12.5%)" in self.breach(watched)

    def test_those_of_the_former_release_are_no_breach(self, watched):
        watched.now += 2 * MINUTE
        watched.metric("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", (-1, 50), **OLD)
        assert isinstance(watched.run(monitor), Wait)

    def test_slower_than_before_the_switch(self, watched):
        watched.now += 2 * MINUTE
        watched.metric("AWS/ApplicationELB", "TargetResponseTime", (-30, 0.3), **OLD)
        watched.metric("AWS/ApplicationELB", "TargetResponseTime", (-1, 0.46), **NEW)
        assert "460 ms, before the switch 300 ms: 53% worse" in self.breach(watched)

    def test_slow_on_a_first_promotion(self, watched):
        watched.facts["reserve_release"] = {"release": 2, "live_release": None}
        watched.now += 2 * MINUTE
        watched.metric("AWS/ApplicationELB", "TargetResponseTime", (-1, 4.9), **NEW)
        assert isinstance(watched.run(monitor), Wait)
        watched.metric("AWS/ApplicationELB", "TargetResponseTime", (-1, 5.1), **NEW)
        assert "5100 ms" in self.breach(watched)


class TestMissingData:
    def blind(self, stage, missing_data):
        stage.promotion_rules("monitor", missing_data=missing_data)
        at_the_end(stage)
        stage.world.metrics_unavailable = "CloudWatch does not answer."

    def test_late_metrics_are_waited_for(self, watched):
        self.blind(watched, "roll_back")
        outcome = watched.run(monitor)
        assert isinstance(outcome, Wait)
        assert "waiting for late metrics" in outcome.why

    def test_hold_waits_for_ever_with_the_evidence(self, watched):
        self.blind(watched, "hold")
        for hours in (1, 48):
            watched.now += timedelta(hours=hours)
            outcome = watched.run(monitor)
            assert isinstance(outcome, Wait)
            assert outcome.seconds == 60
            assert outcome.why == (
                "Held, because nobody can say that the release is healthy: CloudWatch could not "
                "be asked: CloudWatch does not answer."
            )

    def test_complete_goes_on_and_says_so(self, watched):
        self.blind(watched, "complete")
        watched.now += timedelta(hours=1)
        outcome = watched.run(monitor)
        assert isinstance(outcome, Done)
        assert outcome.facts["conclusive"] is False
        assert judgement_of(outcome).state is MonitorState.INCONCLUSIVE

    def test_roll_back_fails(self, watched):
        self.blind(watched, "roll_back")
        watched.now += timedelta(hours=1)
        outcome = watched.run(monitor)
        assert isinstance(outcome, Failed)
        assert outcome.why.startswith("The monitor window ended without an answer")

    def test_a_probe_that_cannot_be_run_is_no_breach(self, watched):
        watched.run(monitor)
        error = JobError(code="SYS_001", message="No such command.", retryable=False)
        report(watched, error=error)
        watched.now += timedelta(hours=1)
        outcome = watched.run(monitor)
        assert isinstance(outcome, Wait)
        assert "No such command." in outcome.why

    def test_it_ends_well_once_the_metrics_are_there_again(self, watched):
        self.blind(watched, "hold")
        watched.now += timedelta(hours=1)
        assert isinstance(watched.run(monitor), Wait)
        watched.world.metrics_unavailable = None
        assert isinstance(watched.run(monitor), Done)


def test_undone_the_probe_is_stopped(watched):
    watched.run(monitor)
    watched.phase = Phase.UNDO
    assert isinstance(watched.run(stop_watching), Wait)
    assert watched.world.tasks[0].stop_requested == "the operation is being undone"
    watched.fleet.jobs.tick()
    assert isinstance(watched.run(stop_watching), Done)
