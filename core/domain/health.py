"""Errors, throttles and critical log lines, counted from what CloudWatch answered.

CloudWatch writes most of these metrics only when something happened: a quiet function has no
Errors, a release without a server error no HTTPCode_Target_5XX_Count. "No datapoint" is 0 only
where something else proves it: metrics that are written in any case were there (so that nothing
was lost), and there was no traffic, or every request has another answer on record.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.amounts import number
from core.domain.gate_evidence import (
    CriticalLogEvidence,
    FunctionReadings,
    GateEvidence,
    HealthEvidence,
    LookBack,
)
from core.domain.promotion_policy import GatePolicy


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many there were at least, and why there may be more."""

    known: float
    parts: tuple[str, ...] = ()
    """Where they come from, when there are any."""
    unknown: tuple[str, ...] = ()
    """Sentences about what could not be counted; none: the count is complete."""


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How much of a look-back must have metrics: of its life, if the release is younger."""

    since: datetime | None
    percent: float
    delay_seconds: float

    def gap(self, what: str, look_back: LookBack, heartbeats: int) -> tuple[str, ...]:
        """Return a sentence when too few periods have any of `what`; one must in any case."""
        start = max(look_back.start, self.since or look_back.start)
        end = look_back.end - timedelta(seconds=self.delay_seconds)
        periods = max(0.0, (end - start).total_seconds()) // look_back.period_seconds
        needed = max(1, math.ceil(periods * self.percent / 100))
        if heartbeats >= needed:
            return ()
        there = f"{what} are there for {heartbeats} periods of the look-back"
        return (f"{there}, and {needed} are needed.",)


def coverage_of(evidence: GateEvidence, rules: GatePolicy) -> Coverage:
    """Return what the gates ask of metrics."""
    return Coverage(
        since=evidence.live_since,
        percent=rules.metrics_coverage_percent,
        delay_seconds=rules.metrics_delay_seconds,
    )


def count_errors(health: HealthEvidence, coverage: Coverage) -> Count:
    """Return the target group's 5xx answers and the functions' errors."""
    counts = [count_server_errors(health, coverage)]
    counts += [_function_count(f, "errors", f.errors) for f in health.functions]
    return _total([*counts, _functions_covered(health, coverage)])


def count_throttles(health: HealthEvidence, coverage: Coverage) -> Count:
    """Return the functions' throttled calls."""
    counts = [_function_count(f, "throttles", f.throttles) for f in health.functions]
    return _total([*counts, _functions_covered(health, coverage)])


def count_server_errors(health: HealthEvidence, coverage: Coverage) -> Count:
    """Return the 5xx answers of a release's containers."""
    readings = health.target_group
    if readings is None:
        return Count(known=0, unknown=("The release's target group is not known.",))
    gap = coverage.gap("Metrics of its target group", health.look_back, readings.heartbeats)
    if readings.server_errors is not None:
        part = f"target group {number(readings.server_errors)}"
        return Count(known=readings.server_errors, parts=(part,), unknown=gap)
    requests, answers = readings.requests or 0, readings.answers or 0
    if answers >= requests:
        return Count(known=0, unknown=gap)
    came = f"{number(requests)} requests came, {number(answers)} of them were answered well"
    return Count(known=0, unknown=(*gap, f"{came}, and no datapoint tells of the others."))


def count_critical_lines(log: CriticalLogEvidence, coverage: Coverage) -> Count:
    """Return the critical lines of one site's log; a log that nobody writes holds none, too."""
    if log.unread:
        return Count(known=log.lines or 0, unknown=(log.unread,))
    gap = coverage.gap("Lines of the site's log", log.look_back, log.heartbeats)
    return Count(known=log.lines or 0, unknown=gap)


def quiet_from(health: HealthEvidence, fewer_than: int) -> datetime | None:
    """Return from when on the errors that are known are old enough, should no more come."""
    newest = 0.0
    span = health.look_back.end - health.look_back.start
    for point in sorted(health.error_points, key=lambda p: p.at, reverse=True):
        newest += point.errors
        if newest >= fewer_than:
            return point.at + timedelta(seconds=health.look_back.period_seconds) + span
    return None


# --- inside ---------------------------------------------------------------------------------


def _function_count(function: FunctionReadings, what: str, value: float | None) -> Count:
    if value is not None:
        return Count(known=value, parts=(f"{function.name} {number(value)}",))
    if not function.invocations:
        return Count(known=0)
    calls = f"{function.name} ran {number(function.invocations)} times"
    return Count(known=0, unknown=(f"{calls} without a datapoint about its {what}.",))


def _functions_covered(health: HealthEvidence, coverage: Coverage) -> Count:
    what = "Metrics of the fleet's functions"
    return Count(known=0, unknown=coverage.gap(what, health.look_back, health.heartbeats))


def _total(counts: Iterable[Count]) -> Count:
    listed = list(counts)
    return Count(
        known=sum(count.known for count in listed),
        parts=tuple(part for count in listed if count.known for part in count.parts),
        unknown=tuple(sentence for count in listed for sentence in count.unknown),
    )
