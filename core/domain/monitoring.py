"""The monitor window after a switch: pure judgement over what was measured so far.

A breach counts at once. That all went well can only be said at the end, and only when metrics were
there: without them the judgement is inconclusive, and policy says what follows from that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from core.domain.amounts import duration, moment, number
from core.domain.gate_evidence import ErrorPoint, EvidenceModel, HealthEvidence
from core.domain.health import Coverage, count_errors, count_server_errors, count_throttles
from core.domain.job_facts import ProbeFacts
from core.domain.promotion_policy import MonitorPolicy


class MonitorEvidence(EvidenceModel):
    """What was seen of the new release since the switch."""

    started_at: AwareDatetime
    gathered_at: AwareDatetime
    probe: ProbeFacts | None = None
    """What a visitor saw; None while the probe is still at it."""
    probe_problem: str | None = None
    """Why there is no such report, if there never will be one."""
    health: HealthEvidence
    """Of the new release and of the fleet's functions; its error points hold every error."""
    throttle_points: tuple[ErrorPoint, ...] = ()
    latency_p95_ms: float | None = None
    """Of the new release's containers, over the whole window so far."""
    former_p95_ms: float | None = None
    """Of the former release, before the switch; None where there was none."""
    metrics_problem: str | None = None
    """Why CloudWatch could not be asked this time."""


class MonitorState(StrEnum):
    """How the window stands."""

    WATCHING = "watching"
    HEALTHY = "healthy"
    BREACHED = "breached"
    INCONCLUSIVE = "inconclusive"


class Judgement(EvidenceModel):
    """How the window stands, and why."""

    state: MonitorState
    why: tuple[str, ...]
    until: AwareDatetime | None = None
    """While watching: when the window ends."""

    @property
    def sentence(self) -> str:
        return " ".join(self.why)


class MonitorRound(EvidenceModel):
    """Everything that one judgement was made from, and the judgement."""

    evidence: MonitorEvidence
    thresholds: MonitorPolicy
    decided_at: AwareDatetime
    judgement: Judgement


def judge(evidence: MonitorEvidence, policy: MonitorPolicy, now: datetime) -> Judgement:
    """Return how the monitor window stands."""
    breaches = tuple(_breaches(evidence, policy))
    if breaches:
        return Judgement(state=MonitorState.BREACHED, why=breaches)
    end = evidence.started_at + timedelta(seconds=policy.window_seconds)
    if now < end:
        return _watching(f"Nothing is wrong so far; watching until {moment(end)}.", end)
    if evidence.probe is None and evidence.probe_problem is None:
        return _watching("The window is over; waiting for the probe's report.", end)
    gaps = tuple(_gaps(evidence, policy))
    if not gaps:
        return Judgement(state=MonitorState.HEALTHY, why=(_summary(evidence, policy),))
    late = end + timedelta(seconds=policy.metrics_delay_seconds)
    if now < late:
        return _watching(f"The window is over; waiting for late metrics. {' '.join(gaps)}", late)
    return Judgement(state=MonitorState.INCONCLUSIVE, why=gaps)


def judge_round(evidence: MonitorEvidence, policy: MonitorPolicy, now: datetime) -> MonitorRound:
    """Return the judgement with all that it was made from."""
    judgement = judge(evidence, policy, now)
    return MonitorRound(evidence=evidence, thresholds=policy, decided_at=now, judgement=judgement)


def recompute_monitor(stored: MonitorRound) -> Judgement:
    """Return the judgement anew, from nothing but what was stored."""
    return judge(stored.evidence, stored.thresholds, stored.decided_at)


def worst_span(points: Sequence[ErrorPoint], span_seconds: float) -> float:
    """Return the largest sum of any periods that begin within a span of this length."""
    span = timedelta(seconds=span_seconds)
    return max(
        (sum(p.errors for p in points if first.at <= p.at < first.at + span) for first in points),
        default=0,
    )


# --- inside ---------------------------------------------------------------------------------


def _breaches(evidence: MonitorEvidence, policy: MonitorPolicy) -> Iterator[str]:
    yield from _probe_breaches(evidence.probe, policy)
    yield from _spikes(evidence, policy)
    yield from _share_of_server_errors(evidence, policy)
    yield from _latency(evidence, policy)


def _probe_breaches(probe: ProbeFacts | None, policy: MonitorPolicy) -> Iterator[str]:
    if probe is None:
        return
    if probe.ended_early:
        first = f" {probe.first_failure}" if probe.first_failure else ""
        yield f"{probe.failures} of {probe.requests} requests were not answered with 200.{first}"
    if probe.latency_p95_ms > policy.latency_p95_ms_over:
        yield (
            f"95 of 100 of our own requests took up to {number(probe.latency_p95_ms)} ms; more "
            f"than {number(policy.latency_p95_ms_over)} ms is too slow."
        )


def _spikes(evidence: MonitorEvidence, policy: MonitorPolicy) -> Iterator[str]:
    span = duration(policy.spike_seconds)
    for what, points, over in (
        ("errors", evidence.health.error_points, policy.errors_over),
        ("throttled calls", evidence.throttle_points, policy.throttles_over),
    ):
        worst = worst_span(points, policy.spike_seconds)
        if worst > over:
            yield f"{number(worst)} {what} within {span}; more than {over} is a breach."


def _share_of_server_errors(evidence: MonitorEvidence, policy: MonitorPolicy) -> Iterator[str]:
    readings = evidence.health.target_group
    if readings is None or not readings.requests or not readings.server_errors:
        return
    percent = 100 * readings.server_errors / readings.requests
    if percent > policy.server_error_percent_over:
        yield (
            f"{number(readings.server_errors)} of {number(readings.requests)} requests "
            f"({percent:.1f}%) were answered with 5xx; more than "
            f"{number(policy.server_error_percent_over)}% is a breach."
        )


def _latency(evidence: MonitorEvidence, policy: MonitorPolicy) -> Iterator[str]:
    now, before = evidence.latency_p95_ms, evidence.former_p95_ms
    if now is None:
        return
    if now > policy.latency_p95_ms_over:
        yield (
            f"95 of 100 requests took up to {now:.0f} ms; more than "
            f"{number(policy.latency_p95_ms_over)} ms is too slow."
        )
    if not before or now <= policy.latency_good_ms:
        return
    worse = 100 * (now / before - 1)
    if worse > policy.latency_worse_percent_over:
        yield (
            f"95 of 100 requests took up to {now:.0f} ms, before the switch {before:.0f} ms: "
            f"{worse:.0f}% worse; more than {number(policy.latency_worse_percent_over)}% is a "
            "breach."
        )


def _gaps(evidence: MonitorEvidence, policy: MonitorPolicy) -> Iterator[str]:
    """Yield what keeps the judgement from being that all went well."""
    if evidence.probe_problem is not None:
        yield f"The site could not be requested by our own probe: {evidence.probe_problem}"
    if evidence.metrics_problem is not None:
        yield f"CloudWatch could not be asked: {evidence.metrics_problem}"
        return
    coverage = Coverage(
        since=evidence.started_at, percent=policy.metrics_coverage_percent, delay_seconds=0
    )
    errors = count_errors(evidence.health, coverage)
    throttles = count_throttles(evidence.health, coverage)
    yield from dict.fromkeys((*errors.unknown, *throttles.unknown))
    readings = evidence.health.target_group
    if readings is not None and readings.requests and evidence.latency_p95_ms is None:
        yield f"{number(readings.requests)} requests came, and no datapoint tells of their latency."


def _summary(evidence: MonitorEvidence, policy: MonitorPolicy) -> str:
    probe = evidence.probe
    coverage = Coverage(since=None, percent=0, delay_seconds=0)
    server_errors = count_server_errors(evidence.health, coverage).known
    seen = f"{probe.requests} requests of our own, {probe.failures} failed" if probe else "no probe"
    return (
        f"Watched for {duration(policy.window_seconds)}: {seen}; {number(server_errors)} answers "
        "with 5xx."
    )


def _watching(why: str, until: datetime) -> Judgement:
    return Judgement(state=MonitorState.WATCHING, why=(why,), until=until)
