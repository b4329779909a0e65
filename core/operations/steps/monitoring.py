"""The monitor window: the new release is watched by our own requests and by CloudWatch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.errors import TransientError
from core.domain.gate_evidence import LookBack
from core.domain.job_facts import NO_ANSWER, ProbeFacts
from core.domain.jobs import ProbeJob
from core.domain.monitoring import MonitorEvidence, MonitorRound, MonitorState, judge_round
from core.domain.operation import Json
from core.domain.promotion_policy import MonitorPolicy
from core.engine.outcome import Done, Failed, Outcome, Wait
from core.engine.step import Step, StepContext
from core.operations.steps.jobs import job_fields, run_job, stop_job
from core.operations.steps.move import Move
from core.operations.steps.site_metrics import (
    HealthReading,
    ReleaseDimensions,
    no_reading,
    read,
    read_health,
)
from core.ports.jobs import Where
from events.vocabulary import ErrorCode

FORMER_LOOK_BACK = timedelta(hours=1)
"""How long before the switch the former release's latency is taken from."""
PERIOD_SECONDS = 60


def monitor(context: StepContext) -> Outcome:
    """Look at probe and metrics; a breach fails the step, which takes the promotion back."""
    policy = context.policy.promotion_rules.monitor
    decided = judge_round(_gather(context, policy), policy, context.now)
    facts: dict[str, Json] = {
        "round": decided.model_dump(mode="json", by_alias=True),
        **_answers(decided.evidence.probe),
    }
    match decided.judgement.state:
        case MonitorState.HEALTHY:
            return Done(facts={**facts, "conclusive": True})
        case MonitorState.BREACHED:
            return _breached(decided, facts)
        case MonitorState.WATCHING:
            return _look_again(context, decided, policy)
        case MonitorState.INCONCLUSIVE:
            return _inconclusive(decided, policy, facts)


def stop_watching(context: StepContext) -> Outcome:
    """Undo: stop the probe, should it still be at it."""
    return stop_job(context) or Done()


MONITOR = Step(name="monitor", run=monitor, undo=stop_watching)


# --- inside ---------------------------------------------------------------------------------


def _answers(probe: ProbeFacts | None) -> dict[str, Json]:
    """Return what the probe's requests add to the metrics of these names."""
    if probe is None:
        return {}
    return {
        "wordpress_requests": probe.requests,
        "wordpress_timeouts": probe.statuses.get(NO_ANSWER, 0),
    }


def _breached(decided: MonitorRound, facts: dict[str, Json]) -> Failed:
    why: list[Json] = list(decided.judgement.why)
    return Failed(
        code=ErrorCode.PROM_002,
        why=f"The monitor window was breached: {decided.judgement.sentence}"[:1000],
        details={"breaches": why},
        facts=facts,
    )


def _look_again(context: StepContext, decided: MonitorRound, policy: MonitorPolicy) -> Wait:
    until = decided.judgement.until or context.now
    left = math.ceil((until - context.now).total_seconds())
    seconds = min(policy.poll_seconds, left) if left > 0 else context.poll_seconds
    return Wait(seconds=max(1, seconds), why=decided.judgement.sentence)


def _inconclusive(decided: MonitorRound, policy: MonitorPolicy, facts: dict[str, Json]) -> Outcome:
    """Do what policy says: hold waits past the deadline, so that people are told with the why."""
    why = decided.judgement.sentence
    match policy.missing_data:
        case "complete":
            return Done(facts={**facts, "conclusive": False, "why": why})
        case "roll_back":
            return Failed(
                code=ErrorCode.PROM_002,
                why=f"The monitor window ended without an answer: {why}"[:1000],
                facts=facts,
            )
        case "hold":
            told = f"Held, because nobody can say that the release is healthy: {why}"
            return Wait(seconds=policy.poll_seconds, why=told[:1000])


@dataclass(frozen=True, kw_only=True)
class _Probe:
    facts: ProbeFacts | None = None
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Readings:
    reading: HealthReading
    latency_p95_ms: float | None = None
    former_p95_ms: float | None = None


def _gather(context: StepContext, policy: MonitorPolicy) -> MonitorEvidence:
    started = context.operation.step_since or context.now
    end = min(context.now, started + timedelta(seconds=policy.window_seconds))
    look_back = LookBack(start=started, end=end, period_seconds=PERIOD_SECONDS)
    probe = _probe(context, policy)
    problem: str | None = None
    try:
        readings = _readings(context, look_back)
    except TransientError as error:
        readings, problem = _Readings(reading=no_reading(look_back)), str(error)
    return MonitorEvidence(
        started_at=started,
        gathered_at=context.now,
        probe=probe.facts,
        probe_problem=probe.problem,
        health=readings.reading.health,
        throttle_points=readings.reading.throttle_points,
        latency_p95_ms=readings.latency_p95_ms,
        former_p95_ms=readings.former_p95_ms,
        metrics_problem=problem,
    )


def _probe(context: StepContext, policy: MonitorPolicy) -> _Probe:
    """Return what the probe job saw; that it cannot be run says nothing about the site."""
    answer = run_job(
        context,
        ProbeJob(
            **job_fields(context),
            site_url=Move(context).site_url,
            addresses=[context.ports.load_balancer.address(Move(context).host)],
            window_seconds=policy.window_seconds,
            interval_seconds=policy.probe_interval_seconds,
            failures_to_end=policy.failures_to_breach,
        ),
    )
    match answer:
        case Wait():
            return _Probe()
        case Failed():
            return _Probe(problem=answer.why)
        case _:
            return _Probe(facts=ProbeFacts.model_validate(answer))


def _readings(context: StepContext, look_back: LookBack) -> _Readings:
    move, balancer = Move(context), context.ports.load_balancer
    rule = balancer.find_rule(move.host)
    if rule is None:
        return _Readings(reading=no_reading(look_back))
    target_group = str(context.facts["start_release"]["target_group_arn"])
    release = ReleaseDimensions.of(target_group, rule.arn)
    environment = context.policy.environment
    reading = read_health(context, Where.HERE, environment, release, look_back)
    return _Readings(
        reading=reading,
        latency_p95_ms=_p95_ms(context, release, look_back.start, look_back.end),
        former_p95_ms=_former_p95_ms(context, rule.arn, look_back.start),
    )


def _former_p95_ms(context: StepContext, rule_arn: str, switched_at: datetime) -> float | None:
    move = Move(context)
    live = move.live_release
    record = (
        context.ports.sites.get_release(move.tenant_id, move.site_id, live.number) if live else None
    )
    if record is None or not record.target_group_arn:
        return None
    former = ReleaseDimensions.of(record.target_group_arn, rule_arn)
    return _p95_ms(context, former, switched_at - FORMER_LOOK_BACK, switched_at)


def _p95_ms(
    context: StepContext, release: ReleaseDimensions, start: datetime, end: datetime
) -> float | None:
    """Return the p95 of the whole span: one period that is as long as it, in full minutes."""
    minutes = max(1, math.ceil((end - start).total_seconds() / 60))
    look_back = LookBack(start=start, end=end, period_seconds=60 * minutes)
    query = release.as_query("TargetResponseTime", "p95")
    points = read(context, Where.HERE, [query], look_back)[query.key]
    return max(point.value for point in points) * 1000 if points else None
